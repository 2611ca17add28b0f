//! What is promised of who is there, whatever the server's board makes of it.

use super::Oracle;
use super::here::Here;
use crate::server::presence::TICK_MS;
use crate::trace::{About, Violation};
use std::sync::Arc;

impl Oracle {
    /// The server says that a session has begun, or ends now.
    pub(super) fn is_here(&mut self, user: &Arc<str>) {
        let here = self.here.entry(Arc::clone(user)).or_default();
        *here = Here { life: self.life, last_ms: Some(self.now.instant.0) };
    }

    /// The server looks, once a tick. A connection counts as there until the server knows better: half-open ones, too.
    pub(super) fn present(&mut self, user: &Arc<str>, is_here: bool, is_online: bool) -> Result<(), Violation> {
        let (now_ms, life, grace_ms) = (self.now.instant.0, self.life, self.plan.rules.presence.grace_ms);
        let here = self.here.entry(Arc::clone(user)).or_default();
        if here.life != life {
            *here = Here { life, last_ms: None };
        }
        let wrong = |what: String| Err(Violation::new(About::default(), format!("{user} {what}")));
        if is_here {
            here.last_ms = Some(now_ms);
            return if is_online { Ok(()) } else { wrong("has a connected session, and is offline".into()) };
        }
        match here.last_ms {
            None if is_online => wrong("is online, and never had a session".into()),
            Some(last_ms) if is_online && now_ms > last_ms + grace_ms + 2 * TICK_MS => {
                wrong(format!("is online without a session for {} ms, beyond {grace_ms}", now_ms - last_ms))
            }
            Some(last_ms) if !is_online && now_ms < last_ms + grace_ms => {
                wrong(format!("is offline {} ms after its last session, within {grace_ms}", now_ms - last_ms))
            }
            _ => Ok(()),
        }
    }
}

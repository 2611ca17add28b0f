//! The end: everything must become quiet, and everybody must have everything.

use super::{Event, World};
use crate::name::StreamName;
use crate::trace::{About, Violation};
use tidings_core::policy::Class;

/// Everything is quiet after this long without a fault.
const QUIET_MS: u64 = 120_000;

const LOOK_MS: u64 = 1_000;

impl World {
    /// True when everything is quiet, and right.
    pub(super) fn look(&mut self) -> Result<bool, Violation> {
        let untold = self.presence_unrest()?;
        let Some(unrest) = self.unrest().or(untold) else {
            self.check_stored()?;
            return Ok(true);
        };
        if self.now_ms() > self.quiet.calm_since.unwrap_or_default() + QUIET_MS {
            return Err(Violation { what: format!("it does not become quiet: {}", unrest.what), about: unrest.about });
        }
        self.agenda.add(self.now_ms() + LOOK_MS, Event::Look);
        Ok(false)
    }

    fn unrest(&self) -> Option<Violation> {
        let Some(server) = &self.server else { return Some(Violation::new(About::default(), "there is no server")) };
        for client in &self.clients {
            let position =
                |stream: &StreamName| server.position(stream).map(|position| (position.epoch, position.offset));
            if let Some(what) = client.unrest(position) {
                return Some(Violation::new(About::client(client.who.index), what));
            }
        }
        server.unrest().map(|what| Violation::new(About::default(), what))
    }

    /// Everything that was told to be stored is on disk, once, under its offset, or was let go by the rules.
    fn check_stored(&self) -> Result<(), Violation> {
        let Some(server) = &self.server else { return Ok(()) };
        let mut places = vec![0_usize; self.oracle.published.len()];
        for (stream, line) in &self.oracle.lines {
            if self.oracle.class(stream) != Class::Durable {
                continue;
            }
            let about = About::stream(stream);
            let unreadable = |error| Violation::new(About::stream(stream), format!("it cannot be read: {error}"));
            let Some(kept) = server.archive().load(stream.kind, &stream.name).map_err(unreadable)? else {
                if line.all().any(|(_, _, placed)| self.oracle.published[placed.n].stored) {
                    return Err(Violation::new(about, "something was stored in it, and nothing is on disk"));
                }
                continue;
            };
            let page = server.archive().page(kept.head.stream, 1, u64::MAX, usize::MAX).map_err(unreadable)?;
            let mut entries = page.entries.iter().peekable();
            for (epoch, offset, placed) in line.all() {
                if epoch != kept.head.epoch.0 {
                    return Err(Violation::new(about, "an entry was placed in another epoch"));
                }
                while entries.next_if(|entry| entry.offset < offset).is_some() {}
                let found = entries.next_if(|entry| entry.offset == offset);
                if offset <= kept.head.last {
                    places[placed.n] += 1;
                }
                let n = found.and_then(|entry| entry.data.to::<crate::body::Body>().ok()).map(|body| body.n);
                if n.is_some_and(|n| n != placed.n) {
                    let what = format!("offset {offset} is publication {}, and on disk {n:?}", placed.n);
                    return Err(Violation::new(about, what));
                }
                if n.is_none() && offset >= kept.head.floor && offset <= kept.head.last {
                    return Err(Violation::new(about, format!("offset {offset} is missing on disk")));
                }
            }
        }
        for (n, published) in self.oracle.published.iter().enumerate() {
            let about = || About::stream(&published.stream);
            if published.stored && places[n] == 0 {
                return Err(Violation::new(about(), format!("publication {n} was told to be stored, and is lost")));
            }
            if places[n] > 1 {
                return Err(Violation::new(about(), format!("publication {n} is stored {} times", places[n])));
            }
        }
        Ok(())
    }
}

//! What the host does to a session.

use super::judge::namespaced;
use super::{Channel, Effects, Joining, Phase, Session};
use crate::ask::Denial;
use crate::policy::Rules;
use crate::time::Now;
use tidings_proto::code::Code;
use tidings_proto::frame::{ServerFrame, Unsubscribed};

impl<C: Channel> Session<C> {
    /// The host subscribes the session to a channel, whatever the user's own rights are: the client is told by a
    /// `subscribed` without an id. False if it was subscribed already.
    ///
    /// # Errors
    /// It is not connected, there is no such channel, or a limit is reached. The client hears nothing of these.
    pub fn subscribe_by_host<E: Effects<Channel = C>>(
        &mut self,
        channel: &str,
        rules: &Rules,
        now: Now,
        effects: &mut E,
    ) -> Result<bool, Denial> {
        self.check_live(now, effects)?;
        let (channel, _) = namespaced(channel, rules).map_err(|refusal| Denial::new(refusal.code, &refusal.message))?;
        if self.subscriptions.iter().any(|subscription| subscription.channel.name() == channel.as_str()) {
            return Ok(false);
        }
        if self.subscriptions.len() + self.asked.subscribes() >= rules.limits.subscriptions_max {
            return Err(Denial::new(Code::Limit, "subscriptions_max: the session has as many channels as it may"));
        }
        let joined = effects.subscribe(None, channel, Joining::default());
        if joined.is_none() {
            return Err(Denial::new(Code::Unavailable, "the channel cannot be joined now; try again later"));
        }
        self.joined(joined);
        Ok(true)
    }

    /// The host ends the session's part in a channel: the client is told by an `unsubscribed` without an id. False if it
    /// was not subscribed.
    ///
    /// # Errors
    /// It is not connected.
    pub fn unsubscribe_by_host<E: Effects<Channel = C>>(
        &mut self,
        channel: &str,
        now: Now,
        effects: &mut E,
    ) -> Result<bool, Denial> {
        self.check_live(now, effects)?;
        let Some(subscription) = self.part(channel) else { return Ok(false) };
        let told = ServerFrame::Unsubscribed(Unsubscribed { channel: subscription.channel.name(), reason: None });
        effects.reply(None, &told);
        effects.leave(subscription);
        Ok(true)
    }

    fn check_live<E: Effects<Channel = C>>(&mut self, now: Now, effects: &mut E) -> Result<(), Denial> {
        if self.is_over(now.instant, effects) || self.phase != Phase::Live {
            return Err(Denial::new(Code::NotFound, "no session of this id is connected"));
        }
        Ok(())
    }
}

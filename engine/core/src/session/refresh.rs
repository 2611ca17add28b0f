//! Going on with another token.

use super::asked::Kept;
use super::judge::{Judged, Step, namespaced, permitted, room_to_ask};
use super::{Channel, Counted, Effects, Refusal, Session};
use crate::ask::{Admission, Answer, Denial, Question};
use crate::time::{Instant, Now};
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::command::Refresh;
use tidings_proto::frame::{LeftReason, Refreshed, ServerFrame, Unsubscribed};
use tidings_proto::limit::TOKEN_BYTES_MAX;

impl<C: Channel> Session<C> {
    pub(super) fn refresh<E: Effects<Channel = C>>(&mut self, refresh: &Refresh<'_>, step: &mut Step<'_, E>) -> Judged {
        if self.asked.is_refreshing() {
            return Err(Refusal::new(Code::State, "wait for the answer to your last `refresh`"));
        }
        let token = room_to_ask(&mut self.asked, step.rules.limits.questions_max)?;
        let answer = if refresh.token.len() > TOKEN_BYTES_MAX {
            Some(Answer::Denied(Denial::unauthorized()))
        } else {
            let device = self.owner.device.as_deref();
            step.effects.ask(Question::Refresh { token: &refresh.token, device }, token)
        };
        self.settle(token, Kept::Refresh, answer, step);
        Ok(Counted::Other)
    }

    /// The rights and the end of a token are the session's from now on. The end is counted on the clock that does not
    /// jump.
    pub(super) fn take_token(&mut self, admission: &Admission, now: Now) {
        self.deadline = match admission.expires_in_ms(now) {
            Some(ms) => now.instant + ms,
            None => Instant(u64::MAX),
        };
        self.is.warned = false;
        self.owner.grants = admission.grants.clone();
        self.owner.credential = admission.credential;
    }

    /// The host knows the token. If it is another user's, the session goes on as it was.
    pub(super) fn go_on_with<E: Effects<Channel = C>>(
        &mut self,
        admission: Admission,
        step: &mut Step<'_, E>,
    ) -> Result<(), Refusal> {
        if *admission.user != **self.known_user() {
            return Err(Denial::unauthorized().into());
        }
        self.take_token(&admission, step.now);
        let refreshed = Refreshed { expires_in_ms: admission.expires_in_ms(step.now) };
        step.effects.reply(step.id, &ServerFrame::Refreshed(refreshed));
        self.judge_again(step);
        step.effects.look_again();
        Ok(())
    }

    /// Whether the session may stay in its channels and watch whom it watches, each by its new rights or else by the host's
    /// word.
    fn judge_again<E: Effects<Channel = C>>(&mut self, step: &mut Step<'_, E>) {
        let names: Vec<Box<str>> = self.subscriptions.iter().map(|one| one.channel.name().into()).collect();
        for name in names {
            let may_stay = namespaced(&name, step.rules).and_then(|(channel, policy)| {
                permitted(policy.subscribe, &self.owner.grants.subscribe, channel.as_str())
            });
            match may_stay {
                Ok(true) => {}
                Ok(false) => self.ask_to_stay(name, step),
                Err(_) => self.put_out(&name, step),
            }
        }
        let watched = step.effects.take_watched();
        self.watch_again(&watched, step);
    }

    fn ask_to_stay<E: Effects<Channel = C>>(&mut self, name: Box<str>, step: &mut Step<'_, E>) {
        let Ok(channel) = ChannelName::parse(&name) else { return };
        // One question a channel at most: the channels are bounded, and so are these.
        let token = self.asked.next_token();
        let answer = step.effects.ask(Question::Subscribe { user: self.known_user(), channel }, token);
        self.settle(token, Kept::Stay { channel: name }, answer, step);
    }

    /// Leaves a channel that the session may not be in any more, and says so.
    pub(super) fn put_out<E: Effects<Channel = C>>(&mut self, name: &str, step: &mut Step<'_, E>) {
        let Some(subscription) = self.part(name) else { return };
        let left = Unsubscribed { channel: subscription.channel.name(), reason: Some(LeftReason::Forbidden) };
        step.effects.reply(None, &ServerFrame::Unsubscribed(left));
        step.effects.leave(subscription);
    }
}

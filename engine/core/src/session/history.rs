//! What a session lets through of looks at the past: the rights are those of subscribing.

use super::asked::Kept;
use super::judge::{Judged, Step, namespaced, permitted, room_to_ask};
use super::{Channel, Counted, Effects, Look, LookedAt, Refusal, Session};
use crate::ask::Question;
use crate::stream::past::Begin;
use tidings_proto::code::Code;
use tidings_proto::command::History;

impl<C: Channel> Session<C> {
    pub(super) fn history<E: Effects<Channel = C>>(&mut self, asked: &History<'_>, step: &mut Step<'_, E>) -> Judged {
        self.message(step)?;
        if step.id.is_none() {
            return Err(Refusal::new(Code::BadRequest, "a history needs an id"));
        }
        if asked.limit == Some(0) {
            return Err(Refusal::new(Code::BadRequest, "a limit is 1 or more"));
        }
        let (begin, entries_max) = (begin(asked), asked.limit.unwrap_or(u64::MAX));
        let Some(channel) = asked.channel.as_deref() else {
            let stream = LookedAt::Inbox(self.known_user());
            step.effects.history(step.id, Look { stream, begin, entries_max });
            return Ok(Counted::Message);
        };
        let (channel, policy) = namespaced(channel, step.rules)?;
        // Who is in a channel by the host's wish may look at what is kept of it, too.
        let is_in = self.subscriptions.iter().any(|joined| joined.channel.name() == channel.as_str());
        if is_in || permitted(policy.subscribe, &self.owner.grants.subscribe, channel.as_str())? {
            step.effects.history(step.id, Look { stream: LookedAt::Channel(channel), begin, entries_max });
            return Ok(Counted::Message);
        }
        let token = room_to_ask(&mut self.asked, step.rules.limits.questions_max)?;
        let answer = step.effects.ask(Question::Subscribe { user: self.known_user(), channel }, token);
        self.settle(token, Kept::History { channel: channel.as_str().into(), begin, entries_max }, answer, step);
        Ok(Counted::Message)
    }
}

const fn begin(asked: &History<'_>) -> Begin {
    match (asked.since, asked.before) {
        (Some(since), _) => Begin::Since(since),
        (None, Some(before)) => Begin::Older(before),
        (None, None) => Begin::Newest,
    }
}

//! What a session lets through of presence.

use super::asked::{Kept, WatchWish};
use super::check::{check_info, check_present, check_users, no_attendance};
use super::judge::{Judged, Step, room_to_ask};
use super::{Channel, Counted, Effects, Refusal, Session, Subscription, Watched};
use crate::ask::{Denial, Question};
use crate::grants::covers;
use crate::policy::{Access, Attendance};
use crate::time::Instant;
use std::borrow::Cow;
use tidings_proto::code::Code;
use tidings_proto::command::{Activity, Info, Members, Users};
use tidings_proto::payload::DataRef;
use tidings_proto::presence::Present;

impl<C: Channel> Session<C> {
    /// The client is used.
    pub(super) fn used(&mut self, now: Instant, effects: &mut impl Effects<Channel = C>) {
        self.active = now;
        if self.is.idle && self.is_live() {
            self.is.idle = false;
            effects.active(true);
        }
    }

    pub(super) fn activity<E: Effects<Channel = C>>(&mut self, activity: Activity, step: &mut Step<'_, E>) -> Counted {
        if activity.active {
            self.used(step.now.instant, step.effects);
        } else if !self.is.idle {
            self.is.idle = true;
            step.effects.active(false);
        }
        Counted::Other
    }

    /// Nobody has used the client for long. Returns when that will be so, if it is not.
    pub(super) fn rest(
        &mut self,
        idle_after_ms: u64,
        now: Instant,
        effects: &mut impl Effects<Channel = C>,
    ) -> Option<Instant> {
        if self.is.idle || idle_after_ms == 0 {
            return None;
        }
        let due = self.active + idle_after_ms;
        if now < due {
            return Some(due);
        }
        self.is.idle = true;
        effects.active(false);
        None
    }

    pub(super) fn present<E: Effects<Channel = C>>(&mut self, present: &Present<'_>, step: &mut Step<'_, E>) -> Judged {
        self.message(step)?;
        check_present(present, &step.rules.presence)?;
        self.used(step.now.instant, step.effects);
        step.effects.present(step.id, present);
        Ok(Counted::Message)
    }

    pub(super) fn watch<E: Effects<Channel = C>>(
        &mut self,
        users: &[Cow<'_, str>],
        again: bool,
        step: &mut Step<'_, E>,
    ) -> Judged {
        if !again {
            self.message(step)?;
        }
        check_users(users)?;
        let (own, access) = (self.known_user(), step.rules.presence.watch);
        let may = |user: &str| match access {
            _ if *user == **own => true,
            Access::Everyone => true,
            Access::Host => false,
            Access::Granted => covers(&self.owner.grants.watch, user),
        };
        let (allowed, others): (Vec<&str>, Vec<&str>) = users.iter().map(|user| &**user).partition(|user| may(user));
        if others.is_empty() || access == Access::Host {
            return watch_now(&allowed, &others, again, step);
        }
        let questions_max = if again { usize::MAX } else { step.rules.limits.questions_max };
        let token = room_to_ask(&mut self.asked, questions_max)?;
        let answer = step.effects.ask(Question::Watch { user: self.known_user(), users: &others }, token);
        let boxed = |users: Vec<&str>| users.into_iter().map(Into::into).collect();
        let wish = WatchWish { allowed: boxed(allowed), asked: boxed(others), again };
        self.settle(token, Kept::Watch(Box::new(wish)), answer, step);
        Ok(Counted::Message)
    }

    pub(super) fn unwatch<E: Effects<Channel = C>>(&mut self, users: &Users<'_>, step: &mut Step<'_, E>) -> Judged {
        check_users(&users.users)?;
        let users: Vec<&str> = users.users.iter().map(|user| &**user).collect();
        step.effects.unwatch(step.id, &users);
        Ok(Counted::Other)
    }

    pub(super) fn members<E: Effects<Channel = C>>(&mut self, asked: &Members<'_>, step: &mut Step<'_, E>) -> Judged {
        self.message(step)?;
        let lists = asked.list.unwrap_or(true);
        let subscription = self.attended(&asked.channel, step)?;
        step.effects.members(step.id, subscription, lists);
        Ok(Counted::Message)
    }

    pub(super) fn inform<E: Effects<Channel = C>>(
        &mut self,
        info: &Info<'_, DataRef<'_>>,
        step: &mut Step<'_, E>,
    ) -> Judged {
        self.message(step)?;
        check_info(info.info, &step.rules.presence)?;
        let subscription = self.attended(&info.channel, step)?;
        step.effects.inform(step.id, subscription, info.info);
        Ok(Counted::Message)
    }

    /// A channel that the session is subscribed to, and of which it is kept who is in it.
    fn attended<E>(&self, name: &str, step: &Step<'_, E>) -> Result<&Subscription<C>, Refusal> {
        let found = self.subscriptions.iter().find(|subscription| subscription.channel.name() == name);
        let found = found.ok_or_else(|| Refusal::new(Code::State, "you are not subscribed to this channel"))?;
        let namespace = name.split(':').next().unwrap_or_default();
        match step.rules.namespace(namespace).map(|policy| policy.attendance) {
            None | Some(Attendance::None) => Err(no_attendance()),
            Some(_) => Ok(found),
        }
    }

    /// The host has answered whom of `wish.asked` the session may watch.
    pub(super) fn watch_answered<E: Effects<Channel = C>>(
        wish: &WatchWish,
        yes: impl Fn(&str) -> bool,
        step: &mut Step<'_, E>,
    ) -> Result<(), Refusal> {
        let (more, refused): (Vec<&str>, Vec<&str>) = wish.asked.iter().map(|user| &**user).partition(|user| yes(user));
        let allowed: Vec<&str> = wish.allowed.iter().map(|user| &**user).chain(more).collect();
        watch_now(&allowed, &refused, wish.again, step).map(drop)
    }
}

fn watch_now<E: Effects>(allowed: &[&str], refused: &[&str], again: bool, step: &mut Step<'_, E>) -> Judged {
    if allowed.is_empty() && !refused.is_empty() && !again {
        return Err(Denial::forbidden().into());
    }
    step.effects.watch(step.id, Watched { allowed, refused, again });
    Ok(Counted::Message)
}

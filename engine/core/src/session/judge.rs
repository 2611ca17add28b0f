//! What a session lets through.

use super::asked::Kept;
use super::{Channel, Counted, Effects, Phase, Refusal, Session, refuse};
use crate::ask::{Admission, Answer, Denial, Question, Token};
use crate::grants::covers;
use crate::policy::{Access, Class, Policy, Rules};
use crate::stream::Publication;
use crate::time::{Instant, Now};
use std::sync::Arc;
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::command::{Call, Command, Connect, Publish, Send, Subscribe, Wait};
use tidings_proto::event::{is_event, is_method};
use tidings_proto::frame::{ServerFrame, Unsubscribed};
use tidings_proto::id::Position;
use tidings_proto::limit::{KEY_BYTES_MAX, TOKEN_BYTES_MAX};
use tidings_proto::pattern::Pattern;
use tidings_proto::payload::DataRef;
use tidings_proto::user::{is_device, is_user_id};

type Judged = Result<Counted, Refusal>;

/// The parts of a step that every judgement needs.
pub(super) struct Step<'s, E> {
    id: Option<u64>,
    rules: &'s Rules,
    now: Now,
    effects: &'s mut E,
}

impl<C: Channel> Session<C> {
    pub(super) fn judge<E: Effects<Channel = C>>(
        &mut self,
        id: Option<u64>,
        command: &Command<'_>,
        rules: &Rules,
        now: Now,
        effects: &mut E,
    ) -> Judged {
        let mut step = Step { id, rules, now, effects };
        match (command, self.phase) {
            (Command::Connect(connect), Phase::Waiting) => self.connect(connect, &mut step),
            (Command::Connect(_), _) => Err(Refusal::new(Code::State, "this session has sent its `connect`")),
            (Command::Ping, _) => {
                step.effects.reply(id, &ServerFrame::Pong);
                Ok(Counted::Other)
            }
            (Command::Pong, _) => Ok(Counted::Other),
            (_, Phase::Waiting) => Err(Refusal::new(Code::State, "send `connect` first")),
            (_, Phase::Asking) => Err(Refusal::new(Code::State, "wait for `connected` first")),
            (Command::Subscribe(subscribe), _) => self.subscribe(subscribe, &mut step),
            (Command::Unsubscribe(unsubscribe), _) => self.unsubscribe(&unsubscribe.channel, &mut step),
            (Command::Publish(publish), _) => self.publish(publish, &mut step),
            (Command::Send(send), _) => self.send(send, &mut step),
            (Command::Call(call), _) => self.call(call, &mut step),
            _ => Err(Refusal::new(Code::BadRequest, "no command that this server knows")),
        }
    }

    fn connect<E: Effects<Channel = C>>(&mut self, connect: &Connect<'_>, step: &mut Step<'_, E>) -> Judged {
        let device = connect.device.as_deref();
        if device.is_some_and(|device| !is_device(device)) {
            return Err(Refusal::new(Code::BadRequest, "a device has 1 to 64 bytes without control characters"));
        }
        let token = self.asked.next_token();
        self.phase = Phase::Asking;
        let answer = if connect.token.len() > TOKEN_BYTES_MAX {
            Some(Answer::Denied(Denial::unauthorized()))
        } else {
            step.effects.ask(Question::Connect { token: &connect.token, device }, token)
        };
        self.settle(token, Kept::Connect, answer, step);
        Ok(Counted::Other)
    }

    fn subscribe<E: Effects<Channel = C>>(&mut self, subscribe: &Subscribe<'_>, step: &mut Step<'_, E>) -> Judged {
        let (channel, policy) = namespaced(&subscribe.channel, step.rules)?;
        self.may_join(channel, step.rules)?;
        if permitted(policy.subscribe, &self.grants.subscribe, channel.as_str())? {
            let joined = step.effects.subscribe(step.id, channel, subscribe.since);
            self.joined(joined);
            return Ok(Counted::Other);
        }
        let token = self.room_to_ask(step.rules)?;
        let answer = step.effects.ask(Question::Subscribe { user: self.known_user(), channel }, token);
        let kept = Kept::Subscribe { channel: channel.as_str().into(), since: subscribe.since };
        self.settle(token, kept, answer, step);
        Ok(Counted::Other)
    }

    fn may_join(&self, channel: ChannelName<'_>, rules: &Rules) -> Result<(), Refusal> {
        if self.subscriptions.iter().any(|subscription| subscription.channel.name() == channel.as_str()) {
            return Err(Refusal::new(Code::State, "you are subscribed to this channel"));
        }
        if self.subscriptions.len() + self.asked.subscribes() >= rules.limits.subscriptions_max {
            return Err(Refusal::new(Code::Limit, "subscriptions_max: unsubscribe from a channel first"));
        }
        Ok(())
    }

    fn unsubscribe<E: Effects<Channel = C>>(&mut self, name: &str, step: &mut Step<'_, E>) -> Judged {
        let subscription =
            self.part(name).ok_or_else(|| Refusal::new(Code::State, "you are not subscribed to this channel"))?;
        let reply = ServerFrame::Unsubscribed(Unsubscribed { channel: subscription.channel.name() });
        step.effects.reply(step.id, &reply);
        step.effects.leave(subscription);
        Ok(Counted::Other)
    }

    fn publish<E: Effects<Channel = C>>(
        &mut self,
        publish: &Publish<'_, DataRef<'_>>,
        step: &mut Step<'_, E>,
    ) -> Judged {
        self.message(step)?;
        let (channel, policy) = namespaced(&publish.channel, step.rules)?;
        let key = publish.key.as_deref();
        check_key(key, policy)?;
        let data = publish.data.unwrap_or(DataRef::NULL);
        check_message(&publish.event, data, publish.wait, policy)?;
        self.pace(policy, step)?;
        if permitted(policy.publish, &self.grants.publish, channel.as_str())? {
            let publication = Publication { event: &publish.event, data, from: self.user.as_ref(), key };
            step.effects.publish(step.id, channel, &publication);
            return Ok(Counted::Message);
        }
        let token = self.room_to_ask(step.rules)?;
        let question = Question::Publish { user: self.known_user(), channel, event: &publish.event, data };
        let answer = step.effects.ask(question, token);
        let event = publish.event.as_ref().into();
        let kept =
            Kept::Publish { channel: channel.as_str().into(), event, data: data.to_data(), key: key.map(Into::into) };
        self.settle(token, kept, answer, step);
        Ok(Counted::Message)
    }

    fn send<E: Effects<Channel = C>>(&mut self, send: &Send<'_, DataRef<'_>>, step: &mut Step<'_, E>) -> Judged {
        self.message(step)?;
        let policy = step.rules.namespace(&send.namespace).ok_or_else(no_namespace)?;
        if !is_user_id(&send.user) {
            let text = "a user id has 1 to 128 bytes without control characters";
            return Err(Refusal::new(Code::BadRequest, text));
        }
        let data = send.data.unwrap_or(DataRef::NULL);
        check_message(&send.event, data, send.wait, policy)?;
        self.pace(policy, step)?;
        if permitted(policy.send, &self.grants.send, &send.user)? {
            let publication = Publication { event: &send.event, data, from: self.user.as_ref(), key: None };
            step.effects.send(step.id, &send.user, &publication);
            return Ok(Counted::Message);
        }
        let token = self.room_to_ask(step.rules)?;
        let question = Question::Send { user: self.known_user(), to: &send.user, event: &send.event, data };
        let answer = step.effects.ask(question, token);
        let (user, event) = (send.user.as_ref().into(), send.event.as_ref().into());
        self.settle(token, Kept::Send { user, event, data: data.to_data() }, answer, step);
        Ok(Counted::Message)
    }

    fn call<E: Effects<Channel = C>>(&mut self, call: &Call<'_, DataRef<'_>>, step: &mut Step<'_, E>) -> Judged {
        self.message(step)?;
        if step.id.is_none() {
            return Err(Refusal::new(Code::BadRequest, "a call needs an id"));
        }
        if !is_method(&call.method) {
            return Err(Refusal::new(Code::BadRequest, "a method has 1 to 64 bytes of printable ASCII"));
        }
        let token = self.room_to_ask(step.rules)?;
        let data = call.data.unwrap_or(DataRef::NULL);
        let answer = step.effects.ask(Question::Call { user: self.known_user(), method: &call.method, data }, token);
        self.settle(token, Kept::Call, answer, step);
        Ok(Counted::Message)
    }

    fn message<E>(&mut self, step: &Step<'_, E>) -> Result<(), Refusal> {
        let taken = self.messages.take(step.rules.limits.messages, step.now.instant);
        taken.map_err(|wait_ms| too_fast("messages_per_minute: too many messages", wait_ms))
    }

    fn pace<E>(&mut self, policy: &Arc<Policy>, step: &Step<'_, E>) -> Result<(), Refusal> {
        let taken = self.paces.take(policy, step.now.instant);
        taken.map_err(|wait_ms| too_fast("messages_per_minute of the namespace: too many messages", wait_ms))
    }

    fn known_user(&self) -> &Arc<str> {
        self.user.as_ref().expect("a live session has a user: both are set in `admit`")
    }

    fn room_to_ask(&mut self, rules: &Rules) -> Result<Token, Refusal> {
        if self.asked.len() >= rules.limits.questions_max {
            let message = "questions_max: wait for answers to what you asked before".into();
            return Err(Refusal { code: Code::Limit, message, retry_after_ms: None });
        }
        Ok(self.asked.next_token())
    }

    /// Goes on at once if the answer is there and nothing waits before it.
    fn settle<E: Effects<Channel = C>>(
        &mut self,
        token: Token,
        kept: Kept,
        answer: Option<Answer>,
        step: &mut Step<'_, E>,
    ) {
        self.asked.wait(token, step.id, kept);
        if let Some(answer) = answer {
            self.answered(token, answer, step.rules, step.now, step.effects);
        }
    }

    /// The host has answered a question. False if it was answered before, or never asked.
    pub fn answered<E: Effects<Channel = C>>(
        &mut self,
        token: Token,
        answer: Answer,
        rules: &Rules,
        now: Now,
        effects: &mut E,
    ) -> bool {
        let known = self.asked.answer(token, answer);
        if self.is_over(now.instant, effects) {
            return known;
        }
        while let Some((waiting, answer)) = self.asked.ready() {
            let mut step = Step { id: waiting.id, rules, now, effects: &mut *effects };
            self.carry_out(waiting.kept, answer, &mut step);
        }
        known
    }

    fn carry_out<E: Effects<Channel = C>>(&mut self, kept: Kept, answer: Answer, step: &mut Step<'_, E>) {
        let done = match (kept, answer) {
            (Kept::Connect, Answer::Admitted(admission)) => {
                self.admit(&admission, step);
                Ok(())
            }
            (Kept::Connect, Answer::Denied(denial)) => {
                // A host that could not decide must not send the client away for good.
                let code = if denial.code.retry() { Code::Fault } else { Code::Refused };
                refuse(step.id, &denial.into(), step.effects);
                self.close(code, step.effects);
                Ok(())
            }
            (Kept::Connect, _) => {
                self.close(Code::Fault, step.effects);
                Ok(())
            }
            (_, Answer::Denied(denial)) => Err(denial.into()),
            (Kept::Subscribe { channel, since }, Answer::Allowed) => self.join_allowed(&channel, since, step),
            (Kept::Publish { channel, event, data, key }, Answer::Allowed) => {
                let from = self.user.as_ref();
                let publication = Publication { event: &event, data: data.as_ref(), from, key: key.as_deref() };
                namespaced(&channel, step.rules)
                    .map(|(channel, _)| step.effects.publish(step.id, channel, &publication))
            }
            (Kept::Send { user, event, data }, Answer::Allowed) => {
                let from = self.user.as_ref();
                let publication = Publication { event: &event, data: data.as_ref(), from, key: None };
                step.effects.send(step.id, &user, &publication);
                Ok(())
            }
            (Kept::Call, Answer::Result(data)) => {
                step.effects.reply(step.id, &ServerFrame::Result(data.as_ref()));
                Ok(())
            }
            _ => Err(Refusal::new(Code::Internal, "the host's answer does not fit the question")),
        };
        if let Err(refusal) = done {
            refuse(step.id, &refusal, step.effects);
        }
    }

    fn join_allowed<E: Effects<Channel = C>>(
        &mut self,
        channel: &str,
        since: Option<Position>,
        step: &mut Step<'_, E>,
    ) -> Result<(), Refusal> {
        let (channel, _) = namespaced(channel, step.rules)?;
        self.may_join(channel, step.rules)?;
        let joined = step.effects.subscribe(step.id, channel, since);
        self.joined(joined);
        Ok(())
    }

    fn admit<E: Effects<Channel = C>>(&mut self, admission: &Admission, step: &mut Step<'_, E>) {
        match step.effects.open(step.id, admission) {
            Ok(inbox) => {
                let lifetime_ms = admission.expires_at_ms.map(|at| at.saturating_sub(step.now.wall_ms));
                self.deadline = lifetime_ms.map_or(Instant(u64::MAX), |ms| step.now.instant + ms);
                self.phase = Phase::Live;
                self.user = Some(admission.user.clone());
                self.grants = admission.grants.clone();
                self.inbox = Some(inbox);
            }
            Err(denial) => {
                refuse(step.id, &denial.into(), step.effects);
                self.close(Code::Overloaded, step.effects);
            }
        }
    }
}

fn too_fast(message: &str, wait_ms: u64) -> Refusal {
    Refusal { code: Code::RateLimited, message: message.into(), retry_after_ms: Some(wait_ms) }
}

fn no_namespace() -> Refusal {
    Refusal::new(Code::BadRequest, "the server has no such namespace")
}

fn namespaced<'n, 'r>(name: &'n str, rules: &'r Rules) -> Result<(ChannelName<'n>, &'r Arc<Policy>), Refusal> {
    let channel = ChannelName::parse(name).map_err(|error| Refusal::new(Code::BadRequest, error.text()))?;
    let policy = rules.namespace(channel.namespace()).ok_or_else(no_namespace)?;
    Ok((channel, policy))
}

/// Yes, no, or (false) a question for the host.
fn permitted(access: Access, patterns: &[Pattern], name: &str) -> Result<bool, Refusal> {
    match access {
        Access::Host => Err(Denial::forbidden().into()),
        Access::Everyone => Ok(true),
        Access::Granted => Ok(covers(patterns, name)),
    }
}

fn check_key(key: Option<&str>, policy: &Policy) -> Result<(), Refusal> {
    match key {
        Some(_) if policy.class != Class::Latest => {
            Err(Refusal::new(Code::BadRequest, "a key has a meaning in namespaces of class latest alone"))
        }
        Some(key) if key.is_empty() || key.len() > KEY_BYTES_MAX => {
            Err(Refusal::new(Code::BadRequest, "a key has 1 to 128 bytes"))
        }
        _ => Ok(()),
    }
}

fn check_message(event: &str, data: DataRef<'_>, wait: Wait, policy: &Policy) -> Result<(), Refusal> {
    if !is_event(event) {
        let text = "an event has 1 to 64 bytes of printable ASCII without space, quotation mark and backslash";
        return Err(Refusal::new(Code::BadRequest, text));
    }
    if data.bytes().len() > policy.data_bytes_max {
        return Err(Refusal::new(Code::TooLarge, format!("data_bytes_max: at most {} bytes", policy.data_bytes_max)));
    }
    if wait == Wait::Stored {
        return Err(Refusal::new(Code::Unavailable, "this server keeps nothing on disk; wait for `accepted`"));
    }
    Ok(())
}

//! What a session lets through.

use super::asked::{Asked, Kept, Message, Wish};
use super::check::{check_joining, check_key, check_message, check_present, wish};
use super::{Arrival, Channel, Counted, Effects, Joining, Look, LookedAt, Meters, Phase, Refusal, Session, refuse};
use crate::ask::{Admission, Answer, Denial, Question, Resumed, Token};
use crate::grants::covers;
use crate::limit::Limit;
use crate::policy::{Access, Class, Policy, Rules};
use crate::stream::Publication;
use crate::time::Now;
use std::borrow::Cow;
use std::sync::Arc;
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::command::{Call, Command, Connect, Mark, Narrowed, Publish, Send, Subscribe};
use tidings_proto::event::is_method;
use tidings_proto::frame::{ServerFrame, Unsubscribed};
use tidings_proto::id::Position;
use tidings_proto::limit::TOKEN_BYTES_MAX;
use tidings_proto::pattern::Pattern;
use tidings_proto::payload::{Data, DataRef};
use tidings_proto::user::{is_device, is_user_id};

const USER_TOO_FAST: &str = "messages_per_minute: too many messages of this user, over all devices";
const SESSION_TOO_FAST: &str = "session_messages_per_minute: too many messages of this session";
const NAMESPACE_TOO_FAST: &str = "messages_per_minute of the namespace: too many messages";

pub(super) type Judged = Result<Counted, Refusal>;

/// The parts of a step that every judgement needs.
pub(super) struct Step<'s, E> {
    pub(super) id: Option<u64>,
    pub(super) rules: &'s Rules,
    pub(super) now: Now,
    pub(super) effects: &'s mut E,
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
        if is_use(command) {
            self.used(now.instant, step.effects);
        }
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
            (Command::Refresh(refresh), _) => self.refresh(refresh, &mut step),
            (Command::Subscribe(subscribe), _) => self.subscribe(subscribe, rules.limits.questions_max, &mut step),
            (Command::Unsubscribe(unsubscribe), _) => self.unsubscribe(&unsubscribe.channel, &mut step),
            (Command::Publish(publish), _) => self.publish(publish, &mut step),
            (Command::Send(send), _) => self.send(send, &mut step),
            (Command::Call(call), _) => self.call(call, &mut step),
            (Command::Presence(present), _) => self.present(present, &mut step),
            (Command::Activity(activity), _) => Ok(self.activity(*activity, &mut step)),
            (Command::Watch(users), _) => self.watch(&users.users, false, &mut step),
            (Command::Unwatch(users), _) => self.unwatch(users, &mut step),
            (Command::History(asked), _) => self.history(asked, &mut step),
            (Command::Members(members), _) => self.members(members, &mut step),
            (Command::Info(info), _) => self.inform(info, &mut step),
            (Command::Ack(mark), _) => Ok(self.mark(*mark, false, &mut step)),
            (Command::Read(mark), _) => Ok(self.mark(*mark, true, &mut step)),
            _ => Err(Refusal::new(Code::BadRequest, "no command that this server knows")),
        }
    }

    fn connect<E: Effects<Channel = C>>(&mut self, connect: &Connect<'_>, step: &mut Step<'_, E>) -> Judged {
        let device = connect.device.as_deref();
        if device.is_some_and(|device| !is_device(device)) {
            return Err(Refusal::new(Code::BadRequest, "a device has 1 to 64 bytes without control characters"));
        }
        let wish = wish(connect)?;
        if let Some(present) = &wish.present {
            check_present(present, &step.rules.presence)?;
        }
        let token = self.asked.next_token();
        self.phase = Phase::Asking;
        let answer = if connect.token.len() > TOKEN_BYTES_MAX {
            Some(Answer::Denied(Denial::unauthorized()))
        } else {
            step.effects.ask(Question::Connect { token: &connect.token, device }, token)
        };
        self.settle(token, Kept::Connect(Box::new(wish)), answer, step);
        Ok(Counted::Other)
    }

    fn subscribe<E: Effects<Channel = C>>(
        &mut self,
        subscribe: &Subscribe<'_, DataRef<'_>>,
        questions_max: usize,
        step: &mut Step<'_, E>,
    ) -> Judged {
        let (channel, policy) = namespaced(&subscribe.channel, step.rules)?;
        self.may_join(channel, step.rules)?;
        check_joining(subscribe, policy, &step.rules.presence)?;
        let Subscribe { since, presence, info, .. } = *subscribe;
        if permitted(policy.subscribe, &self.owner.grants.subscribe, channel.as_str())? {
            let joined = step.effects.subscribe(step.id, channel, Joining { since, presence, info });
            self.joined(joined);
            return Ok(Counted::Other);
        }
        let token = room_to_ask(&mut self.asked, questions_max)?;
        let answer = step.effects.ask(Question::Subscribe { user: self.known_user(), channel }, token);
        let info = info.map(DataRef::to_data);
        let kept = Kept::Subscribe { channel: channel.as_str().into(), since, presence, info };
        self.settle(token, kept, answer, step);
        Ok(Counted::Other)
    }

    fn may_join(&self, channel: ChannelName<'_>, rules: &Rules) -> Result<(), Refusal> {
        if self.subscriptions.iter().any(|subscription| subscription.channel.name() == channel.as_str()) {
            return Err(Refusal::new(Code::State, "you are subscribed to this channel"));
        }
        if self.subscriptions.len() + self.asked.subscribes() >= rules.limits.subscriptions_max {
            return Err(Refusal::limit(
                Limit::Subscriptions,
                Code::Limit,
                "subscriptions_max: unsubscribe from a channel first",
            ));
        }
        Ok(())
    }

    fn unsubscribe<E: Effects<Channel = C>>(&mut self, name: &str, step: &mut Step<'_, E>) -> Judged {
        let subscription =
            self.part(name).ok_or_else(|| Refusal::new(Code::State, "you are not subscribed to this channel"))?;
        let reply = ServerFrame::Unsubscribed(Unsubscribed { channel: subscription.channel.name(), reason: None });
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
        let publication = Publication {
            event: &publish.event,
            data: publish.data.unwrap_or(DataRef::NULL),
            from: self.owner.user.as_ref(),
            key,
            class: narrow(policy.class, publish.class),
            idempotency_key: publish.idempotency_key.as_deref(),
            wait: publish.wait,
        };
        check_message(&publication, policy)?;
        pace(&mut self.meters, policy, step)?;
        if permitted(policy.publish, &self.owner.grants.publish, channel.as_str())? {
            step.effects.publish(step.id, channel, &publication);
            return Ok(Counted::Message);
        }
        let kept = Kept::Publish { channel: channel.as_str().into(), message: Message::keep(&publication) };
        let Publication { event, data, .. } = publication;
        let token = room_to_ask(&mut self.asked, step.rules.limits.questions_max)?;
        let question = Question::Publish { user: self.known_user(), channel, event, data };
        let answer = step.effects.ask(question, token);
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
        let publication = Publication {
            event: &send.event,
            data: send.data.unwrap_or(DataRef::NULL),
            from: self.owner.user.as_ref(),
            key: None,
            class: narrow(policy.send_class, send.class),
            idempotency_key: send.idempotency_key.as_deref(),
            wait: send.wait,
        };
        check_message(&publication, policy)?;
        pace(&mut self.meters, policy, step)?;
        if permitted(policy.send, &self.owner.grants.send, &send.user)? {
            step.effects.send(step.id, &send.user, &publication);
            return Ok(Counted::Message);
        }
        let kept = Kept::Send { user: send.user.as_ref().into(), message: Message::keep(&publication) };
        let Publication { event, data, .. } = publication;
        let token = room_to_ask(&mut self.asked, step.rules.limits.questions_max)?;
        let question = Question::Send { user: self.known_user(), to: &send.user, event, data };
        let answer = step.effects.ask(question, token);
        self.settle(token, kept, answer, step);
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
        let token = room_to_ask(&mut self.asked, step.rules.limits.questions_max)?;
        let data = call.data.unwrap_or(DataRef::NULL);
        let answer = step.effects.ask(Question::Call { user: self.known_user(), method: &call.method, data }, token);
        self.settle(token, Kept::Call, answer, step);
        Ok(Counted::Message)
    }

    /// Counts a message of the session, then of its user.
    pub(super) fn message<E: Effects<Channel = C>>(&mut self, step: &mut Step<'_, E>) -> Result<(), Refusal> {
        let taken = self.meters.messages.take(step.rules.limits.messages, step.now.instant);
        taken.map_err(|wait_ms| too_fast(Limit::SessionMessagesPerMinute, SESSION_TOO_FAST, wait_ms))?;
        let taken = step.effects.pace(self.known_user());
        taken.map_err(|wait_ms| too_fast(Limit::MessagesPerMinute, USER_TOO_FAST, wait_ms))
    }

    /// `ack` and `read`. What the session was never given, or is not a member of, changes nothing.
    fn mark<E: Effects<Channel = C>>(&mut self, mark: Mark, read: bool, step: &mut Step<'_, E>) -> Counted {
        let Mark { stream, offset } = mark;
        let mut streams = self.inbox.iter_mut().chain(&mut self.subscriptions);
        if let Some(subscription) = streams.find(|subscription| subscription.channel.number() == stream)
            && step.effects.acknowledge(subscription, self.owner.device.as_deref().unwrap_or_default(), offset, read)
        {
            subscription.has = subscription.has.max(offset);
        }
        Counted::Other
    }

    pub(super) fn known_user(&self) -> &Arc<str> {
        self.owner.user.as_ref().expect("a live session has a user: both are set in `admit`")
    }

    /// Goes on at once if the answer is there and nothing waits before it.
    pub(super) fn settle<E: Effects<Channel = C>>(
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
            (Kept::Connect(wish), Answer::Admitted(admission)) => {
                self.admit(admission, *wish, step);
                Ok(())
            }
            (Kept::Connect(_), Answer::Denied(denial)) => {
                // A host that could not decide must not send the client away for good.
                let code = if denial.code.retry() { Code::Fault } else { Code::Refused };
                refuse(step.id, &denial.into(), step.effects);
                self.close(code, step.effects);
                Ok(())
            }
            (Kept::Connect(_), _) => {
                self.close(Code::Fault, step.effects);
                Ok(())
            }
            (Kept::Stay { channel }, answer) => {
                if !matches!(answer, Answer::Allowed) {
                    self.put_out(&channel, step);
                }
                Ok(())
            }
            (Kept::Refresh, Answer::Admitted(admission)) => self.go_on_with(admission, step),
            (Kept::Subscribe { channel, since, presence, info }, Answer::Allowed) => {
                let info = info.as_ref().map(Data::as_ref);
                self.join_allowed(&channel, Joining { since, presence, info }, step)
            }
            (Kept::History { channel, begin, entries_max }, Answer::Allowed) => namespaced(&channel, step.rules)
                .map(|(channel, _)| Look { stream: LookedAt::Channel(channel), begin, entries_max })
                .map(|look| step.effects.history(step.id, look)),
            (Kept::Watch(wish), Answer::Users(users)) => {
                Self::watch_answered(&wish, |user| users.iter().any(|yes| **yes == *user), step)
            }
            (Kept::Watch(wish), Answer::Allowed) => Self::watch_answered(&wish, |_| true, step),
            (Kept::Watch(wish), Answer::Denied(denial)) => {
                // A no to some is a yes to the others, unless the host could not decide.
                if denial.code.retry() && !wish.again {
                    Err(denial.into())
                } else {
                    Self::watch_answered(&wish, |_| false, step)
                }
            }
            (_, Answer::Denied(denial)) => Err(denial.into()),
            (Kept::Publish { channel, message }, Answer::Allowed) => {
                let publication = message.publication(self.owner.user.as_ref());
                namespaced(&channel, step.rules)
                    .map(|(channel, _)| step.effects.publish(step.id, channel, &publication))
            }
            (Kept::Send { user, message }, Answer::Allowed) => {
                step.effects.send(step.id, &user, &message.publication(self.owner.user.as_ref()));
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
        joining: Joining<'_>,
        step: &mut Step<'_, E>,
    ) -> Result<(), Refusal> {
        let (channel, _) = namespaced(channel, step.rules)?;
        self.may_join(channel, step.rules)?;
        let joined = step.effects.subscribe(step.id, channel, joining);
        self.joined(joined);
        Ok(())
    }

    fn admit<E: Effects<Channel = C>>(&mut self, admission: Admission, wish: Wish, step: &mut Step<'_, E>) {
        let Wish { device, since, resume: _, channels, present } = wish;
        let arrival = Arrival { device: device.as_deref().unwrap_or_default(), since, present: present.as_ref() };
        match step.effects.open(step.id, &admission, arrival) {
            Ok(inbox) => {
                self.phase = Phase::Live;
                self.active = step.now.instant;
                self.take_token(&admission, step.now);
                self.owner.user = Some(admission.user);
                self.owner.device = device;
                self.inbox = Some(inbox);
                if let Some(resumed) = admission.resumed {
                    self.rejoin(resumed, &channels, step);
                }
            }
            Err(denial) => {
                let code = if denial.code == Code::Limit { Code::Overloaded } else { Code::Fault };
                refuse(step.id, &denial.into(), step.effects);
                self.close(code, step.effects);
            }
        }
    }

    /// Subscribes again to what the session was subscribed to, each from where the client says that it stands, else from
    /// what it surely has. The rights are judged anew; as many questions as that takes are asked, one a channel at most.
    fn rejoin<E: Effects<Channel = C>>(
        &mut self,
        resumed: Resumed,
        named: &[(Box<str>, Position)],
        step: &mut Step<'_, E>,
    ) {
        for (channel, has) in &resumed.channels {
            let named = named.iter().find(|(name, _)| **name == **channel).map(|(_, position)| *position);
            let since = Some(named.unwrap_or(*has));
            let subscribe = Subscribe { channel: (&**channel).into(), since, presence: None, info: None };
            let mut step = Step { id: None, rules: step.rules, now: step.now, effects: &mut *step.effects };
            if let Err(refusal) = self.subscribe(&subscribe, usize::MAX, &mut step) {
                refuse(None, &refusal, step.effects);
            }
        }
        self.watch_again(&resumed.watched, step);
    }

    /// Watches whom the session watched before, as far as it may.
    pub(super) fn watch_again<E: Effects<Channel = C>>(&mut self, users: &[Arc<str>], step: &mut Step<'_, E>) {
        if users.is_empty() {
            return;
        }
        let users: Vec<Cow<'_, str>> = users.iter().map(|user| Cow::Borrowed(&**user)).collect();
        let mut step = Step { id: None, rules: step.rules, now: step.now, effects: &mut *step.effects };
        if let Err(refusal) = self.watch(&users, true, &mut step) {
            refuse(None, &refusal, step.effects);
        }
    }
}

/// Whether a command shows that somebody uses the client. What clients send by themselves does not.
const fn is_use(command: &Command<'_>) -> bool {
    !matches!(
        command,
        Command::Connect(_)
            | Command::Refresh(_)
            | Command::Ping
            | Command::Pong
            | Command::Ack(_)
            | Command::Activity(_)
    )
}

fn pace<E>(meters: &mut Meters, policy: &Arc<Policy>, step: &Step<'_, E>) -> Result<(), Refusal> {
    let taken = meters.paces.take(policy, step.now.instant);
    taken.map_err(|wait_ms| too_fast(Limit::NamespaceMessagesPerMinute, NAMESPACE_TOO_FAST, wait_ms))
}

const fn narrow(class: Class, narrowed: Narrowed) -> Class {
    match narrowed {
        Narrowed::No => class,
        Narrowed::Ephemeral => Class::Ephemeral,
    }
}

pub(super) fn room_to_ask(asked: &mut Asked, questions_max: usize) -> Result<Token, Refusal> {
    if asked.len() >= questions_max {
        return Err(Refusal::limit(
            Limit::Questions,
            Code::Limit,
            "questions_max: wait for answers to what you asked before",
        ));
    }
    Ok(asked.next_token())
}

fn too_fast(limit: Limit, message: &str, wait_ms: u64) -> Refusal {
    Refusal { retry_after_ms: Some(wait_ms), ..Refusal::limit(limit, Code::RateLimited, message) }
}

fn no_namespace() -> Refusal {
    Refusal::new(Code::BadRequest, "the server has no such namespace")
}

pub(super) fn namespaced<'n, 'r>(
    name: &'n str,
    rules: &'r Rules,
) -> Result<(ChannelName<'n>, &'r Arc<Policy>), Refusal> {
    let channel = ChannelName::parse(name).map_err(|error| Refusal::new(Code::BadRequest, error.text()))?;
    let policy = rules.namespace(channel.namespace()).ok_or_else(no_namespace)?;
    Ok((channel, policy))
}

/// Yes, no, or (false) a question for the host.
pub(super) fn permitted(access: Access, patterns: &[Pattern], name: &str) -> Result<bool, Refusal> {
    match access {
        Access::Host => Err(Denial::forbidden().into()),
        Access::Everyone => Ok(true),
        Access::Granted => Ok(covers(patterns, name)),
    }
}

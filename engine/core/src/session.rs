//! One connection's session, from the first command to the last.
//!
//! The session judges: is this the time for the command, is it well-formed, has the user the right, is it too fast, is
//! it too much. What passes goes to the [`Effects`] that the caller brings, which know channels and sockets; what only
//! the host can judge goes out as a [`Question`] and waits in the session under a [`Token`].

mod asked;
mod check;
mod history;
mod host;
mod judge;
mod paces;
mod presence;
mod refresh;

use crate::ask::{Admission, Answer, Credential, Denial, Question, Token};
use crate::grants::Grants;
use crate::limit::Limit;
use crate::members::Slot;
use crate::policy::{Rules, SessionLimits};
use crate::rate::Meter;
use crate::stream::Publication;
use crate::stream::past::Begin;
use crate::time::{Instant, Now};
use asked::Asked;
use paces::Paces;
use std::sync::Arc;
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::command::ClientFrame;
use tidings_proto::decode::DecodeError;
use tidings_proto::frame::{Expiring, Failure, ServerFrame};
use tidings_proto::id::{Position, Secret, SessionId, StreamNumber};
use tidings_proto::payload::DataRef;
use tidings_proto::presence::Present;

/// A stream as the session's owner holds it.
pub trait Channel {
    /// The channel's name, or the user's id.
    fn name(&self) -> &str;
    /// Its short number.
    fn number(&self) -> StreamNumber;
}

/// What follows from a step of a session.
pub trait Effects {
    /// How the owner reaches a channel.
    type Channel: Channel;
    /// Enqueues an answer or a word of the server to this session's client.
    fn reply(&mut self, id: Option<u64>, frame: &ServerFrame<'_>);
    /// Puts a question to the host. `Some` if the answer is there at once; else it comes later, by the token.
    fn ask(&mut self, question: Question<'_>, token: Token) -> Option<Answer>;
    /// The session is admitted: join the user's inbox and answer `connected`, or say why not.
    ///
    /// # Errors
    /// A limit of the user's is reached, or the inbox cannot be read; the session is then closed.
    fn open(
        &mut self,
        id: Option<u64>,
        admission: &Admission,
        arrival: Arrival<'_>,
    ) -> Result<Subscription<Self::Channel>, Denial>;
    /// Join the channel and answer. `None` if it failed, and that was answered.
    fn subscribe(
        &mut self,
        id: Option<u64>,
        channel: ChannelName<'_>,
        joining: Joining<'_>,
    ) -> Option<Subscription<Self::Channel>>;
    /// The client has everything of a stream up to an offset, and has read it where `read` says so. Returns whether it
    /// was given that much.
    fn acknowledge(
        &mut self,
        subscription: &Subscription<Self::Channel>,
        device: &str,
        offset: u64,
        read: bool,
    ) -> bool;
    /// Leave a channel that the session is no longer subscribed to.
    fn leave(&mut self, subscription: Subscription<Self::Channel>);
    /// Publish and answer (without an id only if it fails).
    fn publish(&mut self, id: Option<u64>, channel: ChannelName<'_>, publication: &Publication<'_>);
    /// Send to a user and answer (without an id only if it fails).
    fn send(&mut self, id: Option<u64>, user: &str, publication: &Publication<'_>);
    /// Tell what a stream keeps, now or later, or why that cannot be told.
    fn history(&mut self, id: Option<u64>, look: Look<'_>);
    /// Counts one more message of the user's, over all of the user's connections, those of before included: so who comes
    /// back gets nothing anew.
    ///
    /// # Errors
    /// The milliseconds to wait when this one comes too soon; it is then not counted.
    fn pace(&mut self, user: &Arc<str>) -> Result<(), u64>;
    /// A limit was reached, and the client is told so.
    fn reached(&mut self, limit: Limit);
    /// The device is used again, or was not for a while.
    fn active(&mut self, active: bool);
    /// The client says how present its user is. Note it and answer.
    fn present(&mut self, id: Option<u64>, present: &Present<'_>);
    /// Watch users and answer, with the presence of each.
    fn watch(&mut self, id: Option<u64>, watched: Watched<'_>);
    /// Watch users no more and answer.
    fn unwatch(&mut self, id: Option<u64>, users: &[&str]);
    /// Tell who is in a channel, or how many.
    fn members(&mut self, id: Option<u64>, subscription: &Subscription<Self::Channel>, lists: bool);
    /// The client says something else of itself in a channel. Note it and answer.
    fn inform(&mut self, id: Option<u64>, subscription: &Subscription<Self::Channel>, info: Option<DataRef<'_>>);
    /// Whom the session watches: they are watched no more, and are to be watched again as far as they may.
    fn take_watched(&mut self) -> Vec<Arc<str>>;
    /// When the session is to be looked at next has changed: look at once, and then as [`Session::tick`] says.
    fn look_again(&mut self);
    /// End the connection, after all that was enqueued.
    fn close(&mut self, code: Code);
}

impl<T: Channel> Channel for Arc<T> {
    fn name(&self) -> &str {
        T::name(self)
    }

    fn number(&self) -> StreamNumber {
        T::number(self)
    }
}

/// How a session comes to its user's inbox.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The device's name; empty when the client gave none.
    pub device: &'a str,
    /// The last position of the inbox that the client has, if it said so.
    pub since: Option<Position>,
    /// How present it is from the first moment on.
    pub present: Option<&'a Present<'a>>,
}

/// How a session comes to a channel.
#[derive(Debug, Clone, Copy, Default)]
pub struct Joining<'a> {
    /// The last position of the channel that the client has, if it said so.
    pub since: Option<Position>,
    /// Whether the client wants to be told who is there, if it said so.
    pub presence: Option<bool>,
    /// What the client says of itself there, if it said so.
    pub info: Option<DataRef<'a>>,
}

/// The stream that a session looks at.
#[derive(Debug, Clone, Copy)]
pub enum LookedAt<'a> {
    /// A channel.
    Channel(ChannelName<'a>),
    /// The inbox of the session's user.
    Inbox(&'a Arc<str>),
}

/// A look at what a stream keeps.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Which.
    pub stream: LookedAt<'a>,
    /// Where to begin.
    pub begin: Begin,
    /// Most entries that the client wants.
    pub entries_max: u64,
}

/// Whom a session watches from now on.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// Whom it may.
    pub allowed: &'a [&'a str],
    /// Whom it may not.
    pub refused: &'a [&'a str],
    /// It is what the session watched before its connection was lost.
    pub again: bool,
}

/// A stream that the session is a member of.
#[derive(Debug)]
pub struct Subscription<C> {
    /// The channel.
    pub channel: C,
    /// The session's slot among its members.
    pub slot: Slot,
    /// What the client surely has: the offset it joined at, or what it has acknowledged since.
    pub has: u64,
}

/// Who a session belongs to.
#[derive(Debug)]
struct Owner {
    user: Option<Arc<str>>,
    device: Option<Box<str>>,
    grants: Arc<Grants>,
    credential: Credential,
}

/// How fast a session is.
#[derive(Debug, Default)]
struct Meters {
    messages: Meter,
    others: Meter,
    paces: Paces,
}

/// How far the session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing but `connect` is allowed.
    Waiting,
    /// The host is asked who it is.
    Asking,
    /// Connected.
    Live,
    /// Over; whatever comes is ignored.
    Closed,
}

/// What is so or not of a session.
#[derive(Debug, Default)]
struct Is {
    /// A ping was sent, and nothing came since.
    pinged: bool,
    /// Pings are not answered: they are sent at their times, and nothing follows from silence.
    mute: bool,
    /// The client was told that its token ends soon.
    warned: bool,
    /// The client was not used for long.
    idle: bool,
}

/// A session. `C` is how its owner reaches a channel.
#[derive(Debug)]
pub struct Session<C> {
    phase: Phase,
    is: Is,
    meters: Meters,
    heard: Instant,
    /// When the client was used last.
    active: Instant,
    /// While waiting: when `connect` must have come. Once live: when the token ends.
    deadline: Instant,
    owner: Owner,
    inbox: Option<Subscription<C>>,
    subscriptions: Vec<Subscription<C>>,
    asked: Asked,
}

/// A failure on its way to the client.
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) message: Box<str>,
    pub(crate) retry_after_ms: Option<u64>,
    /// The limit that was reached, where it was one.
    pub(crate) limit: Option<Limit>,
}

impl Refusal {
    pub(crate) fn new(code: Code, message: impl Into<Box<str>>) -> Self {
        Self { code, message: message.into(), retry_after_ms: None, limit: None }
    }

    pub(crate) fn limit(limit: Limit, code: Code, message: impl Into<Box<str>>) -> Self {
        Self { limit: Some(limit), ..Self::new(code, message) }
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::new(denial.code, denial.message)
    }
}

impl<C: Channel> Session<C> {
    /// The session of a connection that was just opened. `nobody` is an empty set of rights to share.
    #[must_use]
    pub fn new(limits: &SessionLimits, now: Now, nobody: Arc<Grants>) -> Self {
        Self {
            phase: Phase::Waiting,
            is: Is::default(),
            meters: Meters::default(),
            heard: now.instant,
            active: now.instant,
            deadline: now.instant + limits.connect_timeout_ms,
            owner: Owner { user: None, device: None, grants: nobody, credential: Credential::default() },
            inbox: None,
            subscriptions: Vec::new(),
            asked: Asked::default(),
        }
    }

    /// From now on pings are sent at their times, whatever comes, and nobody is taken for lost who doesn't answer: for clients
    /// that can't. Who is lost has to be found in another way.
    pub fn expect_no_pongs(&mut self) {
        self.is.mute = true;
    }

    /// The user, once admitted.
    #[must_use]
    pub const fn user(&self) -> Option<&Arc<str>> {
        self.owner.user.as_ref()
    }

    /// What tells the token that it was admitted by, or goes on with, from others.
    #[must_use]
    pub const fn credential(&self) -> Credential {
        self.owner.credential
    }

    /// The session that the client wants to go on with, while the host is asked who it is.
    #[must_use]
    pub fn wants_to_resume(&self) -> Option<(SessionId, Secret)> {
        self.asked.wish().and_then(|wish| wish.resume)
    }

    /// Its user's inbox, and the name of the device that it is on; empty for none.
    pub fn place(&self) -> Option<(&C, &str)> {
        let device = self.owner.device.as_deref().unwrap_or_default();
        self.inbox.as_ref().map(|inbox| (&inbox.channel, device))
    }

    /// The channels it is subscribed to.
    pub fn channels(&self) -> impl Iterator<Item = &Subscription<C>> {
        self.subscriptions.iter()
    }

    /// Whether the session is admitted and not over.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Whether the session is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// The streams it is a member of: the user's inbox and the channels.
    pub fn streams(&self) -> impl Iterator<Item = &Subscription<C>> {
        self.inbox.iter().chain(&self.subscriptions)
    }

    /// One frame of the client, read or not.
    pub fn receive(
        &mut self,
        frame: Result<ClientFrame<'_>, DecodeError>,
        rules: &Rules,
        now: Now,
        effects: &mut impl Effects<Channel = C>,
    ) {
        if self.is_over(now.instant, effects) {
            return;
        }
        self.hear(now.instant);
        let (id, judged) = match frame {
            Ok(ClientFrame { id, command }) => (id, self.judge(id, &command, rules, now, effects)),
            Err(error) => (error.id, Err(Refusal::new(Code::BadRequest, error.text))),
        };
        match judged {
            Ok(Counted::Message) => {}
            Ok(Counted::Other) => self.count_other(&rules.limits, now, effects),
            Err(refusal) => {
                refuse(id, &refusal, effects);
                self.count_other(&rules.limits, now, effects);
            }
        }
    }

    /// A sign of life below the protocol's frames: a control frame, an empty line. Counted, so that a flood ends.
    pub fn control(&mut self, rules: &Rules, now: Now, effects: &mut impl Effects<Channel = C>) {
        if !self.is_over(now.instant, effects) {
            self.hear(now.instant);
            self.count_other(&rules.limits, now, effects);
        }
    }

    /// Whether nothing is taken any more. A token that ended ends the session here too: the look at the clock that
    /// should have done it may be late.
    fn is_over(&mut self, now: Instant, effects: &mut impl Effects<Channel = C>) -> bool {
        if self.phase == Phase::Live && now >= self.deadline {
            self.close(Code::TokenExpired, effects);
        }
        self.phase == Phase::Closed
    }

    fn hear(&mut self, now: Instant) {
        if !self.is.mute {
            self.heard = now;
            self.is.pinged = false;
        }
    }

    fn count_other(&mut self, limits: &SessionLimits, now: Now, effects: &mut impl Effects<Channel = C>) {
        if self.meters.others.take(limits.others, now.instant).is_err() {
            effects.reached(Limit::OthersPerMinute);
            self.close(Code::Flood, effects);
        }
    }

    /// Ends the session from this side.
    pub fn close(&mut self, code: Code, effects: &mut impl Effects<Channel = C>) {
        if self.phase != Phase::Closed {
            self.hush();
            effects.close(code);
        }
    }

    /// The connection ends by itself: nothing that comes is taken any more, and nothing is said.
    pub fn hush(&mut self) {
        self.phase = Phase::Closed;
        self.asked = Asked::default();
    }

    /// The connection is gone. The streams it was a member of are returned, to be left.
    pub fn end(&mut self) -> impl Iterator<Item = Subscription<C>> + use<C> {
        self.hush();
        self.inbox.take().into_iter().chain(std::mem::take(&mut self.subscriptions))
    }

    fn joined(&mut self, subscription: Option<Subscription<C>>) {
        if self.subscriptions.is_empty() {
            self.subscriptions.reserve_exact(1);
        }
        self.subscriptions.extend(subscription);
    }

    /// Takes a channel out of the session's list, to be left; the client's own wish or the host's.
    pub fn part(&mut self, name: &str) -> Option<Subscription<C>> {
        let at = self.subscriptions.iter().position(|subscription| subscription.channel.name() == name)?;
        Some(self.subscriptions.swap_remove(at))
    }

    /// Looks at what is due: the deadline of `connect`, the token's end and the word of it ahead, a ping, a client that is
    /// lost. Returns when to look again; `None` when the session is over.
    pub fn tick(
        &mut self,
        limits: &SessionLimits,
        now: Now,
        effects: &mut impl Effects<Channel = C>,
    ) -> Option<Instant> {
        let now = now.instant;
        match self.phase {
            Phase::Closed => return None,
            Phase::Waiting | Phase::Live if now >= self.deadline => {
                let live = self.phase == Phase::Live;
                self.close(if live { Code::TokenExpired } else { Code::ConnectTimeout }, effects);
                return None;
            }
            // The question to the host has a deadline of its own.
            Phase::Asking => return Some(now + limits.connect_timeout_ms),
            Phase::Waiting => return Some(self.deadline),
            Phase::Live => {}
        }
        if self.is.mute {
            return Some(self.tick_mute(limits, now, effects));
        }
        if !self.is.pinged && now >= self.heard + limits.ping_interval_ms {
            self.is.pinged = true;
            // A look that comes late must not take the client's time to answer away.
            self.heard = Instant(now.0.saturating_sub(limits.ping_interval_ms));
            effects.reply(None, &ServerFrame::Ping);
        }
        let rest = self.rest(limits.idle_after_ms, now, effects).unwrap_or(Instant(u64::MAX));
        let patience_ms = if self.is.pinged { limits.pong_timeout_ms } else { 0 };
        let due = self.heard + limits.ping_interval_ms + patience_ms;
        if self.is.pinged && now >= due {
            self.close(Code::Lost, effects);
            return None;
        }
        Some(due.min(rest).min(self.warn(limits, now, effects)))
    }

    /// Tells once that the token ends soon. Returns when its time is to be looked at next.
    fn warn(&mut self, limits: &SessionLimits, now: Instant, effects: &mut impl Effects<Channel = C>) -> Instant {
        if self.is.warned || limits.token_warning_ms == 0 {
            return self.deadline;
        }
        let at = Instant(self.deadline.0.saturating_sub(limits.token_warning_ms));
        if now < at {
            return at;
        }
        self.is.warned = true;
        effects.reply(None, &ServerFrame::Expiring(Expiring { in_ms: self.deadline.since_ms(now) }));
        self.deadline
    }

    /// Of a client that doesn't answer: `heard` is when it was pinged last.
    fn tick_mute(&mut self, limits: &SessionLimits, now: Instant, effects: &mut impl Effects<Channel = C>) -> Instant {
        if now >= self.heard + limits.ping_interval_ms {
            self.heard = now;
            effects.reply(None, &ServerFrame::Ping);
        }
        self.warn(limits, now, effects).min(self.heard + limits.ping_interval_ms)
    }
}

/// What a frame that was taken counts as.
enum Counted {
    /// `publish`, `send`, `call`, and what makes the server tell others or much: `presence`, `watch`, `members`, `info`,
    /// `history`.
    Message,
    /// Everything else.
    Other,
}

fn refuse(id: Option<u64>, refusal: &Refusal, effects: &mut impl Effects) {
    let Refusal { code, message, retry_after_ms, limit } = refusal;
    if let Some(limit) = limit {
        effects.reached(*limit);
    }
    let failure = Failure { code: *code, message, retry_after_ms: *retry_after_ms };
    effects.reply(id, &ServerFrame::Error(failure));
}

#[cfg(any(test, fuzzing))]
pub(crate) mod tests;

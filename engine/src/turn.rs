//! One batch of work for one session: its frames are judged under the session's lock, its effects are carried out, and
//! at the end everything that was placed is fanned out and flushed.
//!
//! Locks: the session first, then at most one cell, then an outbox. Nothing is written to a socket before the session
//! is unlocked.

use crate::cell::Cell;
use crate::fan::Fan;
use crate::flush::settle;
use crate::host::{Answering, HostAnswer, HostEvent, panicked, poll_once};
use crate::sessions::Conn;
use crate::shared::{Shared, Timer};
use crate::sync::lock;
use bytes::Bytes;
use std::mem;
use std::sync::{Arc, MutexGuard, Weak};
use std::time::Duration;
use tidings_core::ask::{Admission, Answer, Denial, Question, Token};
use tidings_core::policy::Policy;
use tidings_core::session::{Effects, Session, Subscription};
use tidings_core::stream::{Delivery, Joined, Publication, Stream};
use tidings_core::time::Now;
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::frame::{
    Close, Connected, Failure, Inbox, Level, Published, Sent, ServerFrame, Subscribed, ToldLimits,
};
use tidings_proto::id::Position;
use tidings_proto::user::is_user_id;
use tidings_proto::wire;

use crate::outbox::Outbox;

type Streaming<'c> = MutexGuard<'c, Stream<Arc<Outbox>>>;

/// The effects of one session's steps.
pub(crate) struct Turn<'t> {
    shared: &'t Arc<Shared>,
    conn: &'t Arc<Conn>,
    pub(crate) now: Now,
    replies: Vec<u8>,
    /// Cells in which something waits to be fanned out.
    placed: Vec<Arc<Cell>>,
    fan: Fan,
    closed: Option<Code>,
    opened: Option<Arc<str>>,
    /// Questions that were put and not looked at yet.
    asked: Vec<(Token, Answering)>,
}

impl<'t> Turn<'t> {
    pub(crate) fn new(shared: &'t Arc<Shared>, conn: &'t Arc<Conn>) -> Self {
        Self {
            shared,
            conn,
            now: shared.clock.now(),
            replies: Vec::new(),
            placed: Vec::new(),
            fan: Fan::new(shared.settled.outbox),
            closed: None,
            opened: None,
            asked: Vec::new(),
        }
    }

    /// Takes a step of the session, and asks the host what the step has to ask.
    pub(crate) fn step(&mut self, step: impl FnOnce(&mut Session<Arc<Cell>>, &mut Self)) {
        let conn = self.conn;
        step(&mut lock(&conn.session), self);
        // The host is free to call the engine, so nothing is locked here.
        for (token, answering) in mem::take(&mut self.asked) {
            match poll_once(&self.shared.flushing.handle, answering) {
                Ok(answer) => self.answer(token, to_answer(self.shared, answer)),
                Err(answering) => {
                    let (shared, conn) = (Arc::clone(self.shared), Arc::downgrade(conn));
                    self.shared.flushing.handle.spawn(wait_for_answer(shared, conn, token, answering));
                }
            }
        }
    }

    fn answer(&mut self, token: Token, answer: Answer) {
        let (conn, shared, now) = (self.conn, self.shared, self.now);
        lock(&conn.session).answered(token, answer, &shared.settled.rules, now, self);
    }

    /// Carries out what the steps have left to do. The session must not be locked.
    pub(crate) fn finish(mut self) {
        for cell in mem::take(&mut self.placed) {
            cell.stream().fan_out(&mut self.fan);
        }
        self.send_replies();
        if let Some(code) = self.closed {
            // Closed by the session itself, or because it does not read its answers: nothing more is taken from it, and
            // nobody counts it as a receiver while it lingers.
            leave_all(self.shared, self.conn, self.now, &mut self.fan);
            self.say_goodbye(code);
        }
        if let Some(user) = self.opened.take() {
            let session = self.conn.outbox.session();
            self.shared.host.event(HostEvent::Opened { session, user });
            // The session's own times count from now on: the ping, the token's end. Under its lock, so that the time it
            // has to close, if that comes first, is not taken away.
            let live = lock(&self.conn.session);
            if live.is_live() {
                self.shared.arm(self.conn, self.now.instant);
            }
        }
        settle(self.shared, self.fan);
    }

    /// Enqueues the answers so far. A client that asks without reading the answers is told so and closed.
    fn send_replies(&mut self) {
        if self.replies.is_empty() {
            return;
        }
        let replies = Bytes::from(mem::take(&mut self.replies));
        if self.fan.reply(&self.conn.outbox, replies) == Delivery::Full && self.closed.is_none() {
            self.closed = Some(Code::Slow);
        }
    }

    fn say_goodbye(&mut self, code: Code) {
        let counters = &self.shared.counters;
        match code {
            Code::Slow => counters.slow.add(1),
            Code::Flood => counters.flood.add(1),
            Code::Lost => counters.lost.add(1),
            _ => {}
        }
        let outbox = &self.conn.outbox;
        let retry_after_ms = match code {
            Code::Shutdown | Code::Overloaded => Some(spread(outbox, self.shared.settled.times.comeback_spread_ms)),
            _ => None,
        };
        let close = Close { code: code.number(), reason: code.name(), retry_after_ms };
        let mut frames = Vec::new();
        wire::render(outbox.link().form(), None, &ServerFrame::Close(close), &mut frames);
        let at_once = code == Code::Slow;
        let patience_ms = if at_once {
            self.shared.settled.times.slow_timeout_ms
        } else {
            self.shared.settled.times.close_timeout_ms
        };
        // Before the last frames, so that no timer of before takes them for frames that had their time.
        self.shared.arm(self.conn, self.now.instant + patience_ms);
        self.fan.push_last(outbox, Bytes::from(frames), at_once);
    }

    /// Enqueues bytes of the transport's own, if there is room.
    pub(crate) fn push_raw(&mut self, bytes: Bytes) {
        self.send_replies();
        self.fan.push(&self.conn.outbox, bytes);
    }

    /// Ends the connection with bytes of the transport's own.
    pub(crate) fn end_with(&mut self, last: Bytes) {
        lock(&self.conn.session).hush();
        self.shared.arm(self.conn, self.now.instant + self.shared.settled.times.close_timeout_ms);
        self.fan.push_last(&self.conn.outbox, last, false);
    }

    fn place(&mut self, cell: Arc<Cell>) {
        if !self.placed.iter().any(|placed| Arc::ptr_eq(placed, &cell)) {
            self.placed.push(cell);
        }
    }

    fn fail(&mut self, id: Option<u64>, code: Code, message: &str) {
        self.reply(id, &ServerFrame::Error(Failure { code, message, retry_after_ms: None }));
    }

    /// The channel's cell, made if there is none, and what `then` does with its stream.
    fn with_channel<T>(
        &mut self,
        id: Option<u64>,
        channel: ChannelName<'_>,
        then: impl FnOnce(&mut Self, &Arc<Cell>, Streaming<'_>) -> T,
    ) -> Option<T> {
        match with_channel(self.shared, channel, self.now, |cell, stream| then(self, cell, stream)) {
            Some(done) => Some(done),
            None => {
                self.fail(id, Code::Limit, "channels_max: the server holds as many channels as it may");
                None
            }
        }
    }
}

/// Finds or makes a channel's cell. `None` when there are as many as there may be, or no such namespace.
pub(crate) fn with_channel<T>(
    shared: &Shared,
    channel: ChannelName<'_>,
    now: Now,
    then: impl FnOnce(&Arc<Cell>, Streaming<'_>) -> T,
) -> Option<T> {
    let policy: &Arc<Policy> = shared.settled.rules.namespace(channel.namespace())?;
    loop {
        let make = || shared.streams.make(policy, now);
        let (cell, is_new) = shared.channels.find_or_add(channel.as_str(), make)?;
        if is_new {
            let name = Arc::clone(cell.shared_name());
            shared.add_timer(now.instant + SWEEP_MS, Timer::Channel(name));
        }
        if let Some(stream) = cell.living() {
            return Some(then(&cell, stream));
        }
    }
}

/// How often a channel is looked at, whether it is still of use.
pub(crate) const SWEEP_MS: u64 = 30_000;

/// When this client should come back: its own place in the time over which all of them are spread.
fn spread(outbox: &Outbox, over_ms: u64) -> u64 {
    let random = u64::try_from(outbox.session().0 & u128::from(u64::MAX)).unwrap_or_default();
    random % over_ms.max(1)
}

impl Effects for Turn<'_> {
    type Channel = Arc<Cell>;

    fn reply(&mut self, id: Option<u64>, frame: &ServerFrame<'_>) {
        if matches!(frame, ServerFrame::Error(_)) {
            self.shared.counters.errors.add(1);
        }
        wire::render(self.conn.outbox.link().form(), id, frame, &mut self.replies);
    }

    fn ask(&mut self, question: Question<'_>, token: Token) -> Option<Answer> {
        self.asked.push((token, self.shared.host.ask(question)));
        None
    }

    fn open(&mut self, id: Option<u64>, admission: &Admission) -> Result<Subscription<Arc<Cell>>, Denial> {
        let (shared, conn, now) = (self.shared, self.conn, self.now);
        loop {
            let make = || shared.streams.make(&shared.settled.inbox_policy, now);
            // The directory of users has no limit of its own: connections have one.
            let found = shared.users.find_or_add(&admission.user, make);
            let Some((cell, _)) = found else { return Err(Denial::new(Code::Limit, "too many users")) };
            let Some(mut stream) = cell.living() else { continue };
            if stream.members() >= shared.settled.limits.connections_per_user_max {
                let text = "connections_per_user_max: this user has as many connections as it may";
                return Err(Denial::new(Code::Limit, text));
            }
            let Joined { slot, offset, .. } = stream.join(Arc::clone(&conn.outbox), None, now, &mut self.fan);
            let (number, Position { epoch, .. }) = (stream.number(), stream.position());
            let limits = ToldLimits {
                message_bytes_max: shared.settled.limits.message_bytes_max,
                subscriptions_max: shared.settled.limits.subscriptions_max,
                messages_per_minute: shared.settled.limits.messages_per_minute,
            };
            let connected = Connected {
                session: conn.outbox.session(),
                user: &admission.user,
                inbox: Inbox { stream: number, epoch, offset },
                ping_ms: shared.settled.times.ping_interval_ms,
                limits,
            };
            self.reply(id, &ServerFrame::Connected(connected));
            self.send_replies();
            drop(stream);
            shared.counters.admitted.add(1);
            self.opened = Some(Arc::clone(&admission.user));
            return Ok(Subscription { channel: cell, slot });
        }
    }

    fn subscribe(
        &mut self,
        id: Option<u64>,
        channel: ChannelName<'_>,
        since: Option<Position>,
    ) -> Option<Subscription<Arc<Cell>>> {
        self.with_channel(id, channel, |turn, cell, mut stream| {
            let outbox = Arc::clone(&turn.conn.outbox);
            let joined = stream.join(outbox, since, turn.now, &mut turn.fan);
            let Position { epoch, offset } = stream.position();
            let (stream_number, recovered) = (stream.number(), joined.recovered);
            let channel = channel.as_str();
            let subscribed = Subscribed { channel, stream: stream_number, epoch, offset, recovered };
            turn.reply(id, &ServerFrame::Subscribed(subscribed));
            if let Some(gap) = joined.gap {
                turn.reply(None, &ServerFrame::Gap(gap));
            }
            // Before the stream is unlocked, so that no entry overtakes the answer.
            turn.send_replies();
            stream.catch_up(joined.slot, turn.now, &mut turn.fan);
            Subscription { channel: Arc::clone(cell), slot: joined.slot }
        })
    }

    fn leave(&mut self, subscription: Subscription<Arc<Cell>>) {
        leave(subscription, self.now, &mut self.fan);
    }

    fn publish(&mut self, id: Option<u64>, channel: ChannelName<'_>, publication: &Publication<'_>) {
        self.with_channel(id, channel, |turn, cell, mut stream| {
            let offset = stream.publish(publication, turn.now);
            let (number, epoch) = (stream.number(), stream.position().epoch);
            let pending = stream.is_pending();
            drop(stream);
            turn.shared.counters.published.add(1);
            if pending {
                turn.place(Arc::clone(cell));
            }
            if id.is_some() {
                let published = Published { stream: number, epoch, offset, level: Level::Accepted };
                turn.reply(id, &ServerFrame::Published(published));
            }
        });
    }

    fn send(&mut self, id: Option<u64>, user: &str, publication: &Publication<'_>) {
        let sessions = match place_in_inbox(self.shared, user, publication, self.now) {
            Some((cell, sessions)) => {
                self.place(cell);
                sessions
            }
            None => 0,
        };
        if id.is_some() {
            self.reply(id, &ServerFrame::Sent(Sent { sessions, level: Level::Accepted }));
        }
    }

    fn close(&mut self, code: Code) {
        if code == Code::Refused {
            self.shared.counters.denied.add(1);
        }
        self.closed = Some(code);
    }
}

/// Gives an event its place in a user's inbox. `None` if the user has no session; else the cell, to be fanned out, and
/// how many sessions it will reach.
pub(crate) fn place_in_inbox(
    shared: &Shared,
    user: &str,
    publication: &Publication<'_>,
    now: Now,
) -> Option<(Arc<Cell>, usize)> {
    let cell = shared.users.find(user)?;
    let mut stream = cell.living()?;
    let sessions = stream.members();
    stream.publish(publication, now);
    drop(stream);
    shared.counters.published.add(1);
    Some((cell, sessions))
}

fn leave(subscription: Subscription<Arc<Cell>>, now: Now, fan: &mut Fan) {
    let Subscription { channel, slot } = subscription;
    channel.stream().leave(slot, now, fan);
}

fn to_answer(shared: &Shared, answer: HostAnswer) -> Answer {
    match answer {
        HostAnswer::Other(answer) => answer,
        HostAnswer::Admitted(admission) if !is_user_id(&admission.user) => {
            tracing::error!("the host admitted a user whose id is not 1 to 128 bytes without control characters");
            Answer::Denied(Denial::new(Code::Internal, "the server could not take the user's id"))
        }
        HostAnswer::Admitted(admission) => Answer::Admitted(Admission {
            user: shared
                .users
                .find(&admission.user)
                .map_or_else(|| admission.user.as_str().into(), |cell| Arc::clone(cell.shared_name())),
            grants: shared.grants.share(admission.grants),
            expires_at_ms: admission.expires_at_ms,
        }),
    }
}

/// Waits for the host as long as the deadline allows. The connection may go meanwhile; nothing of it is kept for this.
async fn wait_for_answer(shared: Arc<Shared>, conn: Weak<Conn>, token: Token, answering: Answering) {
    let deadline = Duration::from_millis(shared.settled.times.question_timeout_ms);
    // A task of its own, so that a panic ends it and not this one.
    let mut asked = shared.flushing.handle.spawn(answering);
    let answer = match tokio::time::timeout(deadline, &mut asked).await {
        Ok(Ok(answer)) => to_answer(&shared, answer),
        Ok(Err(_)) => to_answer(&shared, panicked()),
        Err(_) => {
            asked.abort();
            Answer::Denied(Denial::new(Code::Timeout, "the server did not decide in time; try again later"))
        }
    };
    let Some(conn) = conn.upgrade() else { return };
    let mut turn = Turn::new(&shared, &conn);
    turn.answer(token, answer);
    turn.finish();
}

/// Ends a session from this side.
pub(crate) fn close_session(shared: &Arc<Shared>, conn: &Arc<Conn>, code: Code) {
    let mut turn = Turn::new(shared, conn);
    turn.step(|session, turn| session.close(code, turn));
    turn.finish();
}

/// Ends the session and takes it out of every stream that it is a member of. Returns its user.
fn leave_all(shared: &Shared, conn: &Conn, now: Now, fan: &mut Fan) -> Option<Arc<str>> {
    let (streams, user) = {
        let mut session = lock(&conn.session);
        (session.end().collect::<Vec<_>>(), session.user().cloned())
    };
    for stream in streams {
        leave(stream, now, fan);
    }
    if let Some(inbox) = user.as_deref().and_then(|user| shared.users.find(user)) {
        shared.users.remove_if(&inbox, |stream| stream.members() == 0);
    }
    user
}

/// The connection is gone: takes the session out of everything.
pub(crate) fn end_session(shared: &Arc<Shared>, conn: &Arc<Conn>) {
    let mut fan = Fan::new(shared.settled.outbox);
    let user = leave_all(shared, conn, shared.clock.now(), &mut fan);
    let id = conn.outbox.session();
    conn.outbox.shut();
    shared.sessions.remove(id);
    if shared.is_stopping() {
        // The engine's tasks look whether this was the last one.
        shared.stop();
    }
    shared.counters.closed.add(1);
    if let Some(user) = user {
        shared.host.event(HostEvent::Closed { session: id, user });
    }
    settle(shared, fan);
}

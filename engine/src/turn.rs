//! One batch of work for one session: its frames are judged under the session's lock, its effects are carried out, and
//! at the end everything that was placed is fanned out and flushed.
//!
//! Locks: the session first, then at most one cell, then an outbox. Nothing is written to a socket before the session
//! is unlocked.

mod history;
mod presence;

use crate::cell::Cell;
use crate::conn::Conn;
use crate::fan::Fan;
use crate::flush::{go_on, settle};
use crate::host::{Answering, Credential, HostAnswer, HostEvent, panicked, poll_once};
use crate::outbox::Outbox;
use crate::place::{Failed, Outcome, Placing, Target};
use crate::resume::{Ending, channels_of, gone_on, park, take_over};
use crate::shared::Shared;
use crate::streams::{Streaming, watch, with_channel, with_inbox};
use crate::sync::lock;
use crate::waiting::Hearer;
use bytes::Bytes;
use std::mem;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tidings_core::ask::{Admission, Answer, Denial, Question, Resumed, Token};
use tidings_core::limit::Limit;
use tidings_core::session::{Arrival, Effects, Joining, Look, Session, Subscription, Watched};
use tidings_core::stream::{Delivery, InboxJoined, Joined, Publication};
use tidings_core::time::Now;
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::frame::{Close, Connected, Failure, Inbox, ServerFrame, Subscribed, ToldLimits};
use tidings_proto::id::{Position, Secret};
use tidings_proto::kept::Kind;
use tidings_proto::payload::DataRef;
use tidings_proto::presence::Present;
use tidings_proto::user::is_user_id;
use tidings_proto::wire;

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
    /// The client is used again.
    wakes: bool,
    /// Its times and its credential are new.
    renewed: bool,
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
            wakes: false,
            renewed: false,
            asked: Vec::new(),
        }
    }

    /// Takes a step of the session, and asks the host what the step has to ask.
    pub(crate) fn step(&mut self, step: impl FnOnce(&mut Session<Arc<Cell>>, &mut Self)) {
        let conn = self.conn;
        step(&mut lock(&conn.session), self);
        self.put_questions();
    }

    /// Puts all questions to the host, those included that an answer leads to.
    fn put_questions(&mut self) {
        let conn = self.conn;
        while !self.asked.is_empty() {
            // The host is free to call the engine, so nothing is locked here.
            for (token, answering) in mem::take(&mut self.asked) {
                match poll_once(&self.shared.flushing.handle, answering) {
                    Ok(answer) => self.answer(token, to_answer(self.shared, conn, answer)),
                    Err(answering) => {
                        let (shared, conn) = (Arc::clone(self.shared), Arc::downgrade(conn));
                        self.shared.flushing.handle.spawn(wait_for_answer(shared, conn, token, answering));
                    }
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
            leave_all(self.shared, self.conn, Ending::Closed(code), self.now, &mut self.fan);
            self.say_goodbye(code);
        }
        let opened = self.opened.take();
        let is_renewed = self.renewed || opened.is_some();
        if let Some(user) = opened {
            let session = self.conn.session_id();
            self.shared.host.event(HostEvent::Opened { session, user });
        }
        if self.wakes || is_renewed {
            // The session's own times count from now on: the ping, the token's end.
            self.look_soon();
        }
        settle(self.shared, self.fan);
        if is_renewed {
            // What was revoked between the host's answer and now found no session to end.
            end_if_revoked(self.shared, self.conn);
        }
    }

    /// Looks after the session with the next tick of the clock. Under its lock, so that the time it has to close, if that
    /// comes first, is not taken away.
    fn look_soon(&self) {
        let live = lock(&self.conn.session);
        if live.is_live() {
            self.shared.arm(self.conn, self.now.instant);
        }
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
            Code::Refused => self.conn.outbox.link().refused(),
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

    /// Ends the connection with bytes of the transport's own. `left`: its client has said goodbye.
    pub(crate) fn end_with(&mut self, last: Bytes, left: bool) {
        lock(&self.conn.session).hush();
        if left {
            leave_all(self.shared, self.conn, Ending::Left, self.now, &mut self.fan);
        }
        self.shared.arm(self.conn, self.now.instant + self.shared.settled.times.close_timeout_ms);
        self.fan.push_last(&self.conn.outbox, last, false);
    }

    fn fail(&mut self, id: Option<u64>, failed: Failed) {
        let Failed { code, text, retry_after_ms, limit } = failed;
        if let Some(limit) = limit {
            self.reached(limit);
        }
        self.reply(id, &ServerFrame::Error(Failure { code, message: text, retry_after_ms }));
    }

    /// Places a publication of this session, and answers it unless that has to wait for the disk.
    fn place(&mut self, id: Option<u64>, target: Target<'_>, publication: &Publication<'_>) {
        let outbox = &self.conn.outbox;
        let hearer = |answer| Hearer::Session { outbox: Arc::clone(outbox), id, answer };
        let mut placing =
            Placing { shared: self.shared, now: self.now, fan: &mut self.fan, placed: &mut self.placed, share: None };
        match placing.place(target, publication, hearer) {
            Outcome::Now(answer) if id.is_some() => self.reply(id, &answer.frame()),
            Outcome::Now(_) | Outcome::Later => {}
            Outcome::Failed(failed) => self.fail(id, failed),
        }
    }

    /// Says `connected` to a session that has joined its user's inbox, before anything of it is delivered.
    fn say_hello(&mut self, id: Option<u64>, admission: &Admission, inbox: Inbox, secret: Secret) {
        let settled = &self.shared.settled;
        let connected = Connected {
            session: self.conn.session_id(),
            secret,
            resumed: admission.resumed.is_some(),
            resume_ms: settled.times.resume_window_ms,
            expires_in_ms: admission.expires_in_ms(self.now),
            user: &admission.user,
            inbox,
            ping_ms: settled.times.ping_interval_ms,
            limits: ToldLimits {
                message_bytes_max: settled.limits.message_bytes_max,
                subscriptions_max: settled.limits.subscriptions_max,
                messages_per_minute: felt(
                    settled.limits.messages_per_minute,
                    settled.limits.session_messages_per_minute,
                ),
            },
        };
        self.reply(id, &ServerFrame::Connected(connected));
    }

    /// Tells a gap that a member begins with, sends all answers so far, and brings the member forward: all before the
    /// stream is unlocked, so that no entry overtakes the answer.
    fn begin(&mut self, cell: &Arc<Cell>, stream: &mut Streaming<'_>, joined: &Joined) {
        if let Some(gap) = joined.gap {
            self.reply(None, &ServerFrame::Gap(gap));
        }
        self.send_replies();
        let forward = stream.catch_up(joined.slot, self.now, &mut self.fan);
        go_on(self.shared, cell, joined.slot, forward);
    }
}

/// When this client should come back: its own place in the time over which all of them are spread.
fn spread(outbox: &Outbox, over_ms: u64) -> u64 {
    let random = u64::try_from(outbox.session().0 & u128::from(u64::MAX)).unwrap_or_default();
    random % over_ms.max(1)
}

/// The rate that a client feels first: the lower one, where 0 is none.
fn felt(user: u32, session: u32) -> u32 {
    if user == 0 || session == 0 { user.max(session) } else { user.min(session) }
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

    fn open(
        &mut self,
        id: Option<u64>,
        admission: &Admission,
        arrival: Arrival<'_>,
    ) -> Result<Subscription<Arc<Cell>>, Denial> {
        let (shared, conn, now) = (self.shared, self.conn, self.now);
        if shared.users.paces.is_full() {
            self.reached(Limit::UsersPaced);
            let text = "users_paced_max: more users than that have sent something within a minute; come back later";
            return Err(Denial::new(Code::Limit, text));
        }
        let joined = with_inbox(shared, &admission.user, |cell, mut stream| {
            if stream.members() >= shared.settled.limits.connections_per_user_max {
                self.reached(Limit::ConnectionsPerUser);
                let text = "connections_per_user_max: this user has as many connections as it may";
                return Err(Denial::new(Code::Limit, text));
            }
            let outbox = Arc::clone(&conn.outbox);
            let since = arrival.since.or_else(|| {
                let epoch = stream.position().epoch;
                // A device that is known by its name has a place of its own here: nothing behind that is missed.
                let has_place = shared.store.is_some() && !arrival.device.is_empty();
                conn.brought(epoch).filter(|brought| brought.epoch == epoch || !has_place)
            });
            let told = stream.join_inbox(outbox, arrival.device, since, now, &mut self.fan);
            let InboxJoined { joined, delivered, read } = told;
            let Joined { slot, offset, recovered, .. } = joined;
            let (number, epoch) = (stream.number(), stream.position().epoch);
            let inbox = Inbox { stream: number, epoch, offset, delivered, read, recovered };
            let known = admission.resumed.as_ref().and_then(|resumed| shared.identities.secret(resumed.session));
            let secret = match known {
                Some((secret, device)) => {
                    let mut board = shared.presence().board();
                    board.resume(device, now);
                    if let Some(present) = arrival.present {
                        board.set(device, present, now);
                    }
                    secret
                }
                None => {
                    conn.begin_session(shared.presence().board().open(cell.shared_name(), arrival.present, now));
                    conn.secret()
                }
            };
            self.say_hello(id, admission, inbox, secret);
            self.begin(cell, &mut stream, &joined);
            let is_soiled = stream.wants_upkeep(now);
            drop(stream);
            if is_soiled && let Some(store) = &shared.store {
                store.commit.soil(cell);
            }
            Ok(Subscription { channel: Arc::clone(cell), slot, has: offset })
        });
        let subscription = joined.unwrap_or_else(|none| {
            if let Some(limit) = none.limit() {
                self.reached(limit);
            }
            Err(Denial::new(none.code(), none.text()))
        })?;
        shared.counters.admitted.add(1);
        self.opened = Some(Arc::clone(&admission.user));
        Ok(subscription)
    }

    fn subscribe(
        &mut self,
        id: Option<u64>,
        channel: ChannelName<'_>,
        joining: Joining<'_>,
    ) -> Option<Subscription<Arc<Cell>>> {
        let since = joining.since;
        let joined = with_channel(self.shared, channel, |cell, mut stream| {
            let since = since.or_else(|| self.conn.brought(stream.position().epoch));
            let joined = stream.join(Arc::clone(&self.conn.outbox), since, self.now, &mut self.fan);
            let Position { epoch, offset } = stream.position();
            let (number, recovered) = (stream.number(), joined.recovered);
            let subscribed = Subscribed { channel: channel.as_str(), stream: number, epoch, offset, recovered };
            self.reply(id, &ServerFrame::Subscribed(subscribed));
            self.begin(cell, &mut stream, &joined);
            if self.conn.is_resumed() {
                self.conn.has_joined(channel.as_str());
            }
            // What follows a position, a gap included, is not surely there before it is acknowledged.
            let has = match since {
                None => offset,
                Some(since) if since.epoch == epoch => since.offset.min(offset),
                Some(_) => 0,
            };
            Subscription { channel: Arc::clone(cell), slot: joined.slot, has }
        });
        let joined = joined.map_err(|none| self.fail(id, none.into())).ok()?;
        self.note_joined(channel, joined.channel.shared_name(), joining);
        Some(joined)
    }

    fn acknowledge(&mut self, subscription: &Subscription<Arc<Cell>>, device: &str, offset: u64, read: bool) -> bool {
        let cell = &subscription.channel;
        let mut stream = cell.stream();
        if cell.kind() == Kind::Channel {
            return stream.was_given(subscription.slot, offset);
        }
        let moved = stream.acknowledge(subscription.slot, device, offset, read, self.now);
        drop(stream);
        if moved && let Some(store) = &self.shared.store {
            store.commit.soil(cell);
        }
        moved
    }

    fn leave(&mut self, subscription: Subscription<Arc<Cell>>) {
        self.note_parted(subscription.channel.shared_name());
        leave(subscription, self.now, &mut self.fan);
    }

    fn publish(&mut self, id: Option<u64>, channel: ChannelName<'_>, publication: &Publication<'_>) {
        self.place(id, Target::Channel(channel), publication);
    }

    fn send(&mut self, id: Option<u64>, user: &str, publication: &Publication<'_>) {
        self.place(id, Target::User(user), publication);
    }

    fn history(&mut self, id: Option<u64>, look: Look<'_>) {
        if let Err(failed) = self.show_past(id.unwrap_or_default(), &look) {
            self.fail(id, failed);
        }
    }

    fn pace(&mut self, user: &Arc<str>) -> Result<(), u64> {
        self.shared.users.paces.take(user)
    }

    fn reached(&mut self, limit: Limit) {
        self.shared.counters.reached(limit, 1);
    }

    fn active(&mut self, active: bool) {
        self.note_activity(active);
    }

    fn present(&mut self, id: Option<u64>, present: &Present<'_>) {
        self.note_present(id, present);
    }

    fn watch(&mut self, id: Option<u64>, watched: Watched<'_>) {
        self.note_watched(id, watched);
    }

    fn unwatch(&mut self, id: Option<u64>, users: &[&str]) {
        self.note_unwatched(id, users);
    }

    fn members(&mut self, id: Option<u64>, subscription: &Subscription<Arc<Cell>>, lists: bool) {
        self.tell_members(id, subscription, lists);
    }

    fn inform(&mut self, id: Option<u64>, subscription: &Subscription<Arc<Cell>>, info: Option<DataRef<'_>>) {
        self.note_info(id, subscription, info);
    }

    fn take_watched(&mut self) -> Vec<Arc<str>> {
        self.watched_before()
    }

    fn look_again(&mut self) {
        self.renewed = true;
    }

    fn close(&mut self, code: Code) {
        if code == Code::Refused {
            self.shared.counters.denied.add(1);
        }
        self.closed = Some(code);
    }
}

fn leave(subscription: Subscription<Arc<Cell>>, now: Now, fan: &mut Fan) {
    let Subscription { channel, slot, .. } = subscription;
    channel.stream().leave(slot, now, fan);
}

fn to_answer(shared: &Arc<Shared>, conn: &Arc<Conn>, answer: HostAnswer) -> Answer {
    match answer {
        HostAnswer::Other(answer) => answer,
        HostAnswer::Admitted(admission) if !is_user_id(&admission.user) => {
            tracing::error!("the host admitted a user whose id is not 1 to 128 bytes without control characters");
            Answer::Denied(Denial::new(Code::Internal, "the server could not take the user's id"))
        }
        HostAnswer::Admitted(admission) => Answer::Admitted(Admission {
            resumed: resume(shared, conn, &admission.user),
            user: shared
                .streams
                .users
                .find(&admission.user)
                .map_or_else(|| admission.user.as_str().into(), |cell| Arc::clone(cell.shared_name())),
            grants: shared.users.grants.share(admission.grants),
            expires_at_ms: admission.expires_at_ms,
            credential: admission.credential,
        }),
    }
}

/// Goes on with the session that the client wants, if it is the client's own. No session is locked.
fn resume(shared: &Arc<Shared>, conn: &Arc<Conn>, user: &str) -> Option<Resumed> {
    let taken = take_over(shared, conn, user)?;
    if let Some(before) = &taken.before {
        close_session(shared, before, Code::Replaced);
    }
    gone_on(shared, conn, taken)
}

/// Waits for the host as long as the deadline allows. The connection may go meanwhile; nothing of it is kept for this.
async fn wait_for_answer(shared: Arc<Shared>, conn: Weak<Conn>, token: Token, answering: Answering) {
    let deadline = Duration::from_millis(shared.settled.times.question_timeout_ms);
    // A task of its own, so that a panic ends it and not this one.
    let mut asked = shared.flushing.handle.spawn(answering);
    let answered = tokio::time::timeout(deadline, &mut asked).await;
    let Some(conn) = conn.upgrade() else { return asked.abort() };
    let answer = match answered {
        Ok(Ok(answer)) => to_answer(&shared, &conn, answer),
        Ok(Err(_)) => to_answer(&shared, &conn, panicked()),
        Err(_) => {
            asked.abort();
            Answer::Denied(Denial::new(Code::Timeout, "the server did not decide in time; try again later"))
        }
    };
    let mut turn = Turn::new(&shared, &conn);
    turn.answer(token, answer);
    turn.put_questions();
    turn.finish();
}

/// Ends a session from this side.
pub(crate) fn close_session(shared: &Arc<Shared>, conn: &Arc<Conn>, code: Code) {
    let mut turn = Turn::new(shared, conn);
    turn.step(|session, turn| session.close(code, turn));
    turn.finish();
}

/// Ends a session if the token that it was admitted by was revoked. Returns whether it was.
pub(crate) fn end_if_revoked(shared: &Arc<Shared>, conn: &Arc<Conn>) -> bool {
    let (user, credential) = {
        let session = lock(&conn.session);
        match session.user() {
            Some(user) if session.is_live() => (Arc::clone(user), session.credential()),
            _ => return false,
        }
    };
    let is_revoked = shared.host.is_revoked(&user, Credential(credential));
    if is_revoked {
        shared.counters.revoked.add(1);
        close_session(shared, conn, Code::Revoked);
    }
    is_revoked
}

/// The session's device is connected, so it does not stay away from its user's inbox.
pub(crate) fn still_there(shared: &Shared, session: &Session<Arc<Cell>>, now: Now) {
    let (Some(store), Some((inbox, device))) = (&shared.store, session.place()) else { return };
    let mut stream = inbox.stream();
    stream.still_there(device, now);
    let is_soiled = stream.wants_upkeep(now);
    drop(stream);
    if is_soiled {
        store.commit.soil(inbox);
    }
}

/// Ends the session's part in every stream that it is a member of, and lets it wait for another connection unless it ends
/// for good. Returns its user.
fn leave_all(shared: &Shared, conn: &Conn, ending: Ending, now: Now, fan: &mut Fan) -> Option<Arc<str>> {
    let (channels, streams, user) = {
        let mut session = lock(&conn.session);
        // Who takes the session over from now on finds here what it was subscribed to.
        let channels = channels_of(conn, &session);
        conn.carry(channels.clone());
        still_there(shared, &session, now);
        (channels, session.end().collect::<Vec<_>>(), session.user().cloned())
    };
    // Also of a connection that was never admitted: it may have taken a session over.
    park(shared, conn, ending, channels, now);
    for stream in streams {
        leave(stream, now, fan);
    }
    if let Some(inbox) = user.as_deref().and_then(|user| shared.streams.users.find(user)) {
        if shared.store.is_some() {
            watch(shared, &inbox, now);
        } else {
            shared.streams.users.remove_if(&inbox, |stream| stream.members() == 0);
        }
    }
    user
}

/// The connection is gone: takes the session out of everything.
pub(crate) fn end_session(shared: &Arc<Shared>, conn: &Arc<Conn>) {
    let mut fan = Fan::new(shared.settled.outbox);
    let user = leave_all(shared, conn, Ending::Lost, shared.clock.now(), &mut fan);
    let id = conn.session_id();
    conn.outbox.shut();
    shared.sessions.remove(conn.outbox.session());
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

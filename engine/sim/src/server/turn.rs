//! One step of one session, and its effects.

use super::cells::{Cell, Handle};
use super::inner::{Asking, Inner};
use super::outbox::Room;
use super::output::Fan;
use super::{Conn, Server};
use crate::bug::Bug;
use crate::fact::Fact;
use crate::name::{ConnId, StreamName};
use bytes::Bytes;
use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use tidings_core::ask::{Admission, Answer, Denial, Question, Token};
use tidings_core::limit::Limit;
use tidings_core::policy::Rules;
use tidings_core::session::{Arrival, Effects, Joining, Look, Session, Subscription, Watched};
use tidings_core::stream::{Forward, Publication};
use tidings_core::time::Now;
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::decode;
use tidings_proto::frame::{Close, Failure, ServerFrame, Subscribed};
use tidings_proto::id::Position;
use tidings_proto::payload::{Codec, DataRef};
use tidings_proto::presence::Present;
use tidings_proto::wire;

/// The effects of one session's steps.
pub(crate) struct Turn<'t> {
    pub(super) server: &'t mut Server,
    pub(super) conn: ConnId,
    pub(super) now: Now,
    left: Left,
}

/// What a step leaves to be done.
#[derive(Debug, Default)]
struct Left {
    replies: Vec<u8>,
    /// Streams in which something waits to be fanned out.
    placed: Vec<StreamName>,
    closed: Option<Code>,
    asked: Vec<(Token, Asking)>,
}

impl Server {
    /// Bytes of a connection's client.
    pub(crate) fn receive(&mut self, conn: ConnId, bytes: &[u8], now: Now) {
        let Some(Conn { form, received, .. }) = self.conns.get_mut(&conn) else { return };
        let codec = form.codec();
        received.extend_from_slice(bytes);
        let messages = whole_messages(codec, received);
        for message in messages {
            self.step(conn, now, |session, rules, turn| {
                for frame in decode::frames(codec, &message) {
                    session.receive(frame, rules, now, turn);
                    if session.is_closed() {
                        break;
                    }
                }
            });
        }
        self.settle(now);
    }

    pub(super) fn step(
        &mut self,
        conn: ConnId,
        now: Now,
        work: impl FnOnce(&mut Session<Handle>, &Rules, &mut Turn<'_>),
    ) {
        let Some(mut session) = self.conns.get_mut(&conn).and_then(|conn| conn.session.take()) else { return };
        let plan = Rc::clone(&self.plan);
        let mut turn = Turn { server: self, conn, now, left: Left::default() };
        work(&mut session, &plan.rules, &mut turn);
        turn.finish_placed();
        turn.send_replies();
        let Left { closed, asked, .. } = turn.left;
        if let Some(conn) = self.conns.get_mut(&conn) {
            conn.session = Some(session);
        }
        for (token, asking) in asked {
            let delay_ms = if self.start.random.chance(500) { 0 } else { self.start.random.between(1, 200) };
            self.output.wish(delay_ms, Inner::Answer { conn, token, asking });
        }
        if let Some(code) = closed {
            let is_over =
                matches!(code, Code::Refused | Code::Flood | Code::Disconnected | Code::Replaced | Code::Revoked);
            self.part(conn, !is_over, now);
            self.say_goodbye(conn, code, now);
        }
    }

    /// After everything: who does not read its answers is closed.
    pub(super) fn settle(&mut self, now: Now) {
        while let Some(conn) = self.output.unanswered.pop() {
            self.close(conn, Code::Slow, now);
        }
    }

    /// Ends a session from this side.
    pub(super) fn close(&mut self, conn: ConnId, code: Code, now: Now) {
        self.step(conn, now, |session, _, turn| session.close(code, turn));
    }

    pub(super) fn say_goodbye(&mut self, conn: ConnId, code: Code, now: Now) {
        let form = self.member(conn).form;
        let close = Close { code: code.number(), reason: code.name(), retry_after_ms: None };
        let mut frames = Vec::new();
        wire::render(form, None, &ServerFrame::Close(close), &mut frames);
        if let Some(outbox) = self.outboxes.get_mut(&conn) {
            outbox.push_last(Bytes::from(frames), code == Code::Slow);
            self.output.dirty.insert(conn);
        }
        if let Some(conn) = self.conns.get_mut(&conn) {
            conn.closing_since = Some(now.instant.0);
        }
    }

    /// What a stream answers to being brought forward.
    pub(super) fn follow(&mut self, stream: &StreamName, slot: u32, forward: Forward) {
        let Forward::Read { from, to } = forward else { return };
        let Some(cell) = self.cells.map.get_mut(stream) else { return };
        if cell.reading.insert(slot) {
            let (stream, load) = (stream.clone(), cell.load);
            let delay_ms = self.start.random.between(1, 60);
            self.output.wish(delay_ms, Inner::Page { stream, load, slot, from, to });
        }
    }

    /// The cell of a stream that is in memory, and where it delivers to.
    pub(super) fn cell(&mut self, stream: &StreamName) -> Option<(&mut Cell, Fan<'_>)> {
        let room = self.room();
        let without_bound = Room { bytes: usize::MAX / 4, pieces: usize::MAX / 4 };
        let room = if self.plan.has(Bug::OutboxWithoutBound) { without_bound } else { room };
        let Self { cells, outboxes, output, .. } = self;
        Some((cells.map.get_mut(stream)?, Fan { outboxes, output, room }))
    }
}

impl Turn<'_> {
    fn finish_placed(&mut self) {
        for stream in mem::take(&mut self.left.placed) {
            if let Some((cell, mut fan)) = self.server.cell(&stream) {
                cell.stream.fan_out(&mut fan);
            }
        }
    }

    pub(super) fn place(&mut self, stream: &StreamName) {
        if !self.left.placed.contains(stream) {
            self.left.placed.push(stream.clone());
        }
    }

    /// Enqueues the answers so far.
    pub(super) fn send_replies(&mut self) {
        if !self.left.replies.is_empty() {
            let replies = Bytes::from(mem::take(&mut self.left.replies));
            self.server.fan().reply(self.conn, replies);
        }
    }

    /// What is to be sent next.
    pub(super) const fn replies(&mut self) -> &mut Vec<u8> {
        &mut self.left.replies
    }

    pub(super) fn fail(&mut self, id: Option<u64>, code: Code, message: &str) {
        self.reply(id, &ServerFrame::Error(Failure { code, message, retry_after_ms: None }));
    }
}

impl Effects for Turn<'_> {
    type Channel = Handle;

    fn reply(&mut self, id: Option<u64>, frame: &ServerFrame<'_>) {
        let form = self.server.member(self.conn).form;
        wire::render(form, id, frame, &mut self.left.replies);
    }

    fn ask(&mut self, question: Question<'_>, token: Token) -> Option<Answer> {
        let asking = match question {
            Question::Connect { token, .. } => Asking::Connect { token: token.into() },
            Question::Refresh { token, .. } => Asking::Refresh { token: token.into() },
            Question::Subscribe { user, channel } => {
                Asking::Join { user: user.clone(), channel: channel.as_str().into() }
            }
            Question::Watch { users, .. } => Asking::Watch { users: users.iter().map(|user| (*user).into()).collect() },
            _ => Asking::Other,
        };
        self.left.asked.push((token, asking));
        None
    }

    fn open(
        &mut self,
        id: Option<u64>,
        admission: &Admission,
        arrival: Arrival<'_>,
    ) -> Result<Subscription<Handle>, Denial> {
        self.join_inbox(id, admission, arrival)
    }

    fn subscribe(
        &mut self,
        id: Option<u64>,
        channel: ChannelName<'_>,
        joining: Joining<'_>,
    ) -> Option<Subscription<Handle>> {
        let stream = StreamName::channel(channel.as_str());
        if let Err(code) = self.server.load(&stream, self.now) {
            self.fail(id, code, "the stream cannot be had now");
            return None;
        }
        let mut since = joining.since;
        if self.server.has(Bug::ResumeSkipsOne)
            && let Some(since) = &mut since
            && self.server.position(&stream).is_some_and(|position| position.offset > since.offset)
        {
            since.offset += 1;
        }
        if let Some(conn) = self.server.conns.get_mut(&self.conn) {
            conn.claimed.retain(|(name, _)| **name != *stream.name);
        }
        let (member, now) = (self.server.member(self.conn), self.now);
        let (cell, mut fan) = self.server.cell(&stream)?;
        let joined = cell.stream.join(member, since, now, &mut fan);
        let Position { epoch, .. } = cell.stream.position();
        let number = cell.stream.number();
        let (offset, recovered) = (joined.offset, joined.recovered);
        let subscribed = Subscribed { channel: channel.as_str(), stream: number, epoch, offset, recovered };
        self.reply(id, &ServerFrame::Subscribed(subscribed));
        if let Some(gap) = joined.gap
            && !self.server.has(Bug::GapNotTold)
        {
            self.reply(None, &ServerFrame::Gap(gap));
        }
        // So that no entry overtakes the answer.
        self.send_replies();
        self.server.catch_up(&stream, joined.slot, now);
        // What follows the position, a gap included, may never reach the client: it surely has what it said.
        let has = match (since, joined.gap) {
            (None, _) => offset,
            (Some(_), Some(gap)) if self.server.has(Bug::HasBehindGap) => gap.to.min(offset),
            (Some(since), _) if since.epoch == epoch => since.offset.min(offset),
            (Some(_), _) if self.server.has(Bug::HasTooMuch) => offset,
            (Some(_), _) => 0,
        };
        self.note_joined(channel, joining);
        Some(Subscription { channel: Handle { stream, number }, slot: joined.slot, has })
    }

    fn acknowledge(&mut self, subscription: &Subscription<Handle>, device: &str, offset: u64, read: bool) -> bool {
        let now = self.now;
        let trims = self.server.has(Bug::TrimBeyondSlowest);
        let Handle { stream, .. } = &subscription.channel;
        let Some((cell, _)) = self.server.cell(stream) else { return false };
        let given = cell.stream.was_given(subscription.slot, offset);
        if stream.is_inbox() && given {
            cell.stream.acknowledge(subscription.slot, device, offset, read, now);
            if trims {
                let stream = stream.clone();
                self.server.trim_up_to(&stream, offset);
            }
        }
        given
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

    fn members(&mut self, id: Option<u64>, subscription: &Subscription<Handle>, lists: bool) {
        self.tell_members(id, &subscription.channel.stream.name, lists);
    }

    fn inform(&mut self, id: Option<u64>, subscription: &Subscription<Handle>, info: Option<DataRef<'_>>) {
        self.note_info(id, subscription, info);
    }

    fn leave(&mut self, subscription: Subscription<Handle>) {
        self.note_parted(&subscription.channel.stream.name);
        self.server.leave(&subscription, self.now);
    }

    fn take_watched(&mut self) -> Vec<Arc<str>> {
        self.watched_before()
    }

    fn look_again(&mut self) {
        self.server.token_taken(self.conn, self.now);
        self.server.output.wish(0, Inner::Look { conn: self.conn });
    }

    fn publish(&mut self, id: Option<u64>, channel: ChannelName<'_>, publication: &Publication<'_>) {
        self.publish_to(id, &StreamName::channel(channel.as_str()), publication);
    }

    fn send(&mut self, id: Option<u64>, user: &str, publication: &Publication<'_>) {
        self.publish_to(id, &StreamName::inbox(user), publication);
    }

    fn history(&mut self, id: Option<u64>, look: Look<'_>) {
        self.show_past(id.unwrap_or_default(), &look);
    }

    /// Plans have no rate.
    fn pace(&mut self, _user: &Arc<str>) -> Result<(), u64> {
        Ok(())
    }

    fn reached(&mut self, _limit: Limit) {}

    fn close(&mut self, code: Code) {
        self.left.closed = Some(code);
        self.server.output.facts.push(Fact::Closed(code));
        let line = format!("connection {} is closed: {}", self.conn, code.name());
        self.server.output.facts.push(Fact::Note { stream: None, line });
    }
}

/// Takes whole messages off the front: lines of JSON, or MessagePack behind its length in four bytes.
fn whole_messages(codec: Codec, received: &mut Vec<u8>) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    loop {
        let (skip, end) = match codec {
            Codec::Json => match received.iter().position(|byte| *byte == b'\n') {
                Some(end) => (0, end + 1),
                None => return messages,
            },
            Codec::Msgpack => match received.first_chunk::<4>() {
                Some(length) => (4, 4 + u32::from_be_bytes(*length) as usize),
                None => return messages,
            },
        };
        if received.len() < end {
            return messages;
        }
        messages.push(received[skip..end].to_vec());
        received.drain(..end);
    }
}

//! Where a transport feeds in what comes from its client.

use crate::conn::Conn;
use crate::link::Link;
use crate::outbox::Outbox;
use crate::random::random;
use crate::shared::Shared;
use crate::turn::{Turn, close_session, end_session};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use tidings_core::session::Session;
use tidings_proto::code::Code;
use tidings_proto::decode;
use tidings_proto::id::{Position, Secret, SessionId};
use tidings_proto::payload::Codec;

/// One open connection. The transport's task holds it; dropping it says that the connection is gone.
///
/// The contract of a transport: read, find whole messages, and give all of one read to one [`Batch`]. Stop when
/// [`Port::is_over`]; the [`Link`] ends itself by `abort` when the client does not close in time.
pub struct Port {
    shared: Arc<Shared>,
    conn: Arc<Conn>,
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").field("session", &self.session()).finish_non_exhaustive()
    }
}

impl Port {
    /// Opens a connection for which a place was reserved.
    pub(crate) fn open(shared: &Arc<Shared>, link: Arc<dyn Link>) -> Self {
        let id = SessionId(random(u128::from_ne_bytes));
        let home = u8::try_from(id.0 % shared.flushing.queues.len() as u128).unwrap_or_default();
        let now = shared.clock.now();
        let mut session = Session::new(&shared.settled.rules.limits, now, shared.users.grants.nobody());
        if !link.answers_pings() {
            session.expect_no_pongs();
        }
        let secret = Secret(random(u128::from_ne_bytes));
        let conn = Arc::new(Conn::new(session, Arc::new(Outbox::new(id, home, link)), secret));
        shared.sessions.add(&conn);
        shared.counters.opened.add(1);
        shared.arm(&conn, now.instant + shared.settled.times.connect_timeout_ms);
        let port = Self { shared: Arc::clone(shared), conn };
        if shared.is_stopping() {
            // The shutdown may have counted the sessions before this one was among them.
            port.close(Code::Shutdown);
        }
        port
    }

    /// The session's id.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.conn.outbox.session()
    }

    /// Milliseconds on the engine's clock, which does not go back.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.shared.clock.now().instant.0
    }

    /// Begins a batch: the work of one read. Its effects leave when it is dropped.
    #[must_use]
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(&self.shared, &self.conn)
    }

    /// Notes positions that the client has without knowing of which streams they are, such as those of a `Last-Event-ID`:
    /// the inbox and every channel that is joined without a `since` takes the one that counts in its own epoch. Where none
    /// does, the client is told a gap, and gets all that is kept. `None`, as in the beginning: nothing is brought, and what is joined begins now.
    pub fn brings(&self, positions: Option<&[Position]>) {
        self.conn.brings(positions.map(Into::into));
    }

    /// Whether nothing more will be sent: the session was closed and its last frames have left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.conn.outbox.is_closed()
    }

    /// Bytes that wait for the client.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.conn.outbox.bytes()
    }

    /// Ends the session with a code of the protocol.
    pub fn close(&self, code: Code) {
        close_session(&self.shared, &self.conn, code);
    }

    /// Ends the connection with last bytes of the transport's own, such as a close frame that answers the client's. The
    /// link is finished after them.
    pub fn finish(&self, last: Bytes) {
        let mut turn = Turn::new(&self.shared, &self.conn);
        turn.end_with(last, false);
        turn.finish();
    }

    /// The same when the client has said goodbye: its user leaves with it, if this was the last device, without the grace
    /// that a lost connection has. The session can still be resumed.
    pub fn leave(&self, last: Bytes) {
        let mut turn = Turn::new(&self.shared, &self.conn);
        turn.end_with(last, true);
        turn.finish();
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        end_session(&self.shared, &self.conn);
    }
}

/// The work of one read: everything in it reads the clock once, and what follows leaves in as few writes as can be.
pub struct Batch<'p> {
    shared: &'p Arc<Shared>,
    conn: &'p Arc<Conn>,
    turn: Option<Turn<'p>>,
    frames: u64,
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("session", &self.conn.outbox.session()).finish_non_exhaustive()
    }
}

impl<'p> Batch<'p> {
    pub(crate) fn new(shared: &'p Arc<Shared>, conn: &'p Arc<Conn>) -> Self {
        Self { shared, conn, turn: Some(Turn::new(shared, conn)), frames: 0 }
    }

    /// Milliseconds on the engine's clock, which does not go back: the batch's one reading of it.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.turn.as_ref().map_or(0, |turn| turn.now.instant.0)
    }

    /// One whole message: one or more frames of the protocol.
    pub fn message(&mut self, codec: Codec, message: &[u8]) {
        let Self { shared, turn: Some(turn), frames, .. } = self else { return };
        let (rules, now) = (&shared.settled.rules, turn.now);
        let mut empty = true;
        for frame in decode::frames(codec, message) {
            empty = false;
            *frames += 1;
            let mut closed = false;
            turn.step(|session, turn| {
                session.receive(frame, rules, now, turn);
                closed = session.is_closed();
            });
            if closed {
                return;
            }
        }
        if empty {
            turn.step(|session, turn| session.control(rules, now, turn));
        }
    }

    /// A sign of life below the protocol's frames, such as a WebSocket pong. Counted, so that a flood of them ends.
    pub fn control(&mut self) {
        let Self { shared, turn: Some(turn), .. } = self else { return };
        let now = turn.now;
        turn.step(|session, turn| session.control(&shared.settled.rules, now, turn));
    }

    /// Enqueues bytes of the transport's own, such as a WebSocket pong. Given up if there is no room.
    pub fn raw(&mut self, bytes: Bytes) {
        if let Some(turn) = &mut self.turn {
            turn.push_raw(bytes);
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.shared.counters.frames_in.add(self.frames);
            turn.finish();
        }
    }
}

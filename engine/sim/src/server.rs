//! The simulated server: the real sessions, streams, keys and archive in a small shell of one thread, which does with them
//! what the engine does.

pub(crate) mod cells;
mod commit;
mod history;
pub(crate) mod identities;
pub(crate) mod inner;
mod open;
pub(crate) mod outbox;
pub(crate) mod output;
pub(crate) mod presence;
mod publish;
mod queue;
mod resume;
mod start;
mod streams;
mod turn;
mod upkeep;

use crate::bug::Bug;
use crate::disk::Disk;
use crate::name::{ConnId, StreamName};
use crate::plan::Plan;
use crate::random::Random;
use cells::{Cells, Handle};
use identities::Identities;
use outbox::{Member, Outbox, Room};
use output::{Fan, Output};
use queue::Queue;
use std::collections::BTreeMap;
use std::rc::Rc;
use tidings_core::keys::Keys;
use tidings_core::presence::Board;
use tidings_core::session::Session;
use tidings_core::time::Now;
use tidings_proto::id::{Position, SessionId};
use tidings_proto::wire::WireForm;
use tidings_store::archive::Archive;

/// One connection as the server has it.
#[derive(Debug)]
pub(crate) struct Conn {
    /// Taken out while it is stepped.
    session: Option<Session<Handle>>,
    form: WireForm,
    /// What came and is not a whole message yet.
    received: Vec<u8>,
    /// The session it belongs to, and the generation it had then.
    identity: Option<(SessionId, u64)>,
    device: Box<str>,
    /// The channels of the session that it resumes, until they are joined.
    claimed: identities::Channels,
    closing_since: Option<u64>,
    forwards: usize,
    /// When the token ends that the host has admitted last, by the wall clock.
    token_ends_ms: Option<u64>,
}

/// What differs from one start to the next.
#[derive(Debug)]
struct Start {
    random: Random,
    /// Wall clock minus steady clock at the start: keys are dated by the sum, which no step of the clock moves.
    steady_ms: u64,
    streams: u64,
    epochs: u64,
    keys_swept_ms: u64,
}

/// The store as it is open now.
#[derive(Debug)]
struct Storage {
    disk: Disk,
    archive: Archive,
    /// No stream number above this has been given out.
    numbers: u64,
    swept: Option<StreamName>,
}

/// The server.
#[derive(Debug)]
pub(crate) struct Server {
    plan: Rc<Plan>,
    start: Start,
    conns: BTreeMap<ConnId, Conn>,
    outboxes: BTreeMap<ConnId, Outbox>,
    cells: Cells,
    identities: Identities,
    queue: Queue,
    keys: Keys,
    board: Board<Member>,
    storage: Storage,
    pub(crate) output: Output,
}

impl Server {
    fn room(&self) -> Room {
        Room { bytes: self.plan.bounds.outbox_bytes, pieces: self.plan.bounds.outbox_pieces }
    }

    fn has(&self, bug: Bug) -> bool {
        self.plan.has(bug)
    }

    fn fan(&mut self) -> Fan<'_> {
        let mut room = self.room();
        if self.plan.has(Bug::OutboxWithoutBound) {
            room = Room { bytes: usize::MAX / 4, pieces: usize::MAX / 4 };
        }
        Fan { outboxes: &mut self.outboxes, output: &mut self.output, room }
    }

    fn member(&self, conn: ConnId) -> Member {
        let form = self.conns.get(&conn).map_or(WireForm::JsonLines, |conn| conn.form);
        Member { conn, form }
    }

    /// Milliseconds since 1970 on a clock that no step moves.
    fn steady_ms(&self, now: Now) -> u64 {
        self.start.steady_ms + now.instant.0
    }

    /// Bytes that the socket of a connection takes; the second is whether the connection is over with them.
    pub(crate) fn drain(&mut self, conn: ConnId, bytes_max: usize, now: Now) -> (Vec<u8>, bool) {
        let room = self.room();
        let Some(outbox) = self.outboxes.get_mut(&conn) else { return (Vec::new(), true) };
        let taken = outbox.take(bytes_max);
        if !taken.is_empty() {
            outbox.stuck_since = (outbox.bytes() > 0).then_some(now.instant.0);
        }
        let room_again = outbox.room_again(room);
        let over = outbox.is_closing() && outbox.bytes() == 0;
        if room_again && !self.has(Bug::NoWakeAfterFull) {
            self.bring_forward(conn, now);
            self.forward_presence(conn);
        }
        self.settle(now);
        (taken, over)
    }

    /// Bytes that wait for a connection.
    pub(crate) fn waiting_bytes(&self, conn: ConnId) -> usize {
        self.outboxes.get(&conn).map_or(0, Outbox::bytes)
    }

    /// Whether something is written and waits for its barrier.
    pub(crate) const fn is_committing(&self) -> bool {
        self.queue.written.is_some()
    }

    /// Where a stream stands that is in memory.
    pub(crate) fn position(&self, stream: &StreamName) -> Option<Position> {
        self.cells.map.get(stream).map(|cell| cell.stream.position())
    }

    /// The archive that is open.
    pub(crate) const fn archive(&self) -> &Archive {
        &self.storage.archive
    }

    /// Why the server is not quiet, if it is not.
    pub(crate) fn unrest(&self) -> Option<String> {
        if !self.queue.is_idle() {
            return Some("something waits for the disk".into());
        }
        if let Some((conn, outbox)) = self.outboxes.iter().find(|(_, outbox)| outbox.bytes() > 0) {
            return Some(format!("{} bytes wait for connection {conn}", outbox.bytes()));
        }
        for (name, cell) in &self.cells.map {
            if cell.stream.unstored() > 0 || cell.queued > 0 {
                return Some(format!("{name}: {} entries are not stored", cell.stream.unstored()));
            }
            if !cell.reading.is_empty() {
                return Some(format!("{name}: a page is being read"));
            }
        }
        let parked = self.identities.parked();
        (parked > 0).then(|| format!("{parked} sessions are parked"))
    }
}

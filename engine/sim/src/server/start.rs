//! The start of the server, and the store opened afresh.

use super::cells::Cells;
use super::identities::Identities;
use super::inner::Inner;
use super::output::Output;
use super::presence::TICK_MS;
use super::queue::Queue;
use super::{Server, Start, Storage};
use crate::bug::Bug;
use crate::disk::Disk;
use crate::fact::Fact;
use crate::name::StreamName;
use crate::plan::Plan;
use crate::random::Random;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use tidings_core::keys::{Keys, Placed};
use tidings_core::presence::Board;
use tidings_core::time::Now;
use tidings_proto::kept::Kind;
use tidings_store::archive::Archive;
use tidings_store::error::StoreError;
use tidings_store::op::KeptKey;

/// The id of a store that is made new.
const STORE: u64 = 77;

impl Server {
    /// Starts on what is on the disk.
    pub(crate) fn start(plan: &Rc<Plan>, disk: &Disk, mut random: Random, now: Now) -> Result<Self, StoreError> {
        let archive = Archive::open(Arc::new(disk.clone()), STORE)?;
        if !plan.has(Bug::NoBarrierAtStart) {
            // The process before may have been killed, and the power may be cut yet: nothing that was found is shown
            // before it is safe.
            archive.sync()?;
        }
        let steady_ms = now.wall_ms - now.instant.0;
        let start = Start { streams: 0, epochs: random.next() >> 8, steady_ms, keys_swept_ms: now.instant.0, random };
        let mut server = Self {
            plan: Rc::clone(plan),
            keys: Keys::new(plan.window, 1),
            board: Board::new(plan.rules.presence, 1),
            start,
            conns: BTreeMap::new(),
            outboxes: BTreeMap::new(),
            cells: Cells::default(),
            identities: Identities::default(),
            queue: Queue::default(),
            storage: Storage { disk: disk.clone(), archive, numbers: 0, swept: None },
            output: Output::default(),
        };
        if !plan.has(Bug::KeysNotRestored) {
            server.restore_keys(now)?;
        }
        server.output.wish(250, Inner::Sweep);
        server.output.wish(TICK_MS, Inner::Presence);
        Ok(server)
    }

    fn restore_keys(&mut self, now: Now) -> Result<(), StoreError> {
        let now_ms = self.steady_ms(now);
        let kept = self.storage.archive.keys(now_ms.saturating_sub(self.plan.window.age_ms_max))?;
        for KeptKey { publisher, key, at, kind, name, epoch, offset, .. } in kept {
            let channel = (kind == Kind::Channel).then_some(name);
            // A clock that was set back may have dated it in the future.
            self.keys.restore(publisher.as_deref(), &key, at.min(now_ms), Placed { channel, epoch, offset });
        }
        Ok(())
    }

    /// Opens the store afresh, and brings every stream to what is on disk.
    pub(super) fn reopen(&mut self, now: Now) {
        if !self.queue.failing {
            return;
        }
        self.storage.disk.reopen();
        match self.settle_all(now) {
            Ok(()) => {
                self.queue.failing = false;
                self.queue.doubtful.clear();
                self.output.facts.push(Fact::Reopened);
            }
            Err(error) => {
                self.output.note(None, format!("the store cannot be opened: {error}"));
                self.output.wish(self.plan.times.reopen, Inner::Reopen);
            }
        }
        self.settle(now);
    }

    fn settle_all(&mut self, now: Now) -> Result<(), StoreError> {
        let archive = Archive::open(Arc::new(self.storage.disk.clone()), STORE)?;
        // What is read now is shown from now on, so it must be safe.
        archive.sync()?;
        // Streams in memory of which nothing is on disk have numbers that the disk knows nothing of.
        while archive.new_stream() < self.storage.numbers {}
        self.storage.archive = archive;
        self.restore_keys(now)?;
        if self.has(Bug::NotReopened) {
            return Ok(());
        }
        let durable = |stream: &&StreamName| self.cells.map[*stream].stream.disk_number().is_some();
        let streams: Vec<StreamName> = self.cells.map.keys().filter(durable).cloned().collect();
        for stream in streams {
            let last = Self::last_on_disk(&self.storage.archive, &stream)?;
            if let Some((cell, mut fan)) = self.cell(&stream) {
                cell.stream.reopened(last, now, &mut fan);
            }
            self.output.note(Some(&stream), format!("goes on from {last}"));
        }
        Ok(())
    }
}

//! The queue of members that need entries from the disk: one page for each in turn.

use crate::cell::Cell;
use crate::sync::lock;
use std::collections::{HashSet, VecDeque};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tidings_core::stream::Slot;

/// How long whoever takes from the queue sleeps when nobody is behind.
const PATIENCE: Duration = Duration::from_secs(1);

/// A member that needs entries from the disk. Which ones is found out when it is its turn.
pub(crate) struct Wanted {
    pub(crate) cell: Arc<Cell>,
    pub(crate) slot: Slot,
}

impl Wanted {
    fn name(&self) -> (usize, Slot) {
        (Arc::as_ptr(&self.cell).addr(), self.slot)
    }
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Wanted>,
    /// Those for whom reading failed: they wait until the store is open again.
    failed: Vec<Wanted>,
    /// All of both: each seat of a stream stands in here once, whoever comes and goes in it.
    known: HashSet<(usize, Slot)>,
    stopping: bool,
}

/// The queue of those who are behind.
#[derive(Default)]
pub(crate) struct Behind {
    queue: Mutex<Queue>,
    ready: Condvar,
}

impl Behind {
    /// Has a page read for a member, unless that waits already.
    pub(crate) fn want(&self, wanted: Wanted) {
        let mut queue = lock(&self.queue);
        if queue.known.insert(wanted.name()) {
            queue.waiting.push_back(wanted);
            drop(queue);
            self.ready.notify_one();
        }
    }

    /// Reading failed for one.
    pub(crate) fn failed(&self, wanted: Wanted) {
        let mut queue = lock(&self.queue);
        if queue.known.insert(wanted.name()) {
            queue.failed.push(wanted);
        }
    }

    /// The store is open again.
    pub(crate) fn retry(&self) {
        let mut queue = lock(&self.queue);
        let failed = mem::take(&mut queue.failed);
        queue.waiting.extend(failed);
        drop(queue);
        self.ready.notify_one();
    }

    pub(crate) fn stop(&self) {
        lock(&self.queue).stopping = true;
        self.ready.notify_one();
    }

    /// The next one. `Ok(None)` when there is none for a while, an error when there will be none.
    pub(crate) fn next(&self) -> Result<Option<Wanted>, Stopped> {
        let queue = lock(&self.queue);
        let idle = |queue: &mut Queue| queue.waiting.is_empty() && !queue.stopping;
        let waited = self.ready.wait_timeout_while(queue, PATIENCE, idle);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        if queue.stopping {
            return Err(Stopped);
        }
        let next = queue.waiting.pop_front();
        // From now on what it needs may change, and it may be wanted again.
        if let Some(wanted) = &next {
            queue.known.remove(&wanted.name());
        }
        Ok(next)
    }
}

/// There will be no next one.
pub(crate) struct Stopped;

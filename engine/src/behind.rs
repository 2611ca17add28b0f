//! The queue of members that need entries from the disk: one page for each in turn.

use crate::cell::Cell;
use crate::sync::lock;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tidings_core::stream::Slot;

/// How long whoever takes from the queue sleeps when nobody is behind.
const PATIENCE: Duration = Duration::from_secs(1);

/// A member that needs entries from the disk. At most a few for each member of each stream.
pub(crate) struct Wanted {
    pub(crate) cell: Arc<Cell>,
    pub(crate) slot: Slot,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Wanted>,
    /// Those for whom reading failed: they wait until the store is open again.
    failed: Vec<Wanted>,
    stopping: bool,
}

/// The queue of those who are behind.
#[derive(Default)]
pub(crate) struct Behind {
    queue: Mutex<Queue>,
    ready: Condvar,
}

impl Behind {
    pub(crate) fn want(&self, wanted: Wanted) {
        lock(&self.queue).waiting.push_back(wanted);
        self.ready.notify_one();
    }

    /// Reading failed for one.
    pub(crate) fn failed(&self, wanted: Wanted) {
        lock(&self.queue).failed.push(wanted);
    }

    /// The store is open again.
    pub(crate) fn retry(&self) {
        let mut queue = lock(&self.queue);
        let failed = std::mem::take(&mut queue.failed);
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
        if queue.stopping { Err(Stopped) } else { Ok(queue.waiting.pop_front()) }
    }
}

/// There will be no next one.
pub(crate) struct Stopped;

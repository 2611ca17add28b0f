//! The queue of those who need entries from the disk: members that are behind, and clients that asked for a part of the past.
//! One page for each in turn.

use crate::cell::Cell;
use crate::sync::lock;
use crate::wish::Asked;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tidings_core::stream::Slot;
use tidings_proto::id::SessionId;

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

/// Something to be read.
pub(crate) enum Work {
    /// What a member needs.
    Member(Wanted),
    /// What a client has asked for.
    History(Asked),
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Work>,
    /// Those for whom reading failed: they wait until the store is open again.
    failed: Vec<Wanted>,
    /// All of both: each seat of a stream stands in here once, whoever comes and goes in it.
    known: HashSet<(usize, Slot)>,
    /// How many of the waiting a connection has asked for.
    asked: HashMap<SessionId, usize>,
    stopping: bool,
}

impl Queue {
    fn one_less(&mut self, session: SessionId) {
        if let Entry::Occupied(mut waiting) = self.asked.entry(session) {
            *waiting.get_mut() -= 1;
            if *waiting.get() == 0 {
                waiting.remove();
            }
        }
    }
}

/// The queue of those who need something from the disk.
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
            queue.waiting.push_back(Work::Member(wanted));
            drop(queue);
            self.ready.notify_one();
        }
    }

    /// Has a part of the past read for a client, unless as many of its wishes wait as may.
    pub(crate) fn ask(&self, asked: Asked, waiting_max: usize) -> bool {
        let mut queue = lock(&self.queue);
        let waiting = queue.asked.entry(asked.to.session()).or_default();
        if *waiting >= waiting_max {
            return false;
        }
        *waiting += 1;
        queue.waiting.push_back(Work::History(asked));
        drop(queue);
        self.ready.notify_one();
        true
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
        queue.waiting.extend(failed.into_iter().map(Work::Member));
        drop(queue);
        self.ready.notify_one();
    }

    pub(crate) fn stop(&self) {
        lock(&self.queue).stopping = true;
        self.ready.notify_one();
    }

    /// The next one. `Ok(None)` when there is none for a while, an error when there will be none.
    pub(crate) fn next(&self) -> Result<Option<Work>, Stopped> {
        let queue = lock(&self.queue);
        let idle = |queue: &mut Queue| queue.waiting.is_empty() && !queue.stopping;
        let waited = self.ready.wait_timeout_while(queue, PATIENCE, idle);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        if queue.stopping {
            return Err(Stopped);
        }
        let next = queue.waiting.pop_front();
        match &next {
            // From now on what it needs may change, and it may be wanted again.
            Some(Work::Member(wanted)) => {
                queue.known.remove(&wanted.name());
            }
            Some(Work::History(asked)) => queue.one_less(asked.to.session()),
            None => {}
        }
        Ok(next)
    }
}

/// There will be no next one.
pub(crate) struct Stopped;

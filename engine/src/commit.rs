//! The queue to the disk.
//!
//! What is placed in a stream is queued under the stream's lock, so the order of the queue is the order of each stream.
//! Under the queue's lock nothing is locked but the keys, so that they go on in its order.

use crate::cell::Cell;
use crate::sync::lock;
use crate::waiting::{NotTaken, Waiting};
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tidings_store::op::Op;

struct Queue {
    waiting: Waiting,
    /// Streams to be looked after.
    soiled: Vec<Arc<Cell>>,
    failing: bool,
    stopping: bool,
}

/// The queue to the disk.
pub(crate) struct Commit {
    queue: Mutex<Queue>,
    ready: Condvar,
    /// Bytes that wait or are being written.
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl Commit {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let queue = Queue { waiting: Waiting::new(1), soiled: Vec::new(), failing: false, stopping: false };
        Self { queue: Mutex::new(queue), ready: Condvar::new(), bytes: AtomicUsize::new(0), bytes_max }
    }

    /// Lets `place` give a publication its place and queue what must be written for it, which is `bytes` long, if anything
    /// is taken now. Nothing can be placed between a failure of the store and its being opened afresh.
    pub(crate) fn enter<T>(&self, bytes: usize, place: impl FnOnce(&mut Waiting) -> T) -> Result<T, NotTaken> {
        let mut queue = lock(&self.queue);
        if queue.failing || queue.stopping {
            return Err(NotTaken::Failing);
        }
        if self.bytes.load(Ordering::Relaxed).saturating_add(bytes) > self.bytes_max {
            return Err(NotTaken::Busy);
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let was_empty = queue.waiting.is_empty();
        let placed = place(&mut queue.waiting);
        drop(queue);
        if was_empty {
            self.ready.notify_one();
        }
        Ok(placed)
    }

    /// Queues what the upkeep of a stream writes, behind what the stream has queued before. Called with the stream locked.
    /// False when nothing is taken.
    pub(crate) fn keep_up(&self, cell: &Arc<Cell>, ops: impl Iterator<Item = Op>) -> bool {
        let mut queue = lock(&self.queue);
        if queue.failing {
            return false;
        }
        queue.waiting.ops.extend(ops);
        queue.waiting.upkeep.push(Arc::clone(cell));
        true
    }

    /// Has a stream looked after soon.
    pub(crate) fn soil(&self, cell: &Arc<Cell>) {
        if cell.soil() {
            lock(&self.queue).soiled.push(Arc::clone(cell));
        }
    }

    /// Bytes that wait for the disk.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether the store has failed and is not open again.
    pub(crate) fn is_failing(&self) -> bool {
        lock(&self.queue).failing
    }

    /// Something could not be read: the store is to be opened afresh.
    pub(crate) fn fail(&self) {
        lock(&self.queue).failing = true;
        self.ready.notify_one();
    }

    /// Takes nothing more; the thread writes what waits, and ends.
    pub(crate) fn stop(&self) {
        lock(&self.queue).stopping = true;
        self.ready.notify_one();
    }

    /// Queues what belongs to no stream.
    pub(crate) fn queue_ops(&self, ops: Option<Op>) {
        lock(&self.queue).waiting.ops.extend(ops);
    }

    /// Bytes that were waiting are not any more.
    pub(crate) fn done(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether nothing waits, neither for the disk nor for upkeep.
    pub(crate) fn is_idle(&self) -> bool {
        let queue = lock(&self.queue);
        queue.waiting.is_empty() && queue.soiled.is_empty()
    }

    /// Takes all that waits, as soon as there is something or `patience` is over.
    pub(crate) fn take(&self, patience: Duration) -> Taken {
        let queue = lock(&self.queue);
        let idle = |queue: &mut Queue| queue.waiting.is_empty() && !queue.stopping && !queue.failing;
        let waited = self.ready.wait_timeout_while(queue, patience, idle);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        let next = Waiting::new(queue.waiting.opening);
        let waiting = mem::replace(&mut queue.waiting, next);
        Taken { waiting, failing: queue.failing, stopping: queue.stopping }
    }

    /// Whether the end has come, or comes before `pause` is over.
    pub(crate) fn is_stopping_within(&self, pause: Duration) -> bool {
        let queue = lock(&self.queue);
        let waited = self.ready.wait_timeout_while(queue, pause, |queue| !queue.stopping);
        waited.unwrap_or_else(PoisonError::into_inner).0.stopping
    }

    /// The store is open again.
    pub(crate) fn go_on(&self) {
        let mut queue = lock(&self.queue);
        queue.failing = false;
        queue.waiting.opening += 1;
    }

    pub(crate) fn take_soiled(&self) -> Vec<Arc<Cell>> {
        mem::take(&mut lock(&self.queue).soiled)
    }
}

/// What was taken from the queue, and how things stand.
pub(crate) struct Taken {
    pub(crate) waiting: Waiting,
    pub(crate) failing: bool,
    pub(crate) stopping: bool,
}

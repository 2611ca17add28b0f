//! One stream behind its lock: offset, history and enqueueing happen under it, so order is what the lock says.

use crate::outbox::Outbox;
use crate::sync::lock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_core::session::Channel;
use tidings_core::stream::Stream;

/// A channel, or a user's inbox. At most one cell is locked at a time.
pub(crate) struct Cell {
    name: Arc<str>,
    /// Out of the directory: whoever still holds it must look its name up again.
    retired: AtomicBool,
    stream: Mutex<Stream<Arc<Outbox>>>,
}

impl Cell {
    pub(crate) fn new(name: Arc<str>, stream: Stream<Arc<Outbox>>) -> Self {
        Self { name, retired: AtomicBool::new(false), stream: Mutex::new(stream) }
    }

    pub(crate) const fn shared_name(&self) -> &Arc<str> {
        &self.name
    }

    /// The stream, whatever became of the cell. For members who leave and for fan-out.
    pub(crate) fn stream(&self) -> MutexGuard<'_, Stream<Arc<Outbox>>> {
        lock(&self.stream)
    }

    /// The stream, unless the cell was taken out of the directory.
    pub(crate) fn living(&self) -> Option<MutexGuard<'_, Stream<Arc<Outbox>>>> {
        let stream = self.stream();
        // Set only under the same lock.
        (!self.retired.load(Ordering::Relaxed)).then_some(stream)
    }

    /// Takes the cell out of use if `vacant` says so, and returns whether it does. Called by the directory that holds it,
    /// while nobody can find it there.
    pub(crate) fn retire_if(&self, vacant: impl FnOnce(&mut Stream<Arc<Outbox>>) -> bool) -> bool {
        let mut stream = self.stream();
        let is_vacant = vacant(&mut stream);
        self.retired.fetch_or(is_vacant, Ordering::Relaxed);
        is_vacant
    }
}

impl Channel for Cell {
    fn name(&self) -> &str {
        &self.name
    }
}

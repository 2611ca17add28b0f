//! One stream behind its lock: offset, history and enqueueing happen under it, so order is what the lock says.

use crate::outbox::Outbox;
use crate::sync::lock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_core::session::Channel;
use tidings_core::stream::Stream;
use tidings_proto::id::StreamNumber;
use tidings_proto::kept::Kind;

/// A channel, or a user's inbox. At most one cell is locked at a time.
pub(crate) struct Cell {
    name: Arc<str>,
    kind: Kind,
    number: StreamNumber,
    /// Out of the directory: whoever still holds it must look its name up again.
    retired: AtomicBool,
    /// It waits to be looked after.
    soiled: AtomicBool,
    /// Somebody will look whether it can be forgotten.
    watched: AtomicBool,
    /// How much of it is on its way to the disk. What is loaded from there meanwhile would not be all of it.
    unwritten: AtomicU32,
    /// Everything up to this offset is behind the barrier, told to the stream or not.
    landed: AtomicU64,
    stream: Mutex<Stream<Arc<Outbox>>>,
}

impl Cell {
    pub(crate) fn new(name: Arc<str>, kind: Kind, stream: Stream<Arc<Outbox>>) -> Self {
        Self {
            name,
            kind,
            number: stream.number(),
            retired: AtomicBool::new(false),
            soiled: AtomicBool::new(false),
            watched: AtomicBool::new(false),
            unwritten: AtomicU32::new(0),
            landed: AtomicU64::new(0),
            stream: Mutex::new(stream),
        }
    }

    pub(crate) const fn shared_name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.kind
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
    /// while nobody can find it there. Never while something of it is on its way to the disk.
    pub(crate) fn retire_if(&self, vacant: impl FnOnce(&mut Stream<Arc<Outbox>>) -> bool) -> bool {
        // Whoever works for the disk may hold the stream for long, and this is asked with a part of the directory locked.
        if self.is_on_its_way() {
            return false;
        }
        let mut stream = self.stream();
        let on_its_way = self.is_on_its_way();
        let is_vacant = !on_its_way && stream.unstored() == 0 && vacant(&mut stream);
        self.retired.fetch_or(is_vacant, Ordering::Relaxed);
        is_vacant
    }

    fn is_on_its_way(&self) -> bool {
        self.unwritten.load(Ordering::Acquire) > 0 || self.soiled.load(Ordering::Acquire)
    }

    /// It is to be looked after. Returns whether nobody had said so yet.
    pub(crate) fn soil(&self) -> bool {
        !self.soiled.swap(true, Ordering::AcqRel)
    }

    /// It is being looked after: what changes from now on wants another look. What that writes is on its way.
    pub(crate) fn clean(&self) {
        self.unwritten.fetch_add(1, Ordering::AcqRel);
        self.soiled.store(false, Ordering::Release);
    }

    /// Something of it goes on its way to the disk.
    pub(crate) fn unwritten(&self) {
        self.unwritten.fetch_add(1, Ordering::AcqRel);
    }

    /// It has arrived, or never will.
    pub(crate) fn written(&self) {
        self.unwritten.fetch_sub(1, Ordering::AcqRel);
    }

    /// Somebody is going to look whether it can be forgotten. Returns whether nobody was yet.
    pub(crate) fn watch(&self) -> bool {
        !self.watched.swap(true, Ordering::AcqRel)
    }

    /// Nobody is any more.
    pub(crate) fn unwatch(&self) {
        self.watched.store(false, Ordering::Release);
    }

    /// Everything up to an offset is behind the barrier.
    pub(crate) fn raise_landed(&self, up_to: u64) {
        self.landed.fetch_max(up_to, Ordering::AcqRel);
    }

    pub(crate) fn landed(&self) -> u64 {
        self.landed.load(Ordering::Acquire)
    }
}

impl Channel for Cell {
    fn name(&self) -> &str {
        &self.name
    }

    fn number(&self) -> StreamNumber {
        self.number
    }
}

//! What waits for the disk, and the one thread that writes it: it takes all that waits, writes, syncs once, and answers
//! all.
//!
//! What is placed in a stream is queued under the stream's lock, so the order of the queue is the order of each stream.
//! Under the queue's lock nothing is locked but the keys, so that they go on in its order.

use crate::cell::Cell;
use crate::landing::{Landing, land, refuse_all};
use crate::shared::{Shared, Store};
use crate::sync::lock;
use crate::upkeep;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tidings_store::archive::Archive;
use tidings_store::error::{ErrorKind, StoreError};
use tidings_store::op::Op;

/// How often streams whose heads have changed are looked after, and what was written without a barrier gets one.
const UPKEEP_EVERY: Duration = Duration::from_millis(250);

/// Waits between tries to open the store afresh: the first, and the longest.
const REOPEN_FIRST: Duration = Duration::from_millis(250);
const REOPEN_LONGEST: Duration = Duration::from_secs(5);

/// Why nothing is taken for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The store has failed and is not open again.
    Failing,
    /// As much waits as may.
    Busy,
}

/// What waits for the next barrier.
pub(crate) struct Waiting {
    pub(crate) ops: Vec<Op>,
    pub(crate) landings: Vec<Landing>,
    /// Streams of which something is among `ops` that waits for no barrier.
    upkeep: Vec<Arc<Cell>>,
    /// How often the store was opened, the first time included.
    pub(crate) opening: u64,
}

impl Waiting {
    const fn new(opening: u64) -> Self {
        Self { ops: Vec::new(), landings: Vec::new(), upkeep: Vec::new(), opening }
    }

    fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.landings.is_empty() && self.upkeep.is_empty()
    }

    fn bytes(&self) -> usize {
        self.landings.iter().map(|landing| landing.bytes).sum()
    }
}

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
    fn queue_ops(&self, ops: Option<Op>) {
        lock(&self.queue).waiting.ops.extend(ops);
    }

    /// Bytes that were waiting are not any more.
    fn done(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether nothing waits, neither for the disk nor for upkeep.
    fn is_idle(&self) -> bool {
        let queue = lock(&self.queue);
        queue.waiting.is_empty() && queue.soiled.is_empty()
    }

    /// Takes all that waits, as soon as there is something or `patience` is over.
    fn take(&self, patience: Duration) -> Taken {
        let queue = lock(&self.queue);
        let idle = |queue: &mut Queue| queue.waiting.is_empty() && !queue.stopping && !queue.failing;
        let waited = self.ready.wait_timeout_while(queue, patience, idle);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        let next = Waiting::new(queue.waiting.opening);
        let waiting = mem::replace(&mut queue.waiting, next);
        Taken { waiting, failing: queue.failing, stopping: queue.stopping }
    }

    /// Whether the end has come, or comes before `pause` is over.
    fn is_stopping_within(&self, pause: Duration) -> bool {
        let queue = lock(&self.queue);
        let waited = self.ready.wait_timeout_while(queue, pause, |queue| !queue.stopping);
        waited.unwrap_or_else(PoisonError::into_inner).0.stopping
    }

    /// The store is open again.
    fn go_on(&self) {
        let mut queue = lock(&self.queue);
        queue.failing = false;
        queue.waiting.opening += 1;
    }

    fn take_soiled(&self) -> Vec<Arc<Cell>> {
        mem::take(&mut lock(&self.queue).soiled)
    }
}

struct Taken {
    waiting: Waiting,
    failing: bool,
    stopping: bool,
}

/// The thread's whole life.
pub(crate) fn run(shared: &Arc<Shared>, store: &Store) {
    let mut unsynced = false;
    let mut looked_after = Instant::now();
    let mut patience = Patience::default();
    loop {
        let Taken { waiting, failing, stopping } = store.commit.take(UPKEEP_EVERY);
        let is_due = stopping || looked_after.elapsed() >= UPKEEP_EVERY;
        let worked = if failing {
            give_up(shared, store, waiting);
            Err(())
        } else {
            // What upkeep has written without a barrier gets one when nothing else has brought it.
            let sync = !waiting.landings.is_empty() || (unsynced && is_due);
            unsynced = !sync && (unsynced || !waiting.ops.is_empty());
            carry_out(shared, store, waiting, sync)
        };
        if worked.is_ok() && is_due {
            looked_after = Instant::now();
            let looked = guarded(|| {
                look_after(shared, store);
                Ok(())
            });
            if looked.is_err() {
                tracing::error!("looking after what is on disk panicked; the store is opened afresh");
                store.commit.fail();
            }
        }
        if stopping && (worked.is_err() || store.commit.is_idle()) {
            end(store, worked.is_ok());
            return;
        }
        if worked.is_err() {
            open_afresh(shared, store, &mut patience);
            unsynced = false;
        }
    }
}

/// Writes all that waited, syncs once, and answers all.
fn carry_out(shared: &Arc<Shared>, store: &Store, waiting: Waiting, sync: bool) -> Result<(), ()> {
    let written = guarded(|| {
        store.disk.with(|archive| {
            if !waiting.ops.is_empty() {
                archive.write(&waiting.ops)?;
            }
            if sync { archive.sync() } else { Ok(()) }
        })
    });
    if let Err(error) = written {
        shared.counters.store_failures.add(1);
        tracing::error!(
            %error,
            "the store failed: durable publications are refused until it is open afresh; everything else goes on"
        );
        store.commit.fail();
        give_up(shared, store, waiting);
        return Err(());
    }
    store.commit.done(waiting.bytes());
    waiting.upkeep.iter().for_each(|cell| cell.written());
    land(shared, waiting.landings);
    Ok(())
}

/// Nothing of this is certainly on disk.
fn give_up(shared: &Arc<Shared>, store: &Store, waiting: Waiting) {
    store.commit.done(waiting.bytes());
    for cell in waiting.upkeep {
        cell.stream().unsettle();
        store.commit.soil(&cell);
        cell.written();
    }
    refuse_all(shared, waiting.landings);
}

fn end(store: &Store, is_whole: bool) {
    if is_whole && let Err(error) = guarded(|| store.disk.with(Archive::sync)) {
        tracing::error!(%error, "the last sync failed; everything that was told to be stored is");
    }
    store.disk.close();
    store.closed.send_replace(true);
}

/// A panic of what is below counts as a failure of the store.
fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(StoreError::new(ErrorKind::Panicked, "the thread that writes to the store panicked")))
}

/// Queues the heads that have changed and the removal of what is kept no longer. It waits for no barrier: what a crash
/// takes of it is only delivered or removed again.
fn look_after(shared: &Arc<Shared>, store: &Store) {
    store.commit.queue_ops(upkeep::old_keys(shared, store));
    for cell in store.commit.take_soiled() {
        upkeep::collect(shared, store, &cell);
    }
}

/// How long to wait before the store is opened afresh.
#[derive(Default)]
struct Patience {
    pause: Duration,
    opened: Option<Instant>,
}

impl Patience {
    /// The pause before the next try: none for a store that was open for long. One that fails as soon as it is open keeps
    /// this thread no busier than one that cannot be opened.
    fn next(&mut self) -> Duration {
        if self.opened.take().is_some_and(|opened| opened.elapsed() > REOPEN_LONGEST) {
            self.pause = Duration::ZERO;
        }
        let pause = self.pause;
        self.pause = (pause * 2).clamp(REOPEN_FIRST, REOPEN_LONGEST);
        pause
    }
}

/// Opens the store afresh, however often that has to be tried, and brings every stream to what is on disk.
fn open_afresh(shared: &Arc<Shared>, store: &Store, patience: &mut Patience) {
    loop {
        let pause = patience.next();
        // What was queued before nothing more was taken.
        give_up(shared, store, store.commit.take(Duration::ZERO).waiting);
        if store.commit.is_stopping_within(pause) {
            return;
        }
        let opened = guarded(|| store.disk.reopen()).and_then(|()| guarded(|| upkeep::settle_all(shared, store)));
        match opened {
            Ok(()) => break,
            Err(error) => tracing::warn!(%error, "the store cannot be opened yet; it is tried again"),
        }
    }
    patience.opened = Some(Instant::now());
    store.commit.go_on();
    tracing::info!("the store is open again: durable publications are taken");
    store.reader.retry();
}

//! A store that fails when it is told to: for tests of what the engine does then.

#[cfg(test)]
mod tests;

use crate::error::{ErrorKind, StoreError};
use crate::store::{Each, Record, Store, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Passes everything on to another store, and fails where a test asks for it. Clones are handles of the same store, so
/// that a test keeps one to pull its strings.
///
/// As with a real one, nothing is written or synced any more after a failure, until [`reopen`](Self::reopen).
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: Arc<Inner<S>>,
}

#[derive(Debug)]
struct Inner<S> {
    store: S,
    write_fails: AtomicBool,
    sync_fails: AtomicBool,
    is_full: AtomicBool,
    is_poisoned: AtomicBool,
    sync_takes: Mutex<Duration>,
    writes: AtomicU64,
    syncs: AtomicU64,
}

impl<S> Clone for FaultyStore<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<S: Store> FaultyStore<S> {
    /// A store that does what `store` does, so far.
    pub fn new(store: S) -> Self {
        let inner = Inner {
            store,
            write_fails: AtomicBool::new(false),
            sync_fails: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
            is_poisoned: AtomicBool::new(false),
            sync_takes: Mutex::new(Duration::ZERO),
            writes: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The store behind it.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.inner.store
    }

    /// The next call of `write` fails, and writes nothing.
    pub fn fail_next_write(&self) {
        self.inner.write_fails.store(true, Ordering::SeqCst);
    }

    /// The next call of `sync` fails, and syncs nothing.
    pub fn fail_next_sync(&self) {
        self.inner.sync_fails.store(true, Ordering::SeqCst);
    }

    /// From now on each sync takes this long: the calling thread sleeps.
    pub fn set_sync_takes(&self, time: Duration) {
        *self.inner.sync_takes.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }

    /// Whether the device has no room: every write fails.
    pub fn set_full(&self, full: bool) {
        self.inner.is_full.store(full, Ordering::SeqCst);
    }

    /// What opening the store afresh does: after a failure it takes writes again.
    pub fn reopen(&self) {
        self.inner.is_poisoned.store(false, Ordering::SeqCst);
    }

    /// Whether a failure keeps it from writing.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.inner.is_poisoned.load(Ordering::SeqCst)
    }

    /// How many calls of `write` were passed on.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.inner.writes.load(Ordering::SeqCst)
    }

    /// How many calls of `sync` were passed on.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.inner.syncs.load(Ordering::SeqCst)
    }

    fn usable(&self) -> Result<(), StoreError> {
        if self.is_poisoned() {
            return Err(StoreError::new(ErrorKind::Poisoned, "the store failed before"));
        }
        Ok(())
    }

    fn fail(&self, kind: ErrorKind, what: &str) -> Result<(), StoreError> {
        self.inner.is_poisoned.store(true, Ordering::SeqCst);
        Err(StoreError::new(kind, what))
    }
}

impl<S: Store> Store for FaultyStore<S> {
    fn write(&self, writes: &[Write]) -> Result<(), StoreError> {
        self.usable()?;
        if self.inner.is_full.load(Ordering::SeqCst) {
            return self.fail(ErrorKind::Full, "no space is left, as the test wants it");
        }
        if self.inner.write_fails.swap(false, Ordering::SeqCst) {
            return self.fail(ErrorKind::Io, "the write failed, as the test wants it");
        }
        self.inner.writes.fetch_add(1, Ordering::SeqCst);
        self.inner.store.write(writes)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.usable()?;
        let time = *self.inner.sync_takes.lock().unwrap_or_else(PoisonError::into_inner);
        if !time.is_zero() {
            std::thread::sleep(time);
        }
        if self.inner.sync_fails.swap(false, Ordering::SeqCst) {
            return self.fail(ErrorKind::Io, "the sync failed, as the test wants it");
        }
        self.inner.syncs.fetch_add(1, Ordering::SeqCst);
        self.inner.store.sync()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.store.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], each: &mut Each<'_>) -> Result<(), StoreError> {
        self.inner.store.scan(from, to, each)
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Record>, StoreError> {
        self.inner.store.last(from, to)
    }

    fn can_be_reopened(&self) -> Result<(), StoreError> {
        if self.inner.is_full.load(Ordering::SeqCst) {
            return Err(StoreError::new(ErrorKind::Full, "no space is left, as the test wants it"));
        }
        self.inner.store.can_be_reopened()
    }

    fn bytes_on_disk(&self) -> Result<u64, StoreError> {
        self.inner.store.bytes_on_disk()
    }
}

//! A store whose every failure a test can ask for, and an engine on it.

use super::Names;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use tidings::Engine;
use tidings::config::{ClassName, Config, Namespace};
use tidings_store::error::{ErrorKind, StoreError};
use tidings_store::faulty::FaultyStore;
use tidings_store::memory::MemoryStore;
use tidings_store::store::{Each, Record, Store, Write};

/// A [`FaultyStore`] that also holds syncs back, fails to open and to be read, and loses power. Clones are handles.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    pub(crate) faulty: FaultyStore<MemoryStore>,
    strings: Arc<Strings>,
}

#[derive(Debug, Default)]
struct Strings {
    gate: Mutex<Gate>,
    moved: Condvar,
    opens_fail: AtomicBool,
    reads_fail: AtomicBool,
    opened: AtomicU64,
    /// Held while anything is written or synced, so that the power is lost between two calls and not in one.
    power: Mutex<bool>,
}

#[derive(Debug, Default)]
struct Gate {
    is_shut: bool,
    waiting: usize,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::on(MemoryStore::default())
    }

    /// The store as the next process finds it.
    pub(crate) fn on(store: MemoryStore) -> Self {
        Self { faulty: FaultyStore::new(store), strings: Arc::default() }
    }

    pub(crate) fn memory(&self) -> &MemoryStore {
        self.faulty.store()
    }

    /// Holds every sync back from now on.
    pub(crate) fn hold_syncs(&self) {
        self.gate(|gate| gate.is_shut = true);
    }

    pub(crate) fn release_syncs(&self) {
        self.gate(|gate| gate.is_shut = false);
        self.strings.moved.notify_all();
    }

    /// Whether a sync is held back now.
    pub(crate) fn is_syncing(&self) -> bool {
        self.gate(|gate| gate.waiting > 0)
    }

    pub(crate) fn fail_opens(&self, fail: bool) {
        self.strings.opens_fail.store(fail, Ordering::SeqCst);
    }

    pub(crate) fn fail_reads(&self, fail: bool) {
        self.strings.reads_fail.store(fail, Ordering::SeqCst);
    }

    /// How often it was opened.
    pub(crate) fn opened(&self) -> u64 {
        self.strings.opened.load(Ordering::SeqCst)
    }

    /// Nothing is written or synced any more. What a crash then keeps is up to the memory store.
    pub(crate) fn cut_power(&self) {
        *self.strings.power.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    pub(crate) fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        if self.strings.opens_fail.load(Ordering::SeqCst) {
            return Err(StoreError::new(ErrorKind::Io, "it does not open, as the test wants it"));
        }
        self.strings.opened.fetch_add(1, Ordering::SeqCst);
        self.faulty.reopen();
        Ok(Arc::new(self.clone()))
    }

    /// How many handles there are, this one included.
    pub(crate) fn handles(&self) -> usize {
        Arc::strong_count(&self.strings)
    }

    fn gate<T>(&self, look: impl FnOnce(&mut Gate) -> T) -> T {
        look(&mut self.strings.gate.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn wait_for_gate(&self) {
        let mut gate = self.strings.gate.lock().unwrap_or_else(PoisonError::into_inner);
        gate.waiting += 1;
        while gate.is_shut {
            gate = self.strings.moved.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
        gate.waiting -= 1;
    }

    fn powered<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let is_cut = self.strings.power.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_cut { Err(StoreError::new(ErrorKind::Io, "the power is cut")) } else { work() }
    }

    fn readable(&self) -> Result<(), StoreError> {
        if self.strings.reads_fail.load(Ordering::SeqCst) {
            return Err(StoreError::new(ErrorKind::Io, "the read failed, as the test wants it"));
        }
        Ok(())
    }
}

impl Store for Bench {
    fn write(&self, writes: &[Write]) -> Result<(), StoreError> {
        self.powered(|| self.faulty.write(writes))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.wait_for_gate();
        self.powered(|| self.faulty.sync())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.readable()?;
        self.faulty.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], each: &mut Each<'_>) -> Result<(), StoreError> {
        self.readable()?;
        self.faulty.scan(from, to, each)
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Record>, StoreError> {
        self.readable()?;
        self.faulty.last(from, to)
    }

    fn can_be_reopened(&self) -> Result<(), StoreError> {
        self.faulty.can_be_reopened()
    }

    fn bytes_on_disk(&self) -> Result<u64, StoreError> {
        self.faulty.bytes_on_disk()
    }
}

/// As [`super::config`], with `messaging` durable, and `chat` as `messaging` is without a store.
pub(crate) fn durable() -> Config {
    let mut config = super::config();
    config.namespaces.insert("chat".to_owned(), Namespace::default());
    config.namespaces.get_mut("messaging").unwrap().class = ClassName::Durable;
    config
}

pub(crate) fn engine_on(config: Config, bench: &Bench) -> Engine {
    let bench = bench.clone();
    Engine::start_with_store(config, Names, move || bench.open()).unwrap()
}

/// The same in a directory, on the store that is used in earnest.
pub(crate) fn engine_in(mut config: Config, path: &Path) -> Engine {
    config.store.path = Some(path.to_owned());
    Engine::start(config, Names).unwrap()
}

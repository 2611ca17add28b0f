//! A simulated device under the real archive: it fails, it tears, and it forgets.

use crate::random::Random;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidings_store::error::{ErrorKind, StoreError};
use tidings_store::store::{Each, Record, Store, Write};

/// How often what fails, of a thousand calls.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DiskFaults {
    pub(crate) writes: u64,
    pub(crate) syncs: u64,
    pub(crate) reads: u64,
}

/// What the device has done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DiskCounts {
    pub(crate) failed_writes: u64,
    pub(crate) failed_syncs: u64,
    pub(crate) failed_reads: u64,
    pub(crate) lost_writes: u64,
}

/// The device. Clones are handles of the same one.
#[derive(Debug, Clone)]
pub(crate) struct Disk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    /// How to take back each write since the last barrier.
    unsynced: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    poisoned: bool,
    faults: DiskFaults,
    random: Random,
    counts: DiskCounts,
}

impl Disk {
    pub(crate) fn new(random: Random) -> Self {
        let state = State {
            values: BTreeMap::new(),
            unsynced: Vec::new(),
            poisoned: false,
            faults: DiskFaults::default(),
            random,
            counts: DiskCounts::default(),
        };
        Self(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn set_faults(&self, faults: DiskFaults) {
        self.lock().faults = faults;
    }

    pub(crate) fn counts(&self) -> DiskCounts {
        self.lock().counts
    }

    /// The process is killed: everything that was written is there to be read, and not yet safe.
    pub(crate) fn kill(&self) {
        self.lock().poisoned = false;
    }

    /// The power is cut: only the first so many of the unsynced writes are left.
    pub(crate) fn cut_power(&self) {
        let mut state = self.lock();
        state.poisoned = false;
        state.forget_some();
        state.unsynced.clear();
    }

    /// The store is opened afresh after a failure: what could not be synced may be gone, and is no safer than before.
    pub(crate) fn reopen(&self) {
        let mut state = self.lock();
        state.poisoned = false;
        state.forget_some();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the last of the unsynced writes back, as many as chance has it.
    fn forget_some(&mut self) {
        let kept = self.random.index(self.unsynced.len() + 1);
        while self.unsynced.len() > kept {
            let Some((key, before)) = self.unsynced.pop() else { return };
            self.counts.lost_writes += 1;
            match before {
                Some(value) => self.values.insert(key, value),
                None => self.values.remove(&key),
            };
        }
    }

    fn check_usable(&self) -> Result<(), StoreError> {
        if self.poisoned {
            return Err(StoreError::new(ErrorKind::Poisoned, "the simulated store failed before"));
        }
        Ok(())
    }

    fn check_readable(&mut self) -> Result<(), StoreError> {
        if self.random.chance(self.faults.reads) {
            self.counts.failed_reads += 1;
            return Err(StoreError::new(ErrorKind::Io, "a simulated read failed"));
        }
        Ok(())
    }

    fn apply(&mut self, write: &Write) {
        let (key, before) = match write {
            Write::Put { key, value } => (key, self.values.insert(key.clone(), value.clone())),
            Write::Delete { key } => (key, self.values.remove(key)),
        };
        self.unsynced.push((key.clone(), before));
    }
}

impl Store for Disk {
    fn write(&self, writes: &[Write]) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.check_usable()?;
        let chance = state.faults.writes;
        let fails = state.random.chance(chance);
        let whole = if fails { state.random.index(writes.len() + 1) } else { writes.len() };
        for write in &writes[..whole] {
            write.check()?;
            state.apply(write);
        }
        if fails {
            state.poisoned = true;
            state.counts.failed_writes += 1;
            return Err(StoreError::new(ErrorKind::Io, "a simulated write failed"));
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.check_usable()?;
        let chance = state.faults.syncs;
        if state.random.chance(chance) {
            state.poisoned = true;
            state.counts.failed_syncs += 1;
            return Err(StoreError::new(ErrorKind::Io, "a simulated sync failed"));
        }
        state.unsynced.clear();
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut state = self.lock();
        state.check_readable()?;
        Ok(state.values.get(key).cloned())
    }

    fn scan(&self, from: &[u8], to: &[u8], each: &mut Each<'_>) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.check_readable()?;
        if from < to {
            let range = (Bound::Included(from), Bound::Excluded(to));
            let _ = state.values.range::<[u8], _>(range).try_for_each(|(key, value)| each(key, value));
        }
        Ok(())
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Record>, StoreError> {
        let mut state = self.lock();
        state.check_readable()?;
        if from >= to {
            return Ok(None);
        }
        let range = (Bound::Included(from), Bound::Excluded(to));
        Ok(state.values.range::<[u8], _>(range).next_back().map(|(key, value)| (key.clone(), value.clone())))
    }

    fn bytes_on_disk(&self) -> Result<u64, StoreError> {
        Ok(self.lock().values.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum())
    }
}

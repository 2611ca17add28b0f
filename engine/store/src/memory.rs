//! A store that forgets on command: for tests, and for simulations of crashes.

#[cfg(test)]
mod tests;

use crate::error::StoreError;
use crate::store::{Each, Record, Store, Write};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A store in memory. Clones are handles of the same store, so that a test can let it crash under the engine.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    /// How to take back each write since the last sync: its key, and the value that the key had.
    unsynced: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl MemoryStore {
    /// Forgets every write since the last sync, as a crash may.
    pub fn crash(&self) {
        self.crash_keeping(0);
    }

    /// Forgets all but the first `keep` writes since the last sync, as a crash may. Those are safe from now on.
    pub fn crash_keeping(&self, keep: usize) {
        let mut state = self.lock();
        while state.unsynced.len() > keep {
            let Some((key, before)) = state.unsynced.pop() else { break };
            match before {
                Some(value) => state.values.insert(key, value),
                None => state.values.remove(&key),
            };
        }
        state.unsynced.clear();
    }

    /// How many writes a crash could take back.
    #[must_use]
    pub fn unsynced(&self) -> usize {
        self.lock().unsynced.len()
    }

    /// Changes the stored value of a key behind the store's back, as a failing device does. False if it has none.
    pub fn damage(&self, key: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> bool {
        self.lock().values.get_mut(key).map(change).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No call leaves the state half changed, so what a panicking caller left behind is good.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn write(&self, writes: &[Write]) -> Result<(), StoreError> {
        let state = &mut *self.lock();
        for write in writes {
            write.check()?;
            let (key, before) = match write {
                Write::Put { key, value } => (key, state.values.insert(key.clone(), value.clone())),
                Write::Delete { key } => (key, state.values.remove(key)),
            };
            state.unsynced.push((key.clone(), before));
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.lock().unsynced.clear();
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.lock().values.get(key).cloned())
    }

    fn scan(&self, from: &[u8], to: &[u8], each: &mut Each<'_>) -> Result<(), StoreError> {
        if from < to {
            let state = self.lock();
            let _ = span(&state.values, from, to).try_for_each(|(key, value)| each(key, value));
        }
        Ok(())
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Record>, StoreError> {
        if from >= to {
            return Ok(None);
        }
        let state = self.lock();
        let last = span(&state.values, from, to).next_back();
        Ok(last.map(|(key, value)| (key.clone(), value.clone())))
    }

    fn bytes_on_disk(&self) -> Result<u64, StoreError> {
        Ok(self.lock().values.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum())
    }
}

/// The keys from `from` up to but without `to`, of which the first is lower.
fn span<'a>(
    values: &'a BTreeMap<Vec<u8>, Vec<u8>>,
    from: &[u8],
    to: &[u8],
) -> impl DoubleEndedIterator<Item = (&'a Vec<u8>, &'a Vec<u8>)> + use<'a> {
    values.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)))
}

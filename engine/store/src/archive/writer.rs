//! Takes ops apart into writes whose order makes each prefix of them a consistent store.

use super::batch::Batch;
use crate::error::StoreError;
use crate::op::Op;
use crate::store::Store;
use crate::{key, record};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// How many stream numbers are reserved at once. As many are lost with each start.
const RESERVE: u64 = 1_024;
/// How many keys are looked up at once to delete them.
const SLICE: usize = 1_024;

/// Where writes are gathered, and what they need to know.
#[derive(Debug)]
pub(crate) struct Writer {
    batch: Batch,
    /// The highest stream number that is reserved on disk.
    reserved: u64,
    /// How many references each shared payload has lost in this call.
    lost: BTreeMap<u64, u64>,
    key: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(reserved: u64) -> Self {
        Self { batch: Batch::default(), reserved, lost: BTreeMap::new(), key: Vec::new() }
    }

    /// Writes `ops`, in whose numbers none is `next` or above.
    pub(crate) fn write(&mut self, store: &dyn Store, next: u64, ops: &[Op]) -> Result<(), StoreError> {
        self.batch.clear();
        self.lost.clear();
        let mut reserved = self.reserved;
        if next > reserved + 1 {
            reserved = next + RESERVE;
            self.batch.put(store, key::RESERVED, |out| record::write_number(key::RESERVED, reserved, out))?;
        }
        for op in ops {
            self.op(store, op)?;
        }
        self.drop_references(store)?;
        self.batch.flush(store)?;
        self.reserved = reserved;
        Ok(())
    }

    fn op(&mut self, store: &dyn Store, op: &Op) -> Result<(), StoreError> {
        match op {
            Op::Append { stream, entry, bytes_sum, share } => {
                let key = key::entry(*stream, entry.offset);
                self.batch.put(store, &key, |out| record::write_entry(&key, entry, *bytes_sum, *share, out))
            }
            Op::Share { id, refs, data } => {
                let (key, count) = (key::share(*id), key::refs(*id));
                self.batch.put(store, &key, |out| record::write_share(&key, data, out))?;
                self.batch.put(store, &count, |out| record::write_number(&count, u64::from(*refs), out))
            }
            Op::Head { kind, name, head } => {
                self.key.clear();
                key::head(*kind, name, &mut self.key);
                self.batch.put(store, &self.key, |out| record::write_head(&self.key, head, out))
            }
            Op::Remove { stream, from, to } => {
                self.remove(store, &key::entry(*stream, *from), &key::behind_entry(*stream, *to))
            }
            Op::Key(kept) => {
                let key = key::idempotency(kept.at, kept.stream, kept.offset);
                self.batch.put(store, &key, |out| record::write_idempotency(&key, kept, out))
            }
            Op::ForgetKeys { before_ms } => self.remove(store, key::KEYS.0, &key::idempotency(*before_ms, 0, 0)),
            Op::Forget { kind, name, stream } => {
                // The head first: entries without a head are space to find again, a head that has lost its entries
                // would give their offsets out once more.
                self.key.clear();
                key::head(*kind, name, &mut self.key);
                self.batch.delete(store, &self.key)?;
                self.remove(store, &key::entry(*stream, 0), &key::behind_entry(*stream, u64::MAX))
            }
        }
    }

    /// Deletes a range, in slices: it may be as long as a stream. What was gathered goes to the store first, so that it
    /// is found.
    fn remove(&mut self, store: &dyn Store, from: &[u8], to: &[u8]) -> Result<(), StoreError> {
        let mut from = from.to_vec();
        loop {
            self.batch.flush(store)?;
            let mut found: Vec<Vec<u8>> = Vec::new();
            store.scan(&from, to, &mut |key, record| {
                found.push(key.to_vec());
                // A damaged entry's reference is lost with it: the payload stays, and compaction finds it.
                if key::read_entry(key).is_some()
                    && let Ok(entry) = record::read_entry(key, record)
                    && let Some(share) = entry.share()
                {
                    *self.lost.entry(share).or_default() += 1;
                }
                if found.len() < SLICE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            for key in &found {
                self.batch.delete(store, key)?;
            }
            match found.pop() {
                Some(last) if found.len() + 1 == SLICE => from = last,
                _ => return Ok(()),
            }
        }
    }

    /// Lowers the counts of payloads that lost references, behind the deletes of what referred to them: a crash between
    /// them leaves a payload too long, never a reference to nothing.
    fn drop_references(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        if self.lost.is_empty() {
            return Ok(());
        }
        self.batch.flush(store)?;
        for (id, lost) in std::mem::take(&mut self.lost) {
            let key = key::refs(id);
            let count = store.get(&key)?.map(|record| record::read_number(&key, &record));
            // Without a count that can be read nobody knows who else refers to it.
            let Some(Ok(count)) = count else { continue };
            if count > lost {
                self.batch.put(store, &key, |out| record::write_number(&key, count - lost, out))?;
            } else {
                self.batch.delete(store, &key::share(id))?;
                self.batch.delete(store, &key)?;
            }
        }
        Ok(())
    }
}

//! A whole copy at once, for a store that nobody else writes.

use super::generation::Generation;
use crate::error::{ErrorKind, StoreError};
use crate::progress::{Progress, Step, Ticker};
use crate::store::KEY_OWN;
use crc32fast::Hasher;
use std::ops::ControlFlow;

/// What becomes of a record in the copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is copied.
    Kept,
    /// It gets another value.
    Replaced(Vec<u8>),
    /// It is left out.
    Dropped,
}

/// How many copied bytes go to the device together.
const SYNC_BYTES: u64 = 64 << 20;
/// Around all keys of callers.
const ALL: (&[u8], &[u8]) = (&[0], &[KEY_OWN]);

/// Copies, syncs, reads the copy again, and compares. Returns how many records are in it.
pub(crate) fn rewrite(
    from: &Generation,
    to: &Generation,
    progress: &mut dyn FnMut(Progress),
    fate: &mut dyn FnMut(&[u8], &[u8]) -> Fate,
) -> Result<u64, StoreError> {
    let mut written = Sum::default();
    let mut unsynced = 0;
    let mut ticker = Ticker::new(Step::Copying, from.bytes_live(), progress);
    walk(from, |key, value| {
        ticker.record(key.len() + value.len());
        let replaced;
        let value = match fate(key, value) {
            Fate::Kept => value,
            Fate::Replaced(value) => {
                replaced = value;
                &replaced
            }
            Fate::Dropped => return Ok(()),
        };
        written.add(key, value);
        to.put(key, value)?;
        unsynced += (key.len() + value.len()) as u64;
        if unsynced >= SYNC_BYTES {
            unsynced = 0;
            to.sync()?;
        }
        Ok(())
    })?;
    ticker.end();
    to.sync()?;

    let mut read = Sum::default();
    let mut ticker = Ticker::new(Step::Verifying, to.bytes_live(), progress);
    walk(to, |key, value| {
        ticker.record(key.len() + value.len());
        read.add(key, value);
        Ok(())
    })?;
    ticker.end();
    let (records, copied) = (read.records, read.hasher.finalize());
    if (records, copied) != (written.records, written.hasher.finalize()) {
        let what = format!("the copy in {} is not what was written to it", to.path().display());
        return Err(StoreError::new(ErrorKind::Damaged, what));
    }
    Ok(records)
}

fn walk(
    generation: &Generation,
    mut each: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut result = Ok(());
    generation.scan(ALL.0, ALL.1, &mut |key, value| {
        result = each(key, value);
        if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    result
}

/// What tells one list of records from another.
#[derive(Default)]
struct Sum {
    records: u64,
    hasher: Hasher,
}

impl Sum {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        self.records += 1;
        // Lengths, so that a byte does not pass from one to the other unseen.
        self.hasher.update(&(key.len() as u64).to_le_bytes());
        self.hasher.update(key);
        self.hasher.update(&(value.len() as u64).to_le_bytes());
        self.hasher.update(value);
    }
}

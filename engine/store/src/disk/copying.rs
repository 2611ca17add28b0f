//! A copy of what lives in one generation into the next, while the first is written on.

use super::folder::Folder;
use super::generation::Generation;
use super::options::Options;
use crate::error::StoreError;
use crate::store::{KEY_OWN, Write};
use std::ops::ControlFlow;

/// How many records are copied at once, at least. More hold up whoever waits for the sync.
const SLICE_RECORDS: usize = 256;
/// How many records are copied for each that was written, so that the copy comes to its end.
const SLICE_PER_WRITE: usize = 4;
/// How many bytes are copied at once, at most.
const SLICE_BYTES_MAX: usize = 1 << 20;
/// How many copied bytes go to the device together, so that the last sync does not have to take all of them.
const SYNC_BYTES: usize = 8 << 20;

/// A copy under way. Records below the cursor are in both generations, and writes to them go to both.
#[derive(Debug)]
pub(crate) struct Copying {
    next: Generation,
    /// The key that is copied next, if it is there.
    cursor: Vec<u8>,
    unsynced_bytes: usize,
}

impl Copying {
    /// Begins with an empty generation.
    pub(crate) fn begin(folder: &Folder, options: &Options) -> Result<Self, StoreError> {
        Ok(Self { next: folder.make_next(options)?, cursor: vec![0], unsynced_bytes: 0 })
    }

    /// Does to the copy what was done to the original.
    pub(crate) fn repeat(&self, write: &Write) -> Result<(), StoreError> {
        if write.key() < self.cursor.as_slice() { self.next.write(write) } else { Ok(()) }
    }

    /// Copies some more; true when everything is copied.
    pub(crate) fn go_on(&mut self, from: &Generation, written: usize) -> Result<bool, StoreError> {
        let records_max = SLICE_RECORDS + SLICE_PER_WRITE * written;
        let (mut records, mut bytes) = (0, 0);
        let mut failure = None;
        let mut last = Vec::new();
        let next = &self.next;
        from.scan(&self.cursor, &[KEY_OWN], &mut |key, value| {
            if let Err(error) = next.put(key, value) {
                failure = Some(error);
                return ControlFlow::Break(());
            }
            records += 1;
            bytes += key.len() + value.len();
            if records < records_max && bytes < SLICE_BYTES_MAX {
                return ControlFlow::Continue(());
            }
            last = key.to_vec();
            ControlFlow::Break(())
        })?;
        if let Some(error) = failure {
            return Err(error);
        }
        if last.is_empty() {
            self.cursor = vec![KEY_OWN];
            return Ok(true);
        }
        // The key right behind it.
        last.push(0);
        self.cursor = last;
        self.unsynced_bytes += bytes;
        if self.unsynced_bytes >= SYNC_BYTES {
            self.unsynced_bytes = 0;
            self.next.sync()?;
        }
        Ok(false)
    }

    /// The copy, when everything is copied: on the device.
    pub(crate) fn finish(self) -> Result<Generation, StoreError> {
        self.next.sync()?;
        Ok(self.next)
    }
}

//! The store on disk: sled, with a sync that is one, and with its space given back.
//!
//! sled never makes its file much smaller, so a directory holds *generations*: sled databases one after the other, of
//! which the file `current` names the one in use. When that one takes too much room for what lives in it, the writer
//! copies it into the next one bit by bit, between its own writes, and then names that one instead.

mod account;
mod copying;
pub(crate) mod folder;
mod generation;
mod guard;
mod log;
mod mark;
pub(crate) mod options;
mod parts;
pub(crate) mod rewrite;
#[cfg(test)]
mod tests;

use crate::error::{ErrorKind, StoreError};
use crate::progress::Progress;
use crate::store::{Each, Record, Store, Write};
use copying::Copying;
use folder::Folder;
use generation::{Generation, Trust};
pub use options::Options;
use rewrite::Fate;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Below this a store takes what it takes: most of it are segments that sled fills anew.
pub const FLOOR_BYTES: u64 = 32 << 20;
/// From how many times the live bytes on a store is copied. sled by itself stays at 3 to 4 times what lives while as much
/// lives as before, and keeps all that it had when little is left of it. A fresh copy takes about 2.5 times, so copying
/// earlier would cost more than it gives.
const COPY_AT: u64 = 4;
/// How many times the live bytes must be free for a copy.
const COPY_ROOM: u64 = 3;
/// With less room than this nothing is written any more: sled does not bear a device that is full.
const ROOM_BYTES_MIN: u64 = 8 << 20;

/// A store in a directory. One process has it at a time.
///
/// After a write or a sync failed, every further one answers [`ErrorKind::Poisoned`], and what can still be read may be
/// read: what a failed sync left behind is not known, and trying again would call it good.
pub struct SledStore {
    /// The generation that is read and written.
    current: RwLock<Arc<Generation>>,
    writer: Mutex<Writer>,
    is_poisoned: AtomicBool,
    options: Options,
}

struct Writer {
    folder: Folder,
    copying: Option<Copying>,
    /// How many writes there were since the last sync.
    unsynced: usize,
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore").field("path", &self.current().path()).finish_non_exhaustive()
    }
}

impl SledStore {
    /// Opens the store in a directory. A missing or empty one becomes a new store.
    ///
    /// # Errors
    /// When it cannot be opened, with what to do about it: another process has it, it is not a directory or not one of a
    /// store, may not be written, has no room, is damaged, or did not open in time.
    pub fn open(path: &Path, options: &Options) -> Result<Self, StoreError> {
        let store = Self::of(Folder::open(path, options, Trust::Whole)?, options);
        store.writer()?.folder.check_room(ROOM_BYTES_MIN)?;
        Ok(store)
    }

    /// Opens a store that is there, for work on it: no new one is made of an empty directory, a full device does not
    /// matter, and [`damages`](Self::damages) tells what else it is opened in spite of.
    pub(crate) fn open_existing(path: &Path, options: &Options) -> Result<Self, StoreError> {
        Folder::expect(path)?;
        Ok(Self::of(Folder::open(path, options, Trust::Anything)?, options))
    }

    fn of((folder, generation): (Folder, Generation), options: &Options) -> Self {
        let writer = Writer { folder, copying: None, unsynced: 0 };
        Self {
            current: RwLock::new(Arc::new(generation)),
            writer: Mutex::new(writer),
            is_poisoned: AtomicBool::new(false),
            options: *options,
        }
    }

    /// Copies everything into a fresh generation, each record as `fate` decides, reads that again, and takes it into use.
    /// Returns how many records there are now.
    pub(crate) fn rewrite(
        &self,
        progress: &mut dyn FnMut(Progress),
        fate: &mut dyn FnMut(&[u8], &[u8]) -> Fate,
    ) -> Result<u64, StoreError> {
        let mut writer = self.writer()?;
        writer.copying = None;
        let next = writer.folder.make_next(&self.options)?;
        let records = rewrite::rewrite(&self.current(), &next, progress, fate)?;
        self.switch(&mut writer, next)?;
        Ok(records)
    }

    /// What an operator should know of the place that the store is in, if anything.
    #[must_use]
    pub fn caveat(&self) -> Option<&'static str> {
        (!self.current().log().is_synchronous()).then_some(
            "the file system of the store knows no synchronous files (`chattr +S`): after a loss of power, not after a crash \
             of the process, a small part of all stores does not open; keep it on ext4, XFS or btrfs, or keep copies",
        )
    }

    /// Bytes of keys and values that are in the store: what [`Store::bytes_on_disk`] is to be compared with.
    #[must_use]
    pub fn bytes_live(&self) -> u64 {
        self.current().bytes_live()
    }

    /// What is known to be wrong with the database as a whole.
    pub(crate) fn damages(&self) -> Vec<String> {
        self.current().damages().to_vec()
    }

    fn current(&self) -> Arc<Generation> {
        // A reference is taken or replaced under the lock, nothing that could be left half done.
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn writer(&self) -> Result<MutexGuard<'_, Writer>, StoreError> {
        if self.is_poisoned.load(Ordering::SeqCst) {
            return Err(StoreError::new(ErrorKind::Poisoned, "an earlier write or sync of the store failed"));
        }
        self.writer.lock().map_err(|_| StoreError::new(ErrorKind::Poisoned, "an earlier write of the store panicked"))
    }

    /// Lets a failure end all writing.
    fn or_poison<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if result.is_err() {
            self.is_poisoned.store(true, Ordering::SeqCst);
        }
        result
    }

    fn write_all(&self, writer: &mut Writer, writes: &[Write]) -> Result<(), StoreError> {
        let current = self.current();
        let bytes: usize = writes.iter().map(Write::bytes).sum();
        writer.folder.check_room(ROOM_BYTES_MIN + bytes as u64)?;
        writer.unsynced += writes.len();
        for write in writes {
            current.write(write)?;
            if let Some(copying) = &mut writer.copying {
                copying.repeat(write)?;
            }
        }
        Ok(())
    }

    fn sync_all(&self, writer: &mut Writer) -> Result<(), StoreError> {
        if writer.unsynced > 0 {
            self.current().sync()?;
        }
        let unsynced = std::mem::take(&mut writer.unsynced);
        self.copy_some(writer, unsynced)
    }

    /// Goes on with a copy, or begins one that is due. It goes faster than the `written` records that came meanwhile.
    fn copy_some(&self, writer: &mut Writer, written: usize) -> Result<(), StoreError> {
        let current = self.current();
        let Some(copying) = &mut writer.copying else {
            let disk = current.log().bytes()?;
            // What fits in the floor is not worth the while, nor is a copy for which there is no room.
            let is_due = disk > FLOOR_BYTES && disk > COPY_AT * current.bytes_live();
            if is_due && writer.folder.room()? > COPY_ROOM * current.bytes_live() + 2 * ROOM_BYTES_MIN {
                writer.copying = Some(Copying::begin(&writer.folder, &self.options)?);
            }
            return Ok(());
        };
        if !copying.go_on(&current, written)? {
            return Ok(());
        }
        let Some(done) = writer.copying.take() else { return Ok(()) };
        self.switch(writer, done.finish()?)
    }

    /// Takes a generation into use that is on the device.
    fn switch(&self, writer: &mut Writer, next: Generation) -> Result<(), StoreError> {
        writer.folder.switch(&next)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, Arc::new(next));
        drop(current);
        writer.folder.retire(old);
        Ok(())
    }
}

impl Store for SledStore {
    fn write(&self, writes: &[Write]) -> Result<(), StoreError> {
        // A refused write changes nothing, and so spoils nothing.
        writes.iter().try_for_each(Write::check)?;
        let mut writer = self.writer()?;
        self.or_poison(self.write_all(&mut writer, writes))
    }

    fn sync(&self) -> Result<(), StoreError> {
        let mut writer = self.writer()?;
        self.or_poison(self.sync_all(&mut writer))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.current().get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], each: &mut Each<'_>) -> Result<(), StoreError> {
        self.current().scan(from, to, each)
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Record>, StoreError> {
        self.current().last(from, to)
    }

    fn can_be_reopened(&self) -> Result<(), StoreError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.folder.check_room(ROOM_BYTES_MIN)
    }

    fn bytes_on_disk(&self) -> Result<u64, StoreError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.folder.bytes_on_disk()
    }
}

//! One sled database.

use super::guard;
use super::mark::{self, Mark};
use super::options::Options;
use super::parts::{self, Pointer};
use crate::error::{ErrorKind, StoreError};
use crate::store::{Each, KEY_OWN, Record, Write};
use rustix::fs::{Advice, fadvise};
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;

/// Where sled keeps its log.
const LOG: &str = "db";
/// The record that the store keeps about itself: how many syncs there were, and how many bytes live.
const STATE: &[u8] = &[KEY_OWN, 0x00];
const STATE_BYTES: usize = 16;
/// Above every key.
const END: &[u8] = &[KEY_OWN];

/// One sled database, in a directory of its own.
#[derive(Debug)]
pub(crate) struct Generation {
    path: PathBuf,
    /// Taken when it is closed.
    db: Option<sled::Db>,
    /// For our own sync of the log, and its length.
    log: File,
    mark: Mark,
    syncs: AtomicU64,
    bytes_live: AtomicU64,
    /// The next value that is cut into parts.
    next_parts: AtomicU64,
}

impl Generation {
    /// Opens the database in a directory, or makes it. What is made is on the device when this returns.
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Self, StoreError> {
        forget_pages(path)?;
        let db = open_sled(path, options)?;
        sync_tree(path)?;
        let log = File::open(path.join(LOG)).map_err(|error| failed("open the log of", path, error))?;
        let (mark, marked) = Mark::open(path)?;
        let mut one = Self {
            path: path.to_owned(),
            db: Some(db),
            log,
            mark,
            syncs: AtomicU64::new(0),
            bytes_live: AtomicU64::new(0),
            next_parts: AtomicU64::new(0),
        };
        one.begin(marked)?;
        Ok(one)
    }

    /// Reads what the database says about itself.
    fn begin(&mut self, marked: u64) -> Result<(), StoreError> {
        let state = guard::call("read the store's state", || self.db().get(STATE))?;
        let (syncs, live) = state.as_deref().and_then(read_state).unwrap_or_default();
        if syncs < marked {
            let what = format!(
                "the database in {} lacks what was written last: it has seen {syncs} syncs, and the mark beside it says \
                 {marked}; its log was cut, or is from another time (to go on with what it has, delete the file {})",
                self.path.display(),
                self.path.join(mark::NAME).display()
            );
            return Err(StoreError::new(ErrorKind::Damaged, what));
        }
        let last = self.raw_last(parts::ALL.0, parts::ALL.1)?;
        let next = last.and_then(|(key, _)| parts::id(&key)).map_or(0, |id| id + 1);
        (self.syncs, self.bytes_live, self.next_parts) = (syncs.into(), live.into(), next.into());
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of keys and values that are stored.
    pub(crate) fn bytes_live(&self) -> u64 {
        self.bytes_live.load(Ordering::Relaxed)
    }

    /// The length of the log.
    pub(crate) fn log_bytes(&self) -> Result<u64, StoreError> {
        let log = self.log.metadata().map_err(|error| failed("look at the log of", &self.path, error))?;
        Ok(log.len())
    }

    fn db(&self) -> &sled::Db {
        self.db.as_ref().expect("it is taken when the generation is dropped, and not before")
    }

    pub(crate) fn write(&self, write: &Write) -> Result<(), StoreError> {
        match write {
            Write::Put { key, value } => self.put(key, value),
            Write::Delete { key } => {
                let before = guard::call("delete a record", || self.db().remove(key.as_slice()))?;
                self.forget(key, before.as_deref())
            }
        }
    }

    pub(crate) fn put(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let before = if parts::is_needed(value) {
            // The parts first: a crash leaves some that nothing points to, never a pointer to nothing.
            let bytes =
                u32::try_from(value.len()).map_err(|_| StoreError::new(ErrorKind::Refused, "a value too long"))?;
            let pointer = Pointer { id: self.next_parts.fetch_add(1, Ordering::Relaxed), bytes };
            for (key, part) in pointer.keys().zip(value.chunks(parts::PART_BYTES)) {
                guard::call("write a part of a record", || self.db().insert(key, part))?;
            }
            guard::call("write a record", || self.db().insert(key, &pointer.to_value()))?
        } else {
            guard::call("write a record", || self.db().insert(key, value))?
        };
        self.bytes_live.fetch_add((key.len() + value.len()) as u64, Ordering::Relaxed);
        self.forget(key, before.as_deref())
    }

    /// Lets go of what a key had before.
    fn forget(&self, key: &[u8], before: Option<&[u8]>) -> Result<(), StoreError> {
        let Some(before) = before else { return Ok(()) };
        let mut bytes = before.len();
        if let Some(pointer) = Pointer::read(before) {
            bytes = pointer.bytes as usize;
            for key in pointer.keys() {
                guard::call("delete a part of a record", || self.db().remove(key))?;
            }
        }
        // The count may be a little off after a crash; it never runs below nothing.
        let bytes = (key.len() + bytes) as u64;
        let live = self.bytes_live();
        self.bytes_live.store(live.saturating_sub(bytes), Ordering::Relaxed);
        Ok(())
    }

    /// Brings everything to the device.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        let syncs = self.syncs.load(Ordering::Relaxed) + 1;
        let state = write_state(syncs, self.bytes_live());
        guard::call("write the store's state", || self.db().insert(STATE, &state))?;
        self.flush()?;
        self.syncs.store(syncs, Ordering::Relaxed);
        self.mark.write(syncs)
    }

    /// What a sync is at heart. sled's `flush` hands the log to the operating system and leaves it there.
    fn flush(&self) -> Result<(), StoreError> {
        guard::call("flush the log", || self.db().flush())?;
        if cfg!(feature = "skip-sync") {
            return Ok(());
        }
        self.log.sync_data().map_err(|error| failed("sync the log of", &self.path, error))
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = guard::call("read a record", || self.db().get(key))?;
        value.map_or(Ok(None), |value| self.whole(key, &value))
    }

    pub(crate) fn scan(&self, from: &[u8], to: &[u8], each: &mut Each<'_>) -> Result<(), StoreError> {
        let to = to.min(END);
        if from >= to {
            return Ok(());
        }
        let mut found = self.db().range(from..to);
        while let Some((key, value)) = guard::call("read the next record", || found.next().transpose())? {
            let flow = if Pointer::read(&value).is_none() {
                each(&key, &value)
            } else if let Some(value) = self.whole(&key, &value)? {
                each(&key, &value)
            } else {
                ControlFlow::Continue(())
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    pub(crate) fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Record>, StoreError> {
        let mut to = to.min(END).to_vec();
        loop {
            let Some((key, value)) = self.raw_last(from, &to)? else { return Ok(None) };
            if let Some(value) = self.whole(&key, &value)? {
                return Ok(Some((key.to_vec(), value)));
            }
            to = key.to_vec();
        }
    }

    fn raw_last(&self, from: &[u8], to: &[u8]) -> Result<Option<(sled::IVec, sled::IVec)>, StoreError> {
        if from >= to {
            return Ok(None);
        }
        guard::call("read the last record", || self.db().range(from..to).next_back().transpose())
    }

    /// The value that lies at a key, brought together from its parts. `None` if it was deleted meanwhile.
    ///
    /// A value with missing parts is given as far as it goes: the checksum of its record tells.
    fn whole(&self, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut stored = sled::IVec::from(value);
        loop {
            let Some(pointer) = Pointer::read(&stored) else { return Ok(Some(stored.to_vec())) };
            let mut whole = Vec::new();
            for key in pointer.keys() {
                let Some(part) = guard::call("read a part of a record", || self.db().get(key))? else { break };
                whole.extend_from_slice(&part);
            }
            if whole.len() == pointer.bytes as usize {
                return Ok(Some(whole));
            }
            // A writer takes the parts away after it has replaced what points to them.
            match guard::call("read a record", || self.db().get(key))? {
                None => return Ok(None),
                Some(again) if again == stored => return Ok(Some(whole)),
                Some(again) => stored = again,
            }
        }
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        // sled flushes and syncs when it is closed, and panics if that fails.
        let db = self.db.take();
        guard::shrug(|| drop(db));
    }
}

/// Makes the operating system read the log from the device, not from pages that it failed to write: after a failed sync
/// those count as good to it.
fn forget_pages(path: &Path) -> Result<(), StoreError> {
    let log = match File::open(path.join(LOG)) {
        Ok(log) => log,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("open the log of", path, error)),
    };
    // What can be written is written first. sled notes down what it recovers, so it must be there to stay.
    log.sync_data().map_err(|error| failed("sync the log of", path, error))?;
    // A file system that does not know the advice keeps no such pages.
    let _ = fadvise(&log, 0, None, Advice::DontNeed);
    Ok(())
}

/// Opens sled in a thread of its own: damaged files can make it panic, or go on for ever.
fn open_sled(path: &Path, options: &Options) -> Result<sled::Db, StoreError> {
    let config = sled::Config::new()
        .path(path)
        .segment_size(parts::SEGMENT_BYTES)
        .cache_capacity(options.cache_bytes)
        .flush_every_ms(None);
    let what = format!("open the database in {}", path.display());
    let (tell, told) = sync_channel(1);
    let open = move || {
        // If nobody waits any more, the database is closed again.
        let _ = tell.send(guard::call(&what, || config.open()));
    };
    thread::Builder::new()
        .name("store-open".into())
        .spawn(open)
        .map_err(|error| failed("start a thread to open", path, error))?;
    match told.recv_timeout(options.open_timeout) {
        Ok(opened) => opened,
        Err(RecvTimeoutError::Timeout) => {
            let seconds = options.open_timeout.as_secs_f32();
            let what = format!("the database in {} did not open within {seconds} s", path.display());
            Err(StoreError::new(ErrorKind::Timeout, what))
        }
        Err(RecvTimeoutError::Disconnected) => {
            let what = format!("the thread that opens the database in {} is gone", path.display());
            Err(StoreError::new(ErrorKind::Panicked, what))
        }
    }
}

/// Syncs the files of a directory, and the directory.
fn sync_tree(path: &Path) -> Result<(), StoreError> {
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
    let entries = fs::read_dir(path).map_err(|error| failed("list", path, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| failed("list", path, error))?.path();
        sync(&entry).map_err(|error| failed("sync", &entry, error))?;
    }
    sync(path).map_err(|error| failed("sync", path, error))
}

fn failed(what: &str, path: &Path, error: std::io::Error) -> StoreError {
    StoreError::io(format!("could not {what} {}", path.display()), error)
}

fn write_state(syncs: u64, bytes_live: u64) -> [u8; STATE_BYTES] {
    let mut state = [0; STATE_BYTES];
    state[..8].copy_from_slice(&syncs.to_le_bytes());
    state[8..].copy_from_slice(&bytes_live.to_le_bytes());
    state
}

fn read_state(state: &[u8]) -> Option<(u64, u64)> {
    let (syncs, live) = state.split_first_chunk()?;
    Some((u64::from_le_bytes(*syncs), u64::from_le_bytes(*live.first_chunk()?)))
}

//! One sled database.

use super::account::Account;
use super::guard;
use super::log::Log;
use super::mark::{self, Mark};
use super::options::Options;
use super::parts::{self, Pointer};
use crate::error::{ErrorKind, StoreError};
use crate::store::{Each, KEY_OWN, Record, Write};
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// What the store keeps about itself: the number of syncs, and what was there at the last one.
const STATE: &[u8] = &[KEY_OWN, 0x00];
/// The number of the sync that comes next, written before the first write since the last one: while it is ahead of the
/// state's, there may be more, or less, than the state says.
const BEGUN: &[u8] = &[KEY_OWN, 0x02];
/// How often sled's own lock is asked for, and how long lies between.
const LOCK_TRIES: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// Above every key.
const END: &[u8] = &[KEY_OWN];

/// One sled database, in a directory of its own.
#[derive(Debug)]
pub(crate) struct Generation {
    path: PathBuf,
    /// Taken when it is closed.
    db: Option<sled::Db>,
    log: Log,
    mark: Mark,
    account: Account,
    /// The next value that is cut into parts.
    next_parts: AtomicU64,
    /// What is wrong with it, if it was opened all the same.
    damages: Vec<String>,
}

/// What becomes of a database that opens and lacks something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It is refused.
    Whole,
    /// It is opened, to see what is left and to keep that.
    Anything,
}

impl Generation {
    /// Opens the database in a directory, or makes it. What is made is on the device when this returns.
    ///
    /// In a thread of its own: damaged files can make sled panic, or go on for ever.
    pub(crate) fn open(path: &Path, options: &Options, trust: Trust) -> Result<Self, StoreError> {
        let (tell, told) = sync_channel(1);
        let (here, cache_bytes) = (path.to_owned(), options.cache_bytes);
        let open = move || {
            // If nobody waits any more, the database is closed again.
            let _ = tell.send(Self::open_here(here, cache_bytes));
        };
        let thread = thread::Builder::new().name("store-open".into()).spawn(open);
        drop(thread.map_err(|error| failed("start a thread to open", path, error))?);
        let one = match told.recv_timeout(options.open_timeout) {
            Ok(opened) => opened?,
            Err(RecvTimeoutError::Timeout) => {
                let seconds = options.open_timeout.as_secs_f32();
                let what = format!("the database in {} did not open within {seconds} s", path.display());
                return Err(StoreError::new(ErrorKind::Timeout, what));
            }
            Err(RecvTimeoutError::Disconnected) => {
                let what = format!("the thread that opens the database in {} is gone", path.display());
                return Err(StoreError::new(ErrorKind::Panicked, what));
            }
        };
        match one.damages.first() {
            Some(damage) if trust == Trust::Whole => Err(StoreError::new(ErrorKind::Damaged, damage.clone())),
            _ => Ok(one),
        }
    }

    fn open_here(path: PathBuf, cache_bytes: u64) -> Result<Self, StoreError> {
        let log = Log::open(&path)?;
        let config = sled::Config::new()
            .path(&path)
            .segment_size(parts::SEGMENT_BYTES)
            .cache_capacity(cache_bytes)
            .flush_every_ms(None);
        let db = open_sled(&path, &config)?;
        sync_tree(&path)?;
        let (mark, marked) = Mark::open(&path)?;
        let account = Account::default();
        let next_parts = AtomicU64::new(0);
        let mut one = Self { path, db: Some(db), log, mark, account, next_parts, damages: Vec::new() };
        one.begin(marked)?;
        Ok(one)
    }

    /// Reads everything once. sled leaves out what it cannot read, and does not tell.
    fn begin(&mut self, marked: u64) -> Result<(), StoreError> {
        let stored = |key| guard::call("read the store's state", || self.db().get(key));
        let state = stored(STATE)?.as_deref().and_then(Account::read).unwrap_or_default();
        let begun = stored(BEGUN)?.and_then(|number| number.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)));
        let found = Account::default();
        let mut all = self.db().range::<&[u8], _>(..);
        while let Some((key, value)) = guard::call("read every record", || all.next().transpose())? {
            if *key != *STATE && *key != *BEGUN {
                found.add(&key, &value);
            }
        }
        let path = self.path.display();
        if state.syncs() < marked {
            let (syncs, mark) = (state.syncs(), mark::NAME);
            self.damages.push(format!(
                "the database in {path} lacks what was written last: it has seen {syncs} syncs, and the file {mark} in it \
                 says {marked}; its log was cut, or is from another time"
            ));
        } else if begun.unwrap_or(0) <= state.syncs() && !found.is_same(&state) {
            self.damages.push(format!("the database in {path} lacks records that were there: its log is damaged"));
        }
        found.set_syncs(state.syncs().max(marked));
        self.account = found;
        let last = self.raw_last(parts::ALL.0, parts::ALL.1)?;
        let next = last.and_then(|(key, _)| parts::id(&key)).map_or(0, |id| id + 1);
        self.next_parts = next.into();
        Ok(())
    }

    /// What is wrong with it.
    pub(crate) fn damages(&self) -> &[String] {
        &self.damages
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file that sled writes to.
    pub(crate) const fn log(&self) -> &Log {
        &self.log
    }

    /// How many syncs there were.
    #[cfg(test)]
    pub(crate) fn syncs(&self) -> u64 {
        self.account.syncs()
    }

    /// Bytes of keys and values that are stored.
    pub(crate) fn bytes_live(&self) -> u64 {
        self.account.bytes()
    }

    fn db(&self) -> &sled::Db {
        self.db.as_ref().expect("it is taken when the generation is dropped, and not before")
    }

    pub(crate) fn write(&self, write: &Write) -> Result<(), StoreError> {
        match write {
            Write::Put { key, value } => self.put(key, value),
            Write::Delete { key } => self.delete(key),
        }
    }

    pub(crate) fn put(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.announce()?;
        let before = if parts::is_needed(value) {
            // The parts first: a crash leaves some that nothing points to, never a pointer to nothing.
            let bytes =
                u32::try_from(value.len()).map_err(|_| StoreError::new(ErrorKind::Refused, "a value too long"))?;
            let pointer = Pointer { id: self.next_parts.fetch_add(1, Ordering::Relaxed), bytes };
            for (key, part) in pointer.keys().zip(value.chunks(parts::PART_BYTES)) {
                self.raw_put(&key, part)?;
            }
            self.raw_put(key, &pointer.to_value())?
        } else {
            self.raw_put(key, value)?
        };
        self.delete_parts(before)
    }

    fn delete(&self, key: &[u8]) -> Result<(), StoreError> {
        self.announce()?;
        let before = self.raw_delete(key)?;
        self.delete_parts(before)
    }

    /// Lets go of the parts of a value that was replaced or deleted.
    fn delete_parts(&self, before: Option<sled::IVec>) -> Result<(), StoreError> {
        let Some(pointer) = before.as_deref().and_then(Pointer::read) else { return Ok(()) };
        for key in pointer.keys() {
            self.raw_delete(&key)?;
        }
        Ok(())
    }

    /// Says that writes have begun, before the first one since the last sync.
    fn announce(&self) -> Result<(), StoreError> {
        if self.account.begin() {
            let next = (self.account.syncs() + 1).to_le_bytes();
            guard::call("write the store's state", || self.db().insert(BEGUN, &next))?;
        }
        Ok(())
    }

    fn raw_put(&self, key: &[u8], value: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        let before = guard::call("write a record", || self.db().insert(key, value))?;
        self.account.add(key, value);
        self.account.take(key, before.as_deref());
        Ok(before)
    }

    fn raw_delete(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        let before = guard::call("delete a record", || self.db().remove(key))?;
        self.account.take(key, before.as_deref());
        Ok(before)
    }

    /// Brings everything to the device.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        let syncs = self.account.syncs() + 1;
        self.account.set_syncs(syncs);
        let state = self.account.to_state();
        guard::call("write the store's state", || self.db().insert(STATE, &state))?;
        self.flush()?;
        self.account.end();
        self.mark.write(syncs)
    }

    /// What a sync is at heart. sled's `flush` returns when all of its writes have, and leaves the rest to the log.
    fn flush(&self) -> Result<(), StoreError> {
        guard::call("flush the log", || self.db().flush())?;
        self.log.sync()
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

/// How sled's snapshots are called, and how those end that it has not finished.
const SNAPSHOT: &str = "snap.";
const UNFINISHED: &str = ".generating";

/// Opens sled, also when it was closed a moment ago: its threads give its own lock back a little later, and that nobody
/// else has the store is known from ours.
///
/// A snapshot of sled's tables only spares it the reading of its log. One that it did not finish, because the device was
/// full or a crash came, keeps it from opening, so it goes; and where sled cannot open, the others go too, and it is tried
/// with the log alone. What comes of that is compared with the account of all that was written.
fn open_sled(path: &Path, config: &sled::Config) -> Result<sled::Db, StoreError> {
    remove_snapshots(path, |name| name.ends_with(UNFINISHED))?;
    match try_sled(path, config) {
        Err(error) if matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Panicked) => {
            remove_snapshots(path, |_| true)?;
            try_sled(path, config)
        }
        opened => opened,
    }
}

/// Removes those snapshots of sled's that `goes` names.
fn remove_snapshots(path: &Path, goes: impl Fn(&str) -> bool) -> Result<(), StoreError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("list", path, error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| failed("list", path, error))?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(SNAPSHOT) && goes(name)) {
            fs::remove_file(entry.path()).map_err(|error| failed("remove", &entry.path(), error))?;
        }
    }
    Ok(())
}

fn try_sled(path: &Path, config: &sled::Config) -> Result<sled::Db, StoreError> {
    let what = format!("open the database in {}", path.display());
    for _ in 1..LOCK_TRIES {
        match guard::call(&what, || config.open()) {
            Err(error) if error.kind() == ErrorKind::Locked => thread::sleep(LOCK_PAUSE),
            opened => return opened,
        }
    }
    guard::call(&what, || config.open())
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

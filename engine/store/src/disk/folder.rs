//! The directory of a store: its lock, its generations, and which one is in use.

use super::generation::{Generation, Trust};
use super::log;
use super::mark::{self, Mark};
use super::options::Options;
use crate::error::{ErrorKind, StoreError};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Held by the process that has the store open.
const LOCK: &str = "lock";
/// Names the generation in use.
const CURRENT: &str = "current";
/// What becomes [`CURRENT`].
const CURRENT_NEW: &str = "current.new";
/// What the directory of a generation is called, before its number.
const GENERATION: &str = "g-";
/// What a file system puts into a directory by itself.
const LOST_AND_FOUND: &str = "lost+found";

/// What tidingsd keeps beside the store.
const REVOCATIONS: &str = "revocations.jsonl";

/// How often a lock that somebody has is asked for again, and how long lies between: a process that was killed gives it
/// back at once, one that shuts down needs a moment.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// An open directory.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
    /// The generation in use.
    number: u64,
    retired: Vec<JoinHandle<()>>,
}

impl Folder {
    /// Opens the directory and the generation in use. A missing or empty directory becomes a new store.
    pub(crate) fn open(path: &Path, options: &Options, trust: Trust) -> Result<(Self, Generation), StoreError> {
        make(path)?;
        let listed = list(path)?;
        let lock = lock(path)?;
        let number = match read_current(path)? {
            Some(number) => number,
            None => begin(path, &listed, options)?,
        };
        let folder = Self { path: path.to_owned(), _lock: lock, number, retired: Vec::new() };
        let current = folder.generation(number);
        let log = current.join(log::NAME);
        if !log.is_file() {
            let what = format!("{} is missing, and {CURRENT} names it", log.display());
            return Err(StoreError::new(ErrorKind::Damaged, what));
        }
        let generation = Generation::open(&current, options, trust)?;
        folder.remove_others();
        Ok((folder, generation))
    }

    /// Fails when there is no store in the directory.
    pub(crate) fn expect(path: &Path) -> Result<(), StoreError> {
        if path.is_dir() {
            list(path)?;
        }
        if names(path).is_ok_and(|names| names.iter().any(|name| is_own(name))) {
            return Ok(());
        }
        Err(StoreError::new(ErrorKind::NotAStore, format!("there is no store in {}", path.display())))
    }

    /// The directory of a generation.
    fn generation(&self, number: u64) -> PathBuf {
        self.path.join(format!("{GENERATION}{number}"))
    }

    /// Makes the generation behind the one in use, empty. It is in use after [`switch`](Self::switch).
    pub(crate) fn make_next(&self, options: &Options) -> Result<Generation, StoreError> {
        let path = self.generation(self.number + 1);
        remove(&path)?;
        let next = Generation::open(&path, options, Trust::Whole)?;
        sync(&self.path)?;
        Ok(next)
    }

    /// Takes the generation that was made last, whose records are on the device, into use.
    pub(crate) fn switch(&mut self, next: &Generation) -> Result<(), StoreError> {
        let number = self.number + 1;
        debug_assert_eq!(next.path(), self.generation(number), "one is made at a time");
        write_current(&self.path, number)?;
        self.number = number;
        Ok(())
    }

    /// Removes the generation that was in use before, and closes it when nobody reads it any more. In a thread: it takes
    /// as long as its file is large.
    pub(crate) fn retire(&mut self, old: Arc<Generation>) {
        self.retired.retain(|thread| !thread.is_finished());
        let work = move || {
            // What stays is removed when the store is opened next.
            let _ = remove(old.path());
            drop(old);
        };
        if let Ok(thread) = thread::Builder::new().name("store-retire".into()).spawn(work) {
            self.retired.push(thread);
        }
    }

    /// Removes what a copy or a switch that was cut short left behind.
    fn remove_others(&self) {
        let Ok(names) = names(&self.path) else { return };
        for name in names {
            let is_other = number(&name).is_some_and(|number| number != self.number);
            if is_other || name == CURRENT_NEW {
                // It costs space alone, and is tried again with the next start.
                let _ = remove(&self.path.join(name));
            }
        }
    }

    /// Bytes that the directory takes on the device.
    pub(crate) fn bytes_on_disk(&self) -> Result<u64, StoreError> {
        bytes_below(&self.path).map_err(|error| failed("add up", &self.path, error))
    }

    /// Bytes that are left on the device for this process.
    pub(crate) fn room(&self) -> Result<u64, StoreError> {
        let told = rustix::fs::statvfs(&self.path);
        let told = told.map_err(|error| failed("ask for the room of", &self.path, error.into()))?;
        Ok(told.f_bavail.saturating_mul(told.f_frsize))
    }

    /// Fails when less than `bytes_min` are left.
    pub(crate) fn check_room(&self, bytes_min: u64) -> Result<(), StoreError> {
        let room = self.room()?;
        if room < bytes_min {
            let path = self.path.display();
            let what = format!("the device of {path} has {room} bytes left, and a store needs {bytes_min}");
            return Err(StoreError::new(ErrorKind::Full, what));
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for thread in self.retired.drain(..) {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

/// Makes the directory if it is missing, and its name permanent.
fn make(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    if path.exists() {
        return Err(StoreError::new(ErrorKind::NotAStore, format!("{} is not a directory", path.display())));
    }
    fs::create_dir_all(path).map_err(|error| failed("make the directory", path, error))?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync(parent),
        _ => sync(Path::new(".")),
    }
}

/// The names in the directory, if they can be a store's.
fn list(path: &Path) -> Result<Vec<String>, StoreError> {
    let listed = names(path).map_err(|error| failed("list", path, error))?;
    let foreign = listed.iter().find(|name| !is_beside(name));
    if let Some(foreign) = foreign
        && !listed.iter().any(|name| is_own(name))
    {
        let what = format!("{} holds {foreign:?} and no store", path.display());
        return Err(StoreError::new(ErrorKind::NotAStore, what));
    }
    Ok(listed)
}

fn is_own(name: &str) -> bool {
    [LOCK, CURRENT, CURRENT_NEW].contains(&name) || number(name).is_some()
}

/// Whether it may stand beside a store, and is none.
fn is_beside(name: &str) -> bool {
    [LOST_AND_FOUND, REVOCATIONS].contains(&name)
}

fn number(name: &str) -> Option<u64> {
    name.strip_prefix(GENERATION)?.parse().ok()
}

fn names(path: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Names in the directory that are not a store's.
pub(crate) fn foreign(path: &Path) -> Result<Vec<String>, StoreError> {
    let mut names = names(path).map_err(|error| failed("list", path, error))?;
    names.retain(|name| !is_own(name) && !is_beside(name));
    names.sort();
    Ok(names)
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let name = path.join(LOCK);
    let open = File::options().write(true).create(true).truncate(false).open(&name);
    let file = open.map_err(|error| failed("open the lock of", path, error))?;
    for tried in 1.. {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if tried < LOCK_TRIES => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => {
                let what = format!("another process has the store in {}", path.display());
                return Err(StoreError::new(ErrorKind::Locked, what));
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", path, error)),
        }
    }
    Ok(file)
}

/// Makes the first generation. Left-overs of a beginning that was cut short are removed; nothing was ever stored in them.
fn begin(path: &Path, listed: &[String], options: &Options) -> Result<u64, StoreError> {
    const FIRST: u64 = 1;
    let first = path.join(format!("{GENERATION}{FIRST}"));
    let is_left_over = |number| number == FIRST && marked(&first) == 0;
    if listed.iter().filter_map(|name| number(name)).any(|number| !is_left_over(number)) {
        let what = format!(
            "{} is missing, which names the database in use, and there is one (if there is one alone, write its name into \
             that file)",
            path.join(CURRENT).display()
        );
        return Err(StoreError::new(ErrorKind::Damaged, what));
    }
    remove(&first)?;
    drop(Generation::open(&first, options, Trust::Whole)?);
    write_current(path, FIRST)?;
    Ok(FIRST)
}

/// How many syncs the mark in a generation tells of.
fn marked(generation: &Path) -> u64 {
    if !generation.join(mark::NAME).is_file() {
        return 0;
    }
    Mark::open(generation).map_or(0, |(_, syncs)| syncs)
}

fn read_current(path: &Path) -> Result<Option<u64>, StoreError> {
    let file = path.join(CURRENT);
    let text = match fs::read(&file) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", &file, error)),
    };
    match number(text.trim()) {
        Some(number) => Ok(Some(number)),
        None => Err(StoreError::new(ErrorKind::Damaged, format!("{} names no database", file.display()))),
    }
}

/// Names a generation, at once: a crash leaves the name before or this one.
fn write_current(path: &Path, number: u64) -> Result<(), StoreError> {
    let (new, file) = (path.join(CURRENT_NEW), path.join(CURRENT));
    let write = || {
        let mut out = File::create(&new)?;
        writeln!(out, "{GENERATION}{number}")?;
        out.sync_all()?;
        fs::rename(&new, &file)
    };
    write().map_err(|error| failed("write", &file, error))?;
    sync(path)
}

fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| failed("sync", path, error))
}

/// Removes a file or a directory with all that is in it, if it is there.
fn remove(path: &Path) -> Result<(), StoreError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path, error)),
        _ => Ok(()),
    }
}

fn bytes_below(path: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let about = match entry.metadata() {
            Ok(about) => about,
            // It was removed since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        bytes += if about.is_dir() { bytes_below(&entry.path()).unwrap_or(0) } else { about.blocks() * 512 };
    }
    Ok(bytes)
}

fn failed(what: &str, path: &Path, error: io::Error) -> StoreError {
    StoreError::io(format!("could not {what} {}", path.display()), error)
}

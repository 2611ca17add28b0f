//! The file that sled writes its log to, and what sled leaves to others: that what it has written is on the device.

use crate::error::StoreError;
use rustix::fs::{Advice, fadvise};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What sled calls its log.
pub(crate) const NAME: &str = "db";
/// How far the file is made longer than what is in it, and with how much left of that it is done again.
const AHEAD_BYTES: u64 = 2 << 20;
const AHEAD_BYTES_MIN: u64 = 1 << 20;
/// What is allocated to make it longer: one block of most file systems.
const BLOCK_BYTES: u64 = 4 << 10;
/// What `st_blocks` counts, whatever the file system's blocks are.
const BLOCKS_UNIT_BYTES: u64 = 512;

/// The log of an open database.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    writes: Writes,
}

/// How far each write has come when it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writes {
    /// To the device, and behind a barrier.
    Synced,
    /// To the device, as far as the file system can be believed.
    Ordered,
    /// To the operating system.
    Loose,
}

impl Log {
    /// Opens the log in a generation's directory, or makes both, before sled does.
    pub(crate) fn open(generation: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(generation).map_err(|error| failed("make", generation, error))?;
        let path = generation.join(NAME);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| failed("open", &path, error))?;
        forget_pages(&file).map_err(|error| failed("sync", &path, error))?;
        let writes = make_synchronous(&file);
        Ok(Self { path, file, writes })
    }

    /// Whether each of sled's own writes is on the device before sled goes on.
    pub(crate) fn is_synchronous(&self) -> bool {
        self.writes != Writes::Loose
    }

    /// Its length.
    pub(crate) fn bytes(&self) -> Result<u64, StoreError> {
        let log = self.file.metadata().map_err(|error| failed("look at", &self.path, error))?;
        Ok(log.len())
    }

    /// Returns when all that sled has written is on the device.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        if self.writes != Writes::Synced {
            self.file.sync_data().map_err(|error| failed("sync", &self.path, error))?;
        }
        self.reach_ahead();
        Ok(())
    }

    /// Makes the file longer before sled does: a write that makes it longer costs a second barrier, for the journal of the
    /// file system. What lies ahead reads as zeros, which is what sled fills segments with that are free.
    ///
    /// The file is made longer by a block at its new end, which shortens nothing and overwrites nothing, whatever sled
    /// writes meanwhile. Where that does not work, it is as long as what is in it.
    fn reach_ahead(&self) {
        #[cfg(target_os = "linux")]
        if let Ok(log) = self.file.metadata()
            && log.len() < log.blocks() * BLOCKS_UNIT_BYTES + AHEAD_BYTES_MIN
        {
            let last = log.len() + AHEAD_BYTES - BLOCK_BYTES;
            let _ = rustix::fs::fallocate(&self.file, rustix::fs::FallocateFlags::empty(), last, BLOCK_BYTES);
        }
    }
}

/// Makes the operating system read the log from the device, not from pages that it failed to write: after a failed sync
/// those count as good to it.
fn forget_pages(log: &File) -> io::Result<()> {
    // What can be written is written first. sled notes down what it recovers, so it must be there to stay.
    log.sync_data()?;
    // A file system that does not know the advice keeps no such pages.
    let _ = fadvise(log, 0, None, Advice::DontNeed);
    Ok(())
}

/// Makes every write to the log one that returns when it is on the device, where the file system has such a thing.
///
/// sled takes what it has written with `sync_file_range` for stable and puts new segments in the place of old ones, behind
/// which no barrier lies on Linux. A sync of our own comes later: a loss of power between the two can leave neither the old
/// nor the new one, and a log that does not open, which 6 of 364 simulated power cuts did.
///
/// Such a write is one with an fdatasync behind it, where the file system keeps to what the attribute says. Some take the
/// attribute and hand the file to somebody else, so it is believed of those alone of which it was seen.
#[cfg(target_os = "linux")]
fn make_synchronous(log: &File) -> Writes {
    use rustix::fs::{IFlags, fstatfs, ioctl_getflags, ioctl_setflags};
    /// Of ext2, ext3 and ext4, and of XFS.
    const BELIEVED: [u64; 2] = [0xef53, 0x5846_5342];

    if cfg!(feature = "skip-sync") {
        return Writes::Synced;
    }
    if ioctl_getflags(log).and_then(|flags| ioctl_setflags(log, flags | IFlags::SYNC)).is_err() {
        return Writes::Loose;
    }
    let kind = fstatfs(log).ok().and_then(|told| u64::try_from(told.f_type).ok());
    if kind.is_some_and(|kind| BELIEVED.contains(&kind)) { Writes::Synced } else { Writes::Ordered }
}

/// Elsewhere sled itself waits for the device.
#[cfg(not(target_os = "linux"))]
fn make_synchronous(_: &File) -> Writes {
    if cfg!(feature = "skip-sync") { Writes::Synced } else { Writes::Ordered }
}

fn failed(what: &str, path: &Path, error: io::Error) -> StoreError {
    StoreError::io(format!("could not {what} {}", path.display()), error)
}

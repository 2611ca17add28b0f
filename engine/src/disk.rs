//! The store of a running engine: which archive is open, and how it is opened afresh after it failed.

use crate::cell::Cell;
use crate::sync::{lock, read_lock, write_lock};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use tidings_core::stream::Origin;
use tidings_proto::id::Epoch;
use tidings_proto::kept::{Edge, Kind};
use tidings_store::archive::{Archive, Page};
use tidings_store::error::{ErrorKind, StoreError};
use tidings_store::store::Store;

/// Opens the store, at the start and after it failed.
pub(crate) type Opener = Box<dyn Fn() -> Result<Arc<dyn Store>, StoreError> + Send + Sync>;

/// The store.
pub(crate) struct Disk {
    opener: Opener,
    /// `None` while it is being opened afresh: the old one must be gone before. Locked for reading as long as something
    /// is done with it, so that whoever closes it knows that nobody holds it any more.
    archive: RwLock<Option<Archive>>,
    seed: u64,
    /// Streams of which something was written that no barrier came behind, when the store failed. What is read of them
    /// before it is open again may never have been.
    doubtful: Mutex<HashSet<(Kind, Arc<str>)>>,
    /// The lowest number of a stream that no archive has given out so far, known when one is closed.
    numbers: AtomicU64,
}

impl Disk {
    /// Opens the store. `seed` is random.
    pub(crate) fn open(opener: Opener, seed: u64) -> Result<Self, StoreError> {
        let archive = Archive::open(opener()?, seed)?;
        // What is there may be there without a barrier, left by a process that was killed.
        archive.sync()?;
        Ok(Self {
            opener,
            archive: RwLock::new(Some(archive)),
            seed,
            doubtful: Mutex::default(),
            numbers: AtomicU64::new(0),
        })
    }

    /// Does something with the archive. Nothing that waits for another thread.
    ///
    /// # Errors
    /// Its own, or that the store is being opened afresh.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&Archive) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match &*read_lock(&self.archive) {
            Some(archive) => work(archive),
            None => Err(StoreError::new(ErrorKind::Poisoned, "the store has failed and is being opened afresh")),
        }
    }

    /// The store has failed while something of a stream was on its way.
    pub(crate) fn doubt(&self, cell: &Cell) {
        lock(&self.doubtful).insert((cell.kind(), Arc::clone(cell.shared_name())));
    }

    /// Closes the archive and opens it again, as soon as that can be of use: until then what it has is read.
    pub(crate) fn reopen(&self) -> Result<(), StoreError> {
        if let Some(archive) = &*read_lock(&self.archive) {
            archive.can_be_reopened()?;
        }
        self.close();
        let archive = Archive::open((self.opener)()?, self.seed)?;
        // Numbers that streams in memory have, and of which nothing was written, are not on disk.
        let numbers = self.numbers.load(Ordering::Relaxed);
        while archive.new_stream() < numbers {}
        // What is there may be there without a barrier.
        archive.sync()?;
        lock(&self.doubtful).clear();
        *write_lock(&self.archive) = Some(archive);
        Ok(())
    }

    /// Closes it.
    pub(crate) fn close(&self) {
        let archive = write_lock(&self.archive).take();
        if let Some(archive) = archive {
            self.numbers.store(archive.new_stream(), Ordering::Relaxed);
        }
    }

    /// A stream as it stands on disk. One whose head is damaged begins anew: whoever has a position in the old one is
    /// told that what it counted is gone.
    pub(crate) fn origin(&self, kind: Kind, name: &str, chance: u64) -> Result<Origin, StoreError> {
        self.check_certain(kind, name)?;
        self.with(|archive| match archive.load(kind, name) {
            Ok(Some(kept)) => Ok(Origin::Found(kept)),
            Ok(None) => Ok(Origin::New { epoch: epoch(archive.id(), kind, name), stream: archive.new_stream() }),
            Err(error) if error.kind() == ErrorKind::Damaged => {
                tracing::error!(%error, ?kind, "a stream begins anew, because what was on disk of it cannot be read");
                Ok(Origin::New { epoch: Epoch(chance), stream: archive.new_stream() })
            }
            Err(error) => Err(error),
        })
    }

    /// The same for a look alone: nothing begins, so no number is given out.
    pub(crate) fn look(&self, kind: Kind, name: &str) -> Result<Origin, StoreError> {
        self.check_certain(kind, name)?;
        self.with(|archive| {
            let new = || Origin::New { epoch: epoch(archive.id(), kind, name), stream: 0 };
            Ok(archive.load(kind, name)?.map_or_else(new, Origin::Found))
        })
    }

    fn check_certain(&self, kind: Kind, name: &str) -> Result<(), StoreError> {
        let doubtful = lock(&self.doubtful);
        if !doubtful.is_empty() && doubtful.contains(&(kind, Arc::from(name))) {
            return Err(StoreError::new(ErrorKind::Poisoned, "the store failed while this stream was written"));
        }
        Ok(())
    }

    /// Entries of a stream.
    pub(crate) fn page(&self, stream: u64, from: u64, to: u64, bytes_max: usize) -> Result<Page, StoreError> {
        self.with(|archive| archive.page(stream, from, to, bytes_max))
    }

    /// The first entry of a stream at or behind an offset. One that cannot be read now is not let go now.
    pub(crate) fn edge(&self, stream: u64, from: u64) -> Option<Edge> {
        self.with(|archive| archive.edge(stream, from)).ok().flatten()
    }
}

/// The epoch of a stream of which nothing is on disk: the same each time, so that a position in it stays good, and another
/// in each store. FNV-1a over the name, mixed with the store's id, which is random.
fn epoch(store: u64, kind: Kind, name: &str) -> Epoch {
    let begin = store ^ 0xcbf2_9ce4_8422_2325 ^ kind as u64;
    let hash = name.bytes().fold(begin, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    Epoch(crate::random::mix(hash))
}

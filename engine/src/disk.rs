//! The store of a running engine: which archive is open, and how it is opened afresh after it failed.

use crate::sync::{read_lock, write_lock};
use std::sync::{Arc, RwLock};
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
    /// `None` while it is being opened afresh: the old one must be gone before.
    archive: RwLock<Option<Arc<Archive>>>,
    seed: u64,
}

impl Disk {
    /// Opens the store. `seed` is random.
    pub(crate) fn open(opener: Opener, seed: u64) -> Result<Self, StoreError> {
        let archive = Archive::open(opener()?, seed)?;
        Ok(Self { opener, archive: RwLock::new(Some(Arc::new(archive))), seed })
    }

    /// The archive.
    ///
    /// # Errors
    /// It is being opened afresh.
    pub(crate) fn archive(&self) -> Result<Arc<Archive>, StoreError> {
        let archive = read_lock(&self.archive).clone();
        archive.ok_or_else(|| StoreError::new(ErrorKind::Poisoned, "the store has failed and is being opened afresh"))
    }

    /// Closes the archive and opens it again.
    pub(crate) fn reopen(&self) -> Result<(), StoreError> {
        // Readers hold it for the time of one page; until the last of them is done, the store says that it is locked.
        drop(write_lock(&self.archive).take());
        let archive = Archive::open((self.opener)()?, self.seed)?;
        *write_lock(&self.archive) = Some(Arc::new(archive));
        Ok(())
    }

    /// Closes it.
    pub(crate) fn close(&self) {
        drop(write_lock(&self.archive).take());
    }

    /// A stream as it stands on disk. One whose head is damaged begins anew: whoever has a position in the old one is
    /// told that what it counted is gone.
    pub(crate) fn origin(&self, kind: Kind, name: &str, chance: u64) -> Result<Origin, StoreError> {
        let archive = self.archive()?;
        match archive.load(kind, name) {
            Ok(Some(kept)) => Ok(Origin::Found(kept)),
            Ok(None) => Ok(Origin::New { epoch: epoch(archive.id(), kind, name), stream: archive.new_stream() }),
            Err(error) if error.kind() == ErrorKind::Damaged => {
                tracing::error!(%error, ?kind, "a stream begins anew, because what was on disk of it cannot be read");
                Ok(Origin::New { epoch: Epoch(chance), stream: archive.new_stream() })
            }
            Err(error) => Err(error),
        }
    }

    /// Entries of a stream.
    pub(crate) fn page(&self, stream: u64, from: u64, to: u64, bytes_max: usize) -> Result<Page, StoreError> {
        self.archive()?.page(stream, from, to, bytes_max)
    }

    /// The first entry of a stream at or behind an offset. One that cannot be read now is not let go now.
    pub(crate) fn edge(&self, stream: u64, from: u64) -> Option<Edge> {
        self.archive().and_then(|archive| archive.edge(stream, from)).ok().flatten()
    }
}

/// The epoch of a stream of which nothing is on disk: the same each time, so that a position in it stays good, and another
/// in each store. FNV-1a over the name, mixed with the store's id, which is random.
fn epoch(store: u64, kind: Kind, name: &str) -> Epoch {
    let begin = store ^ 0xcbf2_9ce4_8422_2325 ^ kind as u64;
    let hash = name.bytes().fold(begin, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    Epoch(crate::random::mix(hash))
}

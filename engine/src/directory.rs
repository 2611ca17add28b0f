//! Names to cells. One directory for channels, one for users' inboxes. No guard of the map leaves this file.

use crate::cell::Cell;
use crate::outbox::Outbox;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tidings_core::stream::Stream;
use tidings_proto::kept::Kind;

/// How many groups of names count apart what was taken out.
const GROUPS: usize = 64;

/// A map from names to cells with a limit.
pub(crate) struct Directory {
    cells: DashMap<Arc<str>, Arc<Cell>>,
    kind: Kind,
    count: AtomicUsize,
    cells_max: usize,
    /// How many cells were ever taken out, of each group of names: what was loaded for a new one is stale when this has
    /// risen since.
    removals: [AtomicU64; GROUPS],
}

/// Why a cell was not added.
pub(crate) enum NotAdded {
    /// There are as many as there may be.
    Full,
    /// A cell of its group was taken out since the caller looked, perhaps this one: load again.
    Stale,
}

impl Directory {
    pub(crate) fn new(kind: Kind, cells_max: usize) -> Self {
        let removals = [const { AtomicU64::new(0) }; GROUPS];
        Self { cells: DashMap::new(), kind, count: AtomicUsize::new(0), cells_max, removals }
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Cell>> {
        self.cells.get(name).map(|cell| Arc::clone(&cell))
    }

    /// To be read before what a new cell is made of.
    pub(crate) fn removals(&self, name: &str) -> u64 {
        self.removals_of(name).load(Ordering::Acquire)
    }

    fn removals_of(&self, name: &str) -> &AtomicU64 {
        let hash = self.cells.hasher().hash_one(name);
        &self.removals[usize::try_from(hash % GROUPS as u64).expect("below 64")]
    }

    /// The cell of a name, made by `make` if there is none and none of its group was taken out since
    /// `removals`. The flag tells whether it was made now.
    pub(crate) fn find_or_add(
        &self,
        name: &str,
        removals: u64,
        make: impl FnOnce() -> Stream<Arc<Outbox>>,
    ) -> Result<(Arc<Cell>, bool), NotAdded> {
        if self.count.load(Ordering::Relaxed) >= self.cells_max {
            return Err(NotAdded::Full);
        }
        match self.cells.entry(name.into()) {
            Entry::Occupied(cell) => Ok((Arc::clone(cell.get()), false)),
            Entry::Vacant(_) if self.removals(name) != removals => Err(NotAdded::Stale),
            Entry::Vacant(place) => {
                self.count.fetch_add(1, Ordering::Relaxed);
                let cell = Arc::new(Cell::new(place.key().clone(), self.kind, make()));
                Ok((Arc::clone(&place.insert(cell)), true))
            }
        }
    }

    /// Takes a cell out if it is in here and `vacant` says so. Returns whether it was taken out.
    pub(crate) fn remove_if(&self, cell: &Arc<Cell>, vacant: impl FnOnce(&mut Stream<Arc<Outbox>>) -> bool) -> bool {
        let name = cell.shared_name();
        let removed = self.cells.remove_if(name, |_, found| {
            let removed = Arc::ptr_eq(found, cell) && cell.retire_if(vacant);
            // Under the guard of the name: who finds it vacant afterwards sees that the number has risen.
            self.removals_of(name).fetch_add(u64::from(removed), Ordering::AcqRel);
            removed
        });
        if removed.is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        removed.is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// All cells of this moment.
    pub(crate) fn all(&self) -> Vec<Arc<Cell>> {
        self.cells.iter().map(|cell| Arc::clone(cell.value())).collect()
    }
}

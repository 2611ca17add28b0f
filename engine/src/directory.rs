//! Names to cells. One directory for channels, one for users' inboxes. No guard of the map leaves this file.

use crate::cell::Cell;
use crate::outbox::Outbox;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tidings_core::stream::Stream;

/// A map from names to cells with a limit.
pub(crate) struct Directory {
    cells: DashMap<Arc<str>, Arc<Cell>>,
    count: AtomicUsize,
    cells_max: usize,
}

impl Directory {
    pub(crate) fn new(cells_max: usize) -> Self {
        Self { cells: DashMap::new(), count: AtomicUsize::new(0), cells_max }
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Cell>> {
        self.cells.get(name).map(|cell| Arc::clone(&cell))
    }

    /// The cell of a name, made by `make` if there is none. `None` when the directory is full. The flag tells whether
    /// it was made now.
    pub(crate) fn find_or_add(
        &self,
        name: &str,
        make: impl FnOnce() -> Stream<Arc<Outbox>>,
    ) -> Option<(Arc<Cell>, bool)> {
        if let Some(cell) = self.find(name) {
            return Some((cell, false));
        }
        if self.count.load(Ordering::Relaxed) >= self.cells_max {
            return None;
        }
        match self.cells.entry(name.into()) {
            Entry::Occupied(cell) => Some((Arc::clone(cell.get()), false)),
            Entry::Vacant(place) => {
                self.count.fetch_add(1, Ordering::Relaxed);
                let cell = Arc::new(Cell::new(place.key().clone(), make()));
                Some((Arc::clone(&place.insert(cell)), true))
            }
        }
    }

    /// Takes a cell out if it is in here and `vacant` says so. Returns whether it was taken out.
    pub(crate) fn remove_if(&self, cell: &Arc<Cell>, vacant: impl FnOnce(&mut Stream<Arc<Outbox>>) -> bool) -> bool {
        let name = cell.shared_name();
        let removed = self.cells.remove_if(name, |_, found| Arc::ptr_eq(found, cell) && cell.retire_if(vacant));
        if removed.is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        removed.is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

//! Sets of rights that sessions share. Tokens of one kind carry the same rights, so thousands of sessions need one.

use crate::sync::lock;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use tidings_core::grants::Grants;

/// Most sets that are remembered. Rights beyond it are not shared, at their own cost in memory.
const GRANT_SETS_MAX: usize = 1_024;

/// The sets in use.
#[derive(Default)]
pub(crate) struct GrantSets {
    known: Mutex<HashSet<Arc<Grants>>>,
    nobody: Arc<Grants>,
}

impl GrantSets {
    /// No rights at all.
    pub(crate) fn nobody(&self) -> Arc<Grants> {
        Arc::clone(&self.nobody)
    }

    /// The same rights, shared with other sessions that have them.
    pub(crate) fn share(&self, grants: Grants) -> Arc<Grants> {
        let mut known = lock(&self.known);
        if let Some(shared) = known.get(&grants) {
            return Arc::clone(shared);
        }
        if known.len() >= GRANT_SETS_MAX {
            known.retain(|set| Arc::strong_count(set) > 1);
        }
        let grants = Arc::new(grants);
        if known.len() < GRANT_SETS_MAX {
            known.insert(Arc::clone(&grants));
        }
        grants
    }
}

//! One payload for many inboxes, on disk once.

use crate::waiting::Waiting;
use std::sync::atomic::{AtomicU64, Ordering};
use tidings_proto::payload::Data;
use tidings_store::op::Op;

/// A payload that entries of several streams refer to.
pub(crate) struct Share {
    id: u64,
    refs: u32,
    data: Data,
    /// Since which opening of the store it is on its way there; 0 for not yet.
    opening: AtomicU64,
}

impl Share {
    /// `refs` is how many entries will refer to it at most.
    pub(crate) const fn new(id: u64, refs: u32, data: Data) -> Self {
        Self { id, refs, data, opening: AtomicU64::new(0) }
    }

    /// Has it written before the first entry that refers to it, and again if the store has failed since: it may not have
    /// come to the disk. Returns its id.
    pub(crate) fn queue(&self, waiting: &mut Waiting) -> u64 {
        if self.opening.swap(waiting.opening, Ordering::Relaxed) != waiting.opening {
            waiting.ops.push(self.op(self.refs));
        }
        self.id
    }

    /// Fewer refer to it than were to: else it would stay when the last of them is gone. Those that are gone already keep
    /// it on disk until the store is compacted.
    pub(crate) fn lower(&self, refs: u32, waiting: &mut Waiting) {
        if self.opening.load(Ordering::Relaxed) == waiting.opening {
            waiting.ops.push(self.op(refs));
        }
    }

    fn op(&self, refs: u32) -> Op {
        Op::Share { id: self.id, refs, data: self.data.clone() }
    }
}

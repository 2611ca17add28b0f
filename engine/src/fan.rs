//! Where streams deliver to: outboxes, and a list of those that must be flushed afterwards.

use crate::outbox::{Outbox, OutboxLimits, Pushed};
use bytes::Bytes;
use std::sync::Arc;
use tidings_core::stream::{Delivery, Effects};

/// Collects what a batch of work does to outboxes.
pub(crate) struct Fan {
    limits: OutboxLimits,
    /// To be flushed once nothing is locked.
    pub(crate) dirty: Vec<Arc<Outbox>>,
    /// Connections that have no room for an answer: they ask without reading.
    pub(crate) unanswered: Vec<Arc<Outbox>>,
    pub(crate) delivered: u64,
    pub(crate) skipped: u64,
    /// How often an outbox had no room.
    pub(crate) full: u64,
}

impl Fan {
    pub(crate) const fn new(limits: OutboxLimits) -> Self {
        Self { limits, dirty: Vec::new(), unanswered: Vec::new(), delivered: 0, skipped: 0, full: 0 }
    }

    /// Enqueues frames for one connection.
    pub(crate) fn push(&mut self, to: &Arc<Outbox>, frames: Bytes) -> Delivery {
        self.push_within(to, frames, self.limits)
    }

    fn push_within(&mut self, to: &Arc<Outbox>, frames: Bytes, limits: OutboxLimits) -> Delivery {
        match to.push(frames, limits) {
            Pushed::Waiting => {}
            Pushed::Dirty => self.dirty.push(Arc::clone(to)),
            Pushed::Full => {
                self.full += 1;
                return Delivery::Full;
            }
        }
        Delivery::Taken
    }

    /// Enqueues answers. They have as much room again as entries have, so that one who is being brought forward is still
    /// answered.
    pub(crate) fn reply(&mut self, to: &Arc<Outbox>, frames: Bytes) -> Delivery {
        let OutboxLimits { bytes_max, pieces_max } = self.limits;
        let limits = OutboxLimits { bytes_max: bytes_max.saturating_mul(2), pieces_max: pieces_max.saturating_mul(2) };
        self.push_within(to, frames, limits)
    }

    /// Enqueues the last frames of a connection.
    pub(crate) fn push_last(&mut self, to: &Arc<Outbox>, frames: Bytes, at_once: bool) {
        if to.push_last(frames, at_once) == Pushed::Dirty {
            self.dirty.push(Arc::clone(to));
        }
    }
}

impl Effects<Arc<Outbox>> for Fan {
    fn deliver(&mut self, to: &Arc<Outbox>, frames: &Bytes, entries: u64) -> Delivery {
        let delivery = self.push(to, frames.clone());
        if delivery == Delivery::Taken {
            self.delivered += entries;
        }
        delivery
    }

    fn skipped(&mut self, entries: u64) {
        self.skipped += entries;
    }
}

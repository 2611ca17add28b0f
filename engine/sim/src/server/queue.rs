//! What waits for the disk.

use crate::name::{ConnId, StreamName};
use std::collections::BTreeSet;
use std::sync::Arc;
use tidings_proto::frame::{Published, Sent, ServerFrame};
use tidings_store::op::Op;

/// The answer to a publication.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Told {
    Published(Published),
    Sent(Sent),
}

impl Told {
    pub(crate) const fn frame(self) -> ServerFrame<'static> {
        match self {
            Self::Published(published) => ServerFrame::Published(published),
            Self::Sent(sent) => ServerFrame::Sent(sent),
        }
    }
}

/// Who hears when it is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hearer {
    pub(crate) conn: ConnId,
    pub(crate) id: u64,
    pub(crate) told: Told,
}

/// One publication, or one upkeep of a stream, on its way to the disk.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) stream: StreamName,
    pub(crate) ops: Vec<Op>,
    /// Everything up to this offset is stored with it; 0 for upkeep.
    pub(crate) up_to: u64,
    pub(crate) hearer: Option<Hearer>,
    /// The publisher and its idempotency key.
    pub(crate) key: Option<(Arc<str>, Box<str>)>,
    pub(crate) bytes: usize,
}

/// Devices, and when they were seen.
pub(crate) type SeenDevices = Vec<(Box<str>, u64)>;

/// The queue, and what the committer has in hand.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) waiting: Vec<Job>,
    /// Written, and waiting for the sync.
    pub(crate) written: Option<Vec<Job>>,
    /// A commit is on its way.
    pub(crate) called: bool,
    pub(crate) failing: bool,
    /// Streams of which something was on its way when the store failed: what is read of them now may never have been.
    pub(crate) doubtful: BTreeSet<StreamName>,
    /// Heads of inboxes that no barrier has covered yet: the user, the devices, and when they were seen.
    pub(crate) heads: Vec<(Arc<str>, SeenDevices)>,
}

impl Queue {
    pub(crate) fn bytes(&self) -> usize {
        self.waiting.iter().chain(self.written.iter().flatten()).map(|job| job.bytes).sum()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.written.is_none() && !self.failing
    }
}

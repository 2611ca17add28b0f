//! What waits for the disk: what is to be written, and who hears of it.

use crate::cell::Cell;
use crate::outbox::Outbox;
use std::sync::Arc;
use tidings_proto::frame::{Published, Sent, ServerFrame};
use tidings_store::op::Op;
use tokio::sync::oneshot;

/// What a publication's failure is told as: whether it is on disk is not known.
pub(crate) const FAILED: &str = "the store failed before this was certainly on disk: try again, with an idempotency key \
                                 that keeps it from being delivered twice";

/// One publication on its way to the disk.
pub(crate) struct Landing {
    /// The stream that it stands in; `None` for one that stands there already, and waits for the same barrier.
    pub(crate) cell: Option<Arc<Cell>>,
    /// Its offset: everything up to it is stored with it.
    pub(crate) up_to: u64,
    pub(crate) hearer: Option<Hearer>,
    /// The publisher and its idempotency key.
    pub(crate) key: Option<(Option<Arc<str>>, Box<str>)>,
    /// What it counts for while it waits.
    pub(crate) bytes: usize,
}

/// The answer to a publication that is stored.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Published(Published),
    Sent(Sent),
}

impl Answer {
    pub(crate) const fn frame(self) -> ServerFrame<'static> {
        match self {
            Self::Published(published) => ServerFrame::Published(published),
            Self::Sent(sent) => ServerFrame::Sent(sent),
        }
    }
}

/// Who hears when it is stored.
pub(crate) enum Hearer {
    /// A session, if it gave an id; without one it hears of failures alone.
    Session { outbox: Arc<Outbox>, id: Option<u64>, answer: Answer },
    /// The host. What it is told when this is dropped is that the store failed.
    Host(oneshot::Sender<()>),
}

/// Why nothing is taken for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The store has failed and is not open again.
    Failing,
    /// As much waits as may.
    Busy,
}

/// What waits for the next barrier.
pub(crate) struct Waiting {
    pub(crate) ops: Vec<Op>,
    pub(crate) landings: Vec<Landing>,
    /// Streams of which something is among `ops` that waits for no barrier.
    pub(crate) upkeep: Vec<Arc<Cell>>,
    /// How often the store was opened, the first time included.
    pub(crate) opening: u64,
}

impl Waiting {
    pub(crate) const fn new(opening: u64) -> Self {
        Self { ops: Vec::new(), landings: Vec::new(), upkeep: Vec::new(), opening }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.landings.is_empty() && self.upkeep.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.landings.iter().map(|landing| landing.bytes).sum()
    }
}

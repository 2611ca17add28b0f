//! The streams in memory, by name.

use super::outbox::Member;
use crate::name::StreamName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidings_core::session::Channel;
use tidings_core::stream::{Slot, Stream};
use tidings_proto::id::{Position, StreamNumber};

/// How a session knows a stream.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    pub(crate) stream: StreamName,
    pub(crate) number: StreamNumber,
}

impl Channel for Handle {
    fn name(&self) -> &str {
        &self.stream.name
    }

    fn number(&self) -> StreamNumber {
        self.number
    }
}

/// One stream in memory.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) stream: Stream<Member>,
    /// Which time it was loaded: what was asked for an earlier one is not for this one.
    pub(crate) load: u64,
    /// Jobs for the disk that are not done.
    pub(crate) queued: usize,
    /// Members for whom a page is being read.
    pub(crate) reading: BTreeSet<Slot>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    pub(crate) map: BTreeMap<StreamName, Cell>,
    /// Where channels in memory stood that were dropped.
    pub(crate) forgotten: BTreeMap<Arc<str>, Position>,
}

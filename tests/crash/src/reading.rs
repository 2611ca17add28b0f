//! What a stream holds, as a subscriber or a device reads it after a crash.

use crate::history::Device;
use crate::publication::{Id, Stream};

/// One stream, read from as far back as the daemon gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Which stream.
    pub(crate) stream: Stream,
    /// The device that read an inbox.
    pub(crate) device: Option<Device>,
    /// The life of the stream that the offsets count in.
    pub(crate) epoch: u64,
    /// The offset behind which it was read: 0 for a channel, what the device acknowledged for an inbox.
    pub(crate) after: u64,
    /// The last offset, as the daemon told it before the first entry.
    pub(crate) last: u64,
    /// The entries in the order in which they came.
    pub(crate) entries: Vec<Entry>,
    /// What gaps told to be missing.
    pub(crate) gaps: Vec<Gap>,
}

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its place.
    pub(crate) offset: u64,
    /// The publication that its event names.
    pub(crate) id: Option<Id>,
    /// Whether its data and its publisher are those of that publication.
    pub(crate) is_intact: bool,
}

/// What a `gap` frame told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The first that is missing.
    pub(crate) from: u64,
    /// The last that is missing.
    pub(crate) to: u64,
    /// Why.
    pub(crate) reason: String,
}

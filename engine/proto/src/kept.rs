//! What is kept of a stream: its entries, in memory and on disk, and on disk the head that they belong to.

use crate::frame::EntryFrame;
use crate::id::{Epoch, StreamNumber};
use crate::payload::Data;
use std::sync::Arc;

/// What a record on disk counts for beside the texts of its entry, in bytes: its key, its numbers, its checksum.
pub const RECORD_OVERHEAD_BYTES: u64 = 64;

/// A kept entry. Its texts were checked when it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the stream.
    pub offset: u64,
    /// The event's name.
    pub event: Box<str>,
    /// The application's data.
    pub data: Data,
    /// Who published it; `None` is the host.
    pub from: Option<Arc<str>>,
    /// In class `latest`, which value it is.
    pub key: Option<Box<str>>,
    /// When the engine took it, in milliseconds since 1970.
    pub at: u64,
}

impl Entry {
    /// Bytes of its texts and data, without bookkeeping: what a bound in bytes counts.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        let from = self.from.as_ref().map_or(0, |from| from.len());
        let key = self.key.as_ref().map_or(0, |key| key.len());
        self.data.as_ref().bytes().len() + self.event.len() + from + key
    }

    /// What the entry counts for against a bound in bytes on disk.
    #[must_use]
    pub fn record_bytes(&self) -> u64 {
        self.text_bytes() as u64 + RECORD_OVERHEAD_BYTES
    }

    /// The entry as it is rendered.
    #[must_use]
    pub fn frame(&self, stream: StreamNumber) -> EntryFrame<'_> {
        EntryFrame {
            stream,
            offset: self.offset,
            event: &self.event,
            data: self.data.as_ref(),
            from: self.from.as_deref(),
            at: self.at,
        }
    }
}

/// What kind of stream it is. Names of different kinds do not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A channel, by its name.
    Channel,
    /// A user's inbox, by the user's id.
    Inbox,
}

/// What is known of a stream beside its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The number that its records on disk stand under; no other stream of the same store has had it.
    pub stream: u64,
    /// The life that its offsets count.
    pub epoch: Epoch,
    /// The first offset that is still kept: everything before it was acknowledged or has expired.
    pub floor: u64,
    /// The last offset when this head was written; entries behind it may have been written since.
    pub last: u64,
    /// Of an inbox: the user's devices.
    pub devices: Vec<Device>,
}

/// One device of a user, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The client's name for it; empty for all sessions that gave none.
    pub name: Box<str>,
    /// It has everything up to this offset.
    pub delivered: u64,
    /// Its user has read everything up to this offset.
    pub read: u64,
    /// When it was last connected, in milliseconds since 1970.
    pub seen_at: u64,
}

/// One end of a stream's kept entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The entry's place.
    pub offset: u64,
    /// When the engine took it, in milliseconds since 1970.
    pub at: u64,
    /// Its [`Entry::record_bytes`].
    pub bytes: u64,
    /// The bytes of all entries that the stream has ever had up to this one, this one included. The difference of two
    /// edges is what lies between them, without reading it.
    pub bytes_sum: u64,
}

/// A stream as it stands on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its head.
    pub head: Head,
    /// The oldest and the newest of its entries, if it has any.
    pub edges: Option<(Edge, Edge)>,
}

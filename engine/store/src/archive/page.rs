//! Entries that were read together.

use tidings_proto::kept::Entry;

/// Entries that were read together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// By rising offset.
    pub entries: Vec<Entry>,
    /// Offsets of entries among them that are there and cannot be read any more, rising.
    pub damaged: Vec<u64>,
    /// Everything up to this offset was looked at: what is in none of the two is not there.
    pub reached: u64,
}

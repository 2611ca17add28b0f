//! What a stream keeps in memory: the newest entries, bounded by count, bytes and age.

use crate::policy::Keep;
use crate::time::Instant;
use std::collections::VecDeque;
use std::sync::Arc;
use tidings_proto::frame::EntryFrame;
use tidings_proto::id::StreamNumber;
use tidings_proto::payload::Data;

/// One kept entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place in the stream.
    pub offset: u64,
    /// The event's name.
    pub event: Box<str>,
    /// The application's data.
    pub data: Data,
    /// Who published it.
    pub from: Option<Arc<str>>,
    /// In class `latest`, which value it is.
    pub key: Option<Box<str>>,
    /// When the engine took it, in milliseconds since 1970.
    pub at: u64,
    /// The same on the clock that does not step.
    pub taken: Instant,
}

/// What an entry costs beside its texts: the struct and the heads of three allocations.
const ENTRY_OVERHEAD_BYTES: usize = size_of::<Entry>() + 48;

impl Entry {
    /// What the entry counts for against [`Keep::bytes_max`].
    #[must_use]
    pub fn cost_bytes(&self) -> usize {
        let key = self.key.as_ref().map_or(0, |key| key.len());
        self.data.as_ref().bytes().len() + self.event.len() + key + ENTRY_OVERHEAD_BYTES
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

/// The kept entries of one stream, by rising offset.
#[derive(Debug, Default)]
pub struct History {
    entries: VecDeque<Entry>,
    bytes: usize,
    whole_from: u64,
}

impl History {
    /// Takes a new entry, which has the highest offset so far.
    pub fn push(&mut self, entry: Entry, keep: &Keep) {
        debug_assert!(self.entries.back().is_none_or(|last| last.offset < entry.offset));
        self.trim(keep, entry.taken);
        if self.whole_from == 0 {
            self.whole_from = entry.offset;
        }
        self.bytes += entry.cost_bytes();
        self.entries.push_back(entry);
        while self.entries.len() > keep.entries_max || self.bytes > keep.bytes_max {
            self.drop_oldest();
        }
    }

    /// Takes a new value in place of the older value with its key.
    pub fn replace(&mut self, entry: Entry, keep: &Keep) {
        if let Some(at) = self.entries.iter().position(|old| old.key == entry.key)
            && let Some(old) = self.entries.remove(at)
        {
            self.bytes -= old.cost_bytes();
        }
        self.push(entry, keep);
    }

    /// Drops what is too old.
    pub fn trim(&mut self, keep: &Keep, now: Instant) {
        while self.entries.front().is_some_and(|oldest| now.since_ms(oldest.taken) > keep.age_ms_max) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.entries.pop_front() {
            self.bytes -= oldest.cost_bytes();
            self.whole_from = oldest.offset + 1;
        }
        if self.entries.is_empty() {
            self.entries = VecDeque::new();
        }
    }

    /// The offset from which on nothing is missing but values that were replaced; 0 before the first entry.
    ///
    /// The oldest entry's offset does not tell it: what stood before that entry may have been dropped or replaced.
    #[must_use]
    pub const fn whole_from(&self) -> u64 {
        self.whole_from
    }

    /// Entries with at least this offset, in order.
    pub fn from(&self, offset: u64) -> impl Iterator<Item = &Entry> {
        let first = self.entries.partition_point(|entry| entry.offset < offset);
        self.entries.range(first..)
    }

    /// How many entries are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What they cost.
    #[must_use]
    pub const fn cost_bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests;

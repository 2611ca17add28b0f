//! What a stream keeps in memory: the newest entries, bounded by count, bytes and age.

use crate::policy::Keep;
use crate::time::Instant;
use std::collections::VecDeque;
use tidings_proto::kept::Entry;

/// One entry and when it came.
#[derive(Debug, Clone)]
struct Held {
    entry: Entry,
    taken: Instant,
}

/// What an entry costs beside its texts: the struct and the heads of three allocations.
const ENTRY_OVERHEAD_BYTES: usize = size_of::<Held>() + 48;

/// What an entry counts for against [`Keep::bytes_max`].
#[must_use]
pub fn cost_bytes(entry: &Entry) -> usize {
    entry.text_bytes() + ENTRY_OVERHEAD_BYTES
}

/// The kept entries of one stream, by rising offset.
#[derive(Debug, Default)]
pub struct History {
    entries: VecDeque<Held>,
    bytes: usize,
    whole_from: u64,
}

impl History {
    /// Takes a new entry, which has the highest offset so far and came at `taken`.
    pub fn push(&mut self, entry: Entry, taken: Instant, keep: &Keep) {
        self.trim(keep, taken);
        self.add(entry, taken);
        while self.is_above(keep) {
            self.drop_oldest();
        }
    }

    /// Takes a new entry and drops nothing for it.
    pub fn add(&mut self, entry: Entry, taken: Instant) {
        debug_assert!(self.entries.back().is_none_or(|last| last.entry.offset < entry.offset));
        if self.whole_from == 0 {
            self.whole_from = entry.offset;
        }
        self.bytes += cost_bytes(&entry);
        self.entries.push_back(Held { entry, taken });
    }

    /// Takes a new value in place of the older value with its key.
    pub fn replace(&mut self, entry: Entry, taken: Instant, keep: &Keep) {
        if let Some(at) = self.entries.iter().position(|old| old.entry.key == entry.key)
            && let Some(old) = self.entries.remove(at)
        {
            self.bytes -= cost_bytes(&old.entry);
        }
        self.push(entry, taken, keep);
    }

    /// Drops what is too old.
    pub fn trim(&mut self, keep: &Keep, now: Instant) {
        self.trim_up_to(u64::MAX, keep, now);
    }

    /// Drops what is too old or too much, but nothing behind offset `last`.
    pub fn trim_up_to(&mut self, last: u64, keep: &Keep, now: Instant) {
        let is_old = |held: &Held| now.since_ms(held.taken) > keep.age_ms_max;
        while self.entries.front().is_some_and(|oldest| oldest.entry.offset <= last)
            && (self.entries.front().is_some_and(is_old) || self.is_above(keep))
        {
            self.drop_oldest();
        }
    }

    fn is_above(&self, keep: &Keep) -> bool {
        self.entries.len() > keep.entries_max || self.bytes > keep.bytes_max
    }

    /// Drops everything behind offset `last`, which never came to be.
    pub fn cut_behind(&mut self, last: u64) {
        while let Some(newest) = self.entries.back().filter(|newest| newest.entry.offset > last) {
            self.bytes -= cost_bytes(&newest.entry);
            self.entries.pop_back();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.entries.pop_front() {
            self.bytes -= cost_bytes(&oldest.entry);
            self.whole_from = oldest.entry.offset + 1;
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
        let first = self.entries.partition_point(|held| held.entry.offset < offset);
        self.entries.range(first..).map(|held| &held.entry)
    }

    /// The oldest entry's offset.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.entries.front().map(|oldest| oldest.entry.offset)
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

//! A disk that forgets what is not behind the barrier.

use super::{EPOCH, STREAM};
use crate::stream::Origin;
use std::collections::BTreeMap;
use tidings_proto::kept::{Edge, Entry, Head, Kept};

/// One write, in the order in which they are to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Write {
    Head(Head),
    /// With the sum of bytes that its record carries.
    Entry(Entry, u64),
    Remove(u64, u64),
}

/// What is there.
#[derive(Debug, Clone, Default)]
struct Shelf {
    head: Option<Head>,
    entries: BTreeMap<u64, (Entry, u64)>,
}

impl Shelf {
    fn apply(&mut self, write: Write) {
        match write {
            Write::Head(head) => self.head = Some(head),
            Write::Entry(entry, bytes_sum) => {
                assert!(self.head.is_some(), "an entry has a head before it");
                drop(self.entries.insert(entry.offset, (entry, bytes_sum)));
            }
            Write::Remove(from, to) => {
                let floor = self.head.as_ref().map_or(0, |head| head.floor);
                assert!(from <= to && to < floor, "what is removed was let go by the head before it");
                self.entries.retain(|offset, _| *offset < from || *offset > to);
            }
        }
    }
}

/// The disk of one stream.
#[derive(Debug, Default)]
pub(super) struct Disk {
    seen: Shelf,
    safe: Shelf,
    waiting: Vec<Write>,
    /// All that was ever written.
    pub(super) log: Vec<Write>,
}

impl Disk {
    pub(super) fn write(&mut self, write: Write) {
        self.seen.apply(write.clone());
        self.waiting.push(write.clone());
        self.log.push(write);
    }

    pub(super) fn sync(&mut self) {
        self.safe = self.seen.clone();
        self.waiting.clear();
    }

    /// Of what is not behind the barrier, the first `kept` writes are there afterwards.
    pub(super) fn crash(&mut self, kept: usize) {
        for write in self.waiting.drain(..).take(kept) {
            self.safe.apply(write);
        }
        self.seen = self.safe.clone();
    }

    pub(super) fn lose(&mut self, offset: u64) {
        self.seen.entries.remove(&offset);
        self.safe.entries.remove(&offset);
    }

    pub(super) fn origin(&self) -> Origin {
        let Some(head) = self.seen.head.clone() else { return Origin::New { epoch: EPOCH, stream: STREAM } };
        let edges = self.edge(0).zip(self.seen.entries.values().next_back().map(edge));
        Origin::Found(Kept { head, edges })
    }

    /// The last offset that it knows of.
    pub(super) fn last(&self) -> u64 {
        let newest = self.seen.entries.keys().next_back().copied();
        newest.max(self.seen.head.as_ref().map(|head| head.last)).unwrap_or(0)
    }

    pub(super) fn head(&self) -> Option<&Head> {
        self.seen.head.as_ref()
    }

    pub(super) fn offsets(&self) -> Vec<u64> {
        self.seen.entries.keys().copied().collect()
    }

    pub(super) fn edge(&self, from: u64) -> Option<Edge> {
        self.seen.entries.range(from..).next().map(|(_, record)| edge(record))
    }

    /// At most so many entries of a range, and whether they are all.
    pub(super) fn page(&self, from: u64, to: u64, entries_max: usize) -> (Vec<Entry>, bool) {
        let there = || self.seen.entries.range(from..=to).map(|(_, (entry, _))| entry.clone());
        (there().take(entries_max).collect(), there().count() <= entries_max)
    }
}

fn edge((entry, bytes_sum): &(Entry, u64)) -> Edge {
    Edge { offset: entry.offset, at: entry.at, bytes: entry.record_bytes(), bytes_sum: *bytes_sum }
}

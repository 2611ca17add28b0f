//! What can be seen of a stream by somebody who is not a member: where it stands, what it keeps, and who waits for what.

use super::{Stream, Subscriber};
use crate::time::Now;
use tidings_proto::frame::GapReason;
use tidings_proto::id::Position;
use tidings_proto::kept::{Device, Entry};

/// Where to begin in a stream's past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Behind a position: what followed it.
    Since(Position),
    /// Behind an offset of the epoch that the stream has now.
    Behind(u64),
    /// With as many as are wanted of those before an offset.
    Before(u64),
    /// With as many as are wanted of the newest.
    Newest,
}

/// Entries that are not there, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The first.
    pub from: u64,
    /// The last; `from - 1` when it is not known whether any is.
    pub to: u64,
    /// Why.
    pub reason: GapReason,
}

/// A part of a stream's past, or where it is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The last entry that members get.
    pub position: Position,
    /// The first offset that is kept; that of the next entry when nothing is.
    pub first: u64,
    /// What followed the position that was asked for and is gone.
    pub missing: Option<Missing>,
    /// The first offset of this part. Above `to` when there is nothing.
    pub from: u64,
    /// The last.
    pub to: u64,
    /// Where its entries are on disk.
    pub disk: Option<u64>,
    /// Its entries, of a stream in memory.
    pub entries: Vec<Entry>,
}

impl Past {
    /// What is missing of a part that was read from the disk up to `reached`, where the stream keeps what is from `first`
    /// on now.
    #[must_use]
    pub fn holes(&self, entries: &[Entry], reached: u64, first: u64) -> Vec<Missing> {
        let mut holes = Vec::new();
        let mut next = self.from;
        let mut hole = |from: u64, to: u64| {
            let expired = to.min(first.saturating_sub(1));
            if from <= expired {
                holes.push(Missing { from, to: expired, reason: GapReason::Expired });
            }
            if from.max(first) <= to {
                holes.push(Missing { from: from.max(first), to, reason: GapReason::Lost });
            }
        };
        for entry in entries {
            if entry.offset > next {
                hole(next, entry.offset - 1);
            }
            next = entry.offset + 1;
        }
        if next <= reached.min(self.to) {
            hole(next, reached.min(self.to));
        }
        holes
    }
}

/// What waits in an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The last entry that is there.
    pub position: Position,
    /// The first offset that some device waits for; above the last when none does.
    pub from: u64,
    /// Where its entries are on disk.
    pub disk: Option<u64>,
    /// The bytes of all entries that the inbox has ever had on disk.
    pub bytes_sum: u64,
    /// The user's devices.
    pub devices: Vec<Device>,
}

impl<S: Subscriber> Stream<S> {
    /// At most `entries_max` entries of what it keeps.
    pub fn past(&mut self, begin: Begin, entries_max: u64, now: Now) -> Past {
        self.trim(now);
        let (position, first) = (self.position(), self.whole_from());
        let since = match begin {
            Begin::Since(since) => Some(since),
            Begin::Behind(offset) => Some(Position { offset, ..position }),
            Begin::Before(_) | Begin::Newest => None,
        };
        let (_, gap, behind) = self.recover(since);
        let missing = gap.map(|gap| Missing { from: gap.from, to: gap.to, reason: gap.reason });
        let disk = self.disk_number();
        let shown = position.offset;
        let (from, to) = match begin {
            // Up to date, or nothing is kept.
            Begin::Since(_) | Begin::Behind(_) if behind == 0 => (shown + 1, shown),
            Begin::Since(_) | Begin::Behind(_) => (behind, shown),
            Begin::Before(offset) => (first, shown.min(offset.saturating_sub(1))),
            Begin::Newest => (first, shown),
        };
        let forward = since.is_some();
        if disk.is_some() {
            let span = entries_max.saturating_sub(1);
            let (from, to) = if forward {
                (from, to.min(from.saturating_add(span)))
            } else {
                (from.max(to.saturating_sub(span)), to)
            };
            return Past { position, first, missing, from, to, disk, entries: Vec::new() };
        }
        let entries = self.kept_between(from, to, entries_max, forward);
        // Where it ends early, the next part begins behind its last.
        let cut = |entry: Option<&Entry>, whole: u64| entry.map_or(whole, |entry| entry.offset);
        let is_cut = entries.len() as u64 == entries_max;
        let (from, to) = match (is_cut, forward) {
            (true, true) => (from, cut(entries.last(), to)),
            (true, false) => (cut(entries.first(), from), to),
            (false, _) => (from, to),
        };
        Past { position, first, missing, from, to, disk, entries }
    }

    /// At most `entries_max` entries that memory keeps of a range, the first or the last of them.
    fn kept_between(&self, from: u64, to: u64, entries_max: u64, forward: bool) -> Vec<Entry> {
        let Some(history) = &self.history else { return Vec::new() };
        let within = || history.from(from).take_while(|entry| entry.offset <= to);
        let entries_max = usize::try_from(entries_max).unwrap_or(usize::MAX);
        let skip = if forward { 0 } else { within().count().saturating_sub(entries_max) };
        within().skip(skip).take(entries_max).cloned().collect()
    }

    /// What waits in an inbox, and for whom.
    pub fn backlog(&self, now: Now) -> Backlog {
        let position = self.position();
        let Some(disk) = self.disk.get() else {
            let (from, devices) = (position.offset + 1, Vec::new());
            return Backlog { position, from, disk: None, bytes_sum: 0, devices };
        };
        let devices = disk.devices.as_ref().map_or_else(Vec::new, |devices| devices.list().to_vec());
        let from = disk.waits_from(&self.policy.shelf, now.wall_ms);
        Backlog { position, from, disk: self.disk_number(), bytes_sum: disk.stored_sum(), devices }
    }
}

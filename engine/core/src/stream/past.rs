//! What can be seen of a stream by somebody who is not a member: where it stands, what it keeps, and who waits for what.

use super::{Stream, Subscriber};
use crate::time::Now;
use tidings_proto::frame::{GapReason, Missing};
use tidings_proto::id::Position;
use tidings_proto::kept::{Device, Entry};

/// Where to begin in a stream's past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Behind a position: what followed it.
    Since(Position),
    /// Behind an offset of the epoch that the stream has now.
    Behind(u64),
    /// With as many as are wanted of those before a position.
    Older(Position),
    /// With as many as are wanted of those before an offset of the epoch that the stream has now.
    Before(u64),
    /// With as many as are wanted of the newest.
    Newest,
}

impl Begin {
    /// Whether reading goes from there towards what is newer.
    #[must_use]
    pub const fn is_forward(self) -> bool {
        matches!(self, Self::Since(_) | Self::Behind(_))
    }
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

/// What was read from the disk of a [`Past`].
#[derive(Debug, Clone, Default)]
pub struct PastRead {
    /// The first offset that was asked for.
    pub from: u64,
    /// The entries that are there.
    pub entries: Vec<Entry>,
    /// Everything up to this offset was looked at.
    pub reached: u64,
}

/// A part of a stream's past, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastPage {
    /// Where it begins, and in which direction it goes.
    pub begin: Begin,
    /// The last entry that members get.
    pub position: Position,
    /// The first offset that is kept; that of the next entry when nothing is.
    pub first: u64,
    /// What is not there of what was asked for, by rising offset.
    pub missing: Vec<Missing>,
    /// The first offset that it is about. Above `to` when there is nothing.
    pub from: u64,
    /// The last.
    pub to: u64,
    /// Its entries.
    pub entries: Vec<Entry>,
}

impl PastPage {
    /// Whether there is more in its direction.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        if self.begin.is_forward() { self.to < self.position.offset } else { self.from > self.first }
    }

    /// Leaves as many of the entries as fit, at least one, from the end that reading began at.
    pub fn fit(&mut self, bytes_max: usize, size: impl Fn(&Entry) -> usize) {
        let mut bytes = 0;
        let mut fits = |entry: &&Entry| {
            bytes += size(entry);
            bytes <= bytes_max
        };
        let fitting = if self.begin.is_forward() {
            self.entries.iter().take_while(&mut fits).count()
        } else {
            self.entries.iter().rev().take_while(fits).count()
        };
        let count = fitting.max(1);
        if count >= self.entries.len() {
            return;
        }
        if self.begin.is_forward() {
            self.entries.truncate(count);
            self.to = self.entries.last().map_or(self.to, |entry| entry.offset);
            // What lies before the part was told at its beginning.
            self.missing.retain(|missing| missing.from <= self.to);
        } else {
            self.entries.drain(..self.entries.len() - count);
            self.from = self.entries.first().map_or(self.from, |entry| entry.offset);
            self.missing.retain(|missing| missing.to >= self.from);
        }
    }
}

impl Past {
    /// The part of a stream in memory, of at most `bytes_max` of texts and data, or one entry.
    #[must_use]
    pub fn of_memory(self, begin: Begin, bytes_max: usize) -> PastPage {
        let Self { position, first, missing, from, to, entries, .. } = self;
        let missing = missing.into_iter().collect();
        let mut page = PastPage { begin, position, first, missing, from, to, entries };
        page.fit(bytes_max, Entry::text_bytes);
        page
    }

    /// The part of a stream on disk, of which this was read, and which keeps what is from `first` on now: what was let go
    /// meanwhile is not lost.
    #[must_use]
    pub fn of_disk(self, begin: Begin, read: PastRead, first: u64) -> PastPage {
        let PastRead { from, entries, reached } = read;
        let begun = Self { from, ..self };
        let holes = begun.holes(&entries, reached, first);
        let Self { position, missing, to, first, .. } = begun;
        let missing = missing.into_iter().chain(holes).collect();
        PastPage { begin, position, first, missing, from, to: reached.min(to), entries }
    }

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
            Begin::Older(_) | Begin::Before(_) | Begin::Newest => None,
        };
        let (_, gap, behind) = self.recover(since);
        let mut missing = gap.map(|gap| Missing { from: gap.from, to: gap.to, reason: gap.reason });
        let disk = self.disk_number();
        let shown = position.offset;
        let (from, to) = match begin {
            // Up to date, or nothing is kept.
            Begin::Since(_) | Begin::Behind(_) if behind == 0 => (shown + 1, shown),
            Begin::Since(_) | Begin::Behind(_) => (behind, shown),
            // What stood before it there is gone.
            Begin::Older(before) if before.epoch != position.epoch => {
                missing = Some(Missing { from: 1, to: 0, reason: GapReason::Epoch });
                (first, first - 1)
            }
            Begin::Older(Position { offset, .. }) | Begin::Before(offset) => {
                (first, shown.min(offset.saturating_sub(1)))
            }
            Begin::Newest => (first, shown),
        };
        let forward = begin.is_forward();
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

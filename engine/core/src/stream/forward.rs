//! The way forward for members that are behind: what a position gets, and reading on from there.

use super::{Delivery, Effects, Stream, Subscriber};
use crate::history::History;
use crate::members::{Member, Slot};
use crate::time::Now;
use bytes::Bytes;
use std::ops::RangeInclusive;
use tidings_proto::frame::{Gap, GapReason, Recovered, ServerFrame};
use tidings_proto::id::{Position, StreamNumber};
use tidings_proto::wire::{self, WireForm};

/// One step of catching up ends with the entry that brings what is rendered for the member to this many bytes.
pub(super) const PAGE_BYTES: usize = 64 * 1024;

/// How a step of catching up ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// The member has everything and gets what is fanned out from now on.
    UpToDate,
    /// Its queue is full: call again when there is room.
    Full,
    /// What it needs is on disk: read it from the offset `from` up to `to` and hand it to [`Stream::hand_over`].
    Read {
        /// The first offset that it needs.
        from: u64,
        /// The last that is worth reading.
        to: u64,
    },
}

impl<S: Subscriber> Stream<S> {
    /// What a position gets: how much, the gap to tell, and the first offset to deliver (0 for none).
    pub(super) fn recover(&self, since: Option<Position>) -> (Recovered, Option<Gap>, u64) {
        let Some(since) = since else { return (Recovered::None, None, 0) };
        let (whole_from, shown) = (self.whole_from(), self.shown());
        let all_kept = if whole_from > shown { 0 } else { whole_from };
        let gap = |from, reason| Some(Gap { stream: self.number, from, to: whole_from - 1, reason });
        if since.epoch != self.epoch {
            return (Recovered::Gap, gap(1, GapReason::Epoch), all_kept);
        }
        if since.offset > shown {
            return (Recovered::Gap, gap(whole_from, GapReason::Future), all_kept);
        }
        if since.offset == shown {
            return (Recovered::Complete, None, 0);
        }
        if since.offset + 1 >= whole_from {
            return (Recovered::Complete, None, since.offset + 1);
        }
        (Recovered::Gap, gap(since.offset + 1, GapReason::Expired), all_kept)
    }

    /// The offset from which on nothing is missing, but for values that were replaced. It is that of the next entry
    /// when nothing is kept.
    pub(super) fn whole_from(&self) -> u64 {
        match (self.disk.get(), &self.history) {
            (Some(disk), _) => disk.floor(),
            (None, Some(history)) => history.whole_from(),
            (None, None) => self.last + 1,
        }
    }

    /// Reads forward for a member that is behind, until it is up to date, its queue is full, or what it needs must be read
    /// from the disk.
    pub fn catch_up(&mut self, slot: Slot, now: Now, effects: &mut impl Effects<S>) -> Forward {
        self.fan_out(effects);
        self.trim(now);
        let (whole_from, shown, number) = (self.whole_from(), self.shown(), self.number);
        let in_memory = self.history.as_ref().and_then(|history| history.first());
        let Some(member) = self.members.member(slot) else { return Forward::UpToDate };
        if *member.behind > 0 && *member.behind < whole_from {
            let gap = Gap { stream: number, from: *member.behind, to: whole_from - 1, reason: GapReason::Expired };
            if tell(&member, &ServerFrame::Gap(gap), effects) == Delivery::Full {
                return Forward::Full;
            }
            *member.behind = if whole_from > shown { 0 } else { whole_from };
        }
        while *member.behind > 0 && *member.behind <= shown {
            let on_disk = self.disk.get().is_some() && in_memory.is_none_or(|first| *member.behind < first);
            if on_disk {
                let to = in_memory.map_or(shown, |first| shown.min(first - 1));
                return Forward::Read { from: *member.behind, to };
            }
            let (frames, entries, next) =
                page(self.history.as_deref(), number, *member.behind..=shown, member.to.form());
            if entries > 0 && effects.deliver(member.to, &frames, entries) == Delivery::Full {
                return Forward::Full;
            }
            *member.behind = if entries == 0 { 0 } else { next };
        }
        *member.behind = 0;
        Forward::UpToDate
    }

    /// Whether a member may say that it has everything up to an offset: it was given that much.
    #[must_use]
    pub fn was_given(&mut self, slot: Slot, offset: u64) -> bool {
        self.given(slot).is_some_and(|given| offset <= given)
    }

    /// The last offset that a member was given, or that came before it.
    pub(super) fn given(&mut self, slot: Slot) -> Option<u64> {
        // What was placed and not fanned out is given to nobody yet.
        let fanned = self.shown() - self.pending.as_ref().map_or(0, |pending| pending.entries);
        let member = self.members.member(slot)?;
        Some(if *member.behind > 0 { *member.behind - 1 } else { fanned })
    }
}

/// Puts a word of the server's to a member, in its place among the entries.
fn tell<S: Subscriber>(member: &Member<'_, S>, frame: &ServerFrame<'_>, effects: &mut impl Effects<S>) -> Delivery {
    let mut bytes = Vec::new();
    wire::render(member.to.form(), None, frame, &mut bytes);
    effects.deliver(member.to, &Bytes::from(bytes), 0)
}

/// About [`PAGE_BYTES`] of entries of a range, how many they are, and the offset after them.
fn page(
    history: Option<&History>,
    number: StreamNumber,
    offsets: RangeInclusive<u64>,
    form: WireForm,
) -> (Bytes, u64, u64) {
    let mut frames = Vec::new();
    let (mut entries, mut next) = (0, *offsets.start());
    for entry in history.into_iter().flat_map(|history| history.from(*offsets.start())) {
        if frames.len() >= PAGE_BYTES || entry.offset > *offsets.end() {
            break;
        }
        wire::render_entry(form, &entry.frame(number), &mut frames);
        entries += 1;
        next = entry.offset + 1;
    }
    (Bytes::from(frames), entries, next)
}

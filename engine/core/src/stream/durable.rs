//! The part of a stream that is on disk: publications wait for the barrier, members read what memory no longer has, and an
//! inbox knows the user's devices.

use super::forward::Forward;
use super::{Delivery, Effects, Joined, Publication, Stream, Subscriber};
use crate::devices::Mark;
use crate::disk::{Disk, OnDisk, Upkeep};
use crate::members::Slot;
use crate::policy::Policy;
use crate::time::Now;
use bytes::Bytes;
use std::sync::Arc;
use tidings_proto::frame::{Gap, GapReason, ServerFrame};
use tidings_proto::id::{Epoch, Position, StreamNumber};
use tidings_proto::kept::{Edge, Entry, Head, Kept, Kind};
use tidings_proto::wire;

/// A stream as its owner found it on disk, or what it is to become there.
#[derive(Debug)]
pub enum Origin {
    /// Nothing is on disk. Its records will stand under `stream`.
    New {
        /// The life that its offsets will count: the same each time as long as nothing was written.
        epoch: Epoch,
        /// The number of its records.
        stream: u64,
    },
    /// It is there.
    Found(Kept),
}

/// What must go to the disk for a publication, and where it stands.
#[derive(Debug, Clone)]
pub struct Append {
    /// The number that its record stands under.
    pub stream: u64,
    /// The entry.
    pub entry: Entry,
    /// What [`Edge::bytes_sum`] will be.
    pub bytes_sum: u64,
    /// To be written before it.
    pub head: Option<Head>,
}

/// What a device is told when it joins its user's inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxJoined {
    /// As of a channel.
    pub joined: Joined,
    /// Where delivery goes on: behind this offset.
    pub delivered: u64,
    /// What the user has read.
    pub read: u64,
}

impl<S: Subscriber> Stream<S> {
    /// A stream of class durable.
    #[must_use]
    pub fn on_disk(number: StreamNumber, origin: Origin, kind: Kind, policy: Arc<Policy>, now: Now) -> Self {
        let is_inbox = kind == Kind::Inbox;
        let (epoch, disk) = match origin {
            Origin::New { epoch, stream } if is_inbox => (epoch, OnDisk::Untouched(stream)),
            Origin::New { epoch, stream } => (epoch, OnDisk::Part(Box::new(Disk::new(stream, is_inbox)))),
            Origin::Found(kept) => (kept.head.epoch, OnDisk::Part(Box::new(Disk::found(kept, is_inbox)))),
        };
        let last = disk.get().map_or(0, Disk::stored);
        Self { last, disk, ..Self::new(number, epoch, policy, now) }
    }

    /// The number that its records stand under, if it is on disk.
    #[must_use]
    pub fn disk_number(&self) -> Option<u64> {
        self.disk.number()
    }

    /// How many entries wait for the disk.
    #[must_use]
    pub fn unstored(&self) -> u64 {
        self.last - self.shown()
    }

    /// Whether it holds as much on disk as it may, and the publisher is to be refused.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.disk.get().is_some_and(|disk| disk.is_full(self.last, &self.policy.shelf))
    }

    /// Gives a publication its place in a stream on disk. What is returned must be written, behind all that was returned
    /// before, and [`Stream::stored`] called when it is behind the barrier. `None` if the stream is not on disk.
    pub fn append(&mut self, publication: &Publication<'_>, now: Now) -> Option<Append> {
        self.disk.touched()?;
        self.last += 1;
        self.active = now;
        let entry = self.entry(publication, now);
        self.history.get_or_insert_default().add(entry.clone(), now.instant);
        let epoch = self.epoch;
        let disk = self.disk.part()?;
        let bytes_sum = disk.append(&entry);
        let head = disk.stale_head(epoch);
        Some(Append { stream: self.disk.number()?, entry, bytes_sum, head })
    }

    /// Everything up to an offset is behind the barrier: it is fanned out.
    pub fn stored(&mut self, up_to: u64, now: Now, effects: &mut impl Effects<S>) {
        let from = self.shown() + 1;
        // Taken out while it is read, so that the rest can be changed.
        let Some(history) = self.history.take() else { return };
        for entry in history.from(from).take_while(|entry| entry.offset <= up_to) {
            if let Some(disk) = self.disk.part() {
                disk.advance(entry);
            }
            let number = self.number;
            self.render(&entry.frame(number));
        }
        self.history = Some(history);
        self.fan_out(effects);
        self.trim(now);
    }

    /// The disk was opened afresh after it had failed. `last` is what it has of this stream: what was placed behind that
    /// never came to be.
    pub fn reopened(&mut self, last: u64, now: Now, effects: &mut impl Effects<S>) {
        self.stored(last, now, effects);
        self.last = self.shown();
        let last = self.last;
        if let Some(history) = &mut self.history {
            history.cut_behind(last);
        }
        if let Some(disk) = self.disk.part() {
            disk.reopened();
        }
        self.trim(now);
    }

    /// Adds a session of a user to the user's inbox: from `since`, else behind what its device has. As after
    /// [`Stream::join`], [`Stream::catch_up`] follows.
    pub fn join_inbox(
        &mut self,
        to: S,
        device: &str,
        since: Option<Position>,
        now: Now,
        effects: &mut impl Effects<S>,
    ) -> InboxJoined {
        let (policy, epoch, shown) = (Arc::clone(&self.policy), self.epoch, self.shown());
        let mut read = 0;
        let mut known = None;
        // One without a name leaves nothing in an inbox of which nothing is on disk.
        let disk = if device.is_empty() { self.disk.part() } else { self.disk.touched() };
        if let Some(disk) = disk {
            let before = disk.floor() - 1;
            if let Some(devices) = &mut disk.devices {
                let (delivered, changed) = devices.see(device, before, &policy.shelf, now.wall_ms);
                read = devices.read();
                known = Some(Position { epoch, offset: delivered.min(shown) });
                if changed {
                    disk.touch();
                }
            }
        }
        let waits = known.filter(|known| known.offset < shown);
        let joined = self.join(to, since.or(waits), now, effects);
        // A position that nobody was ever given is not where delivery goes on.
        let told = since.or(known).filter(|told| told.epoch == epoch && told.offset <= shown);
        let delivered = told.map_or_else(|| self.given(joined.slot).unwrap_or(shown), |told| told.offset);
        InboxJoined { joined, delivered, read }
    }

    /// A session of a device is there. To be called when it leaves the inbox, and now and then while it stays: a device
    /// that is connected and has nothing to acknowledge is not one that stays away.
    pub fn still_there(&mut self, device: &str, now: Now) {
        let Some(disk) = self.disk.part() else { return };
        let seen = disk.devices.as_mut().and_then(|devices| devices.see_again(device, &self.policy.shelf, now.wall_ms));
        if seen.is_some_and(|(_, changed)| changed) {
            disk.touch();
        }
    }

    /// A device has everything of its user's inbox up to an offset, and the user has read it where `read` says so. Returns
    /// whether anything moved: not for what the session was never given.
    pub fn acknowledge(&mut self, slot: Slot, device: &str, offset: u64, read: bool, now: Now) -> bool {
        if !self.was_given(slot, offset) {
            return false;
        }
        let Some(disk) = self.disk.part() else { return false };
        let before = disk.floor() - 1;
        let mark = Mark { name: device, offset, read };
        let devices = disk.devices.as_mut();
        let moved = devices.is_some_and(|devices| devices.mark(mark, before, &self.policy.shelf, now.wall_ms));
        if moved {
            disk.touch();
        }
        moved
    }

    /// Whether [`Stream::upkeep`] has something to do.
    #[must_use]
    pub fn wants_upkeep(&self, now: Now) -> bool {
        self.disk.get().is_some_and(|disk| disk.wants_upkeep(&self.policy.shelf, now.wall_ms))
    }

    /// Lets go what nobody waits for and what is above the bounds, and tells what must be written down for it. `edge`
    /// reads the first entry at or behind an offset from the disk; where it has none, or cannot read it now, nothing is
    /// let go. `None` if nothing of the stream is on disk.
    pub fn upkeep(&mut self, now: Now, edge: &mut dyn FnMut(u64) -> Option<Edge>) -> Option<Upkeep> {
        let epoch = self.epoch;
        self.disk.part().map(|disk| disk.upkeep(epoch, &self.policy.shelf, now.wall_ms, edge))
    }

    /// What [`Stream::upkeep`] told was not written: it is told again.
    pub fn unsettle(&mut self) {
        if let Some(disk) = self.disk.part() {
            disk.unsettle();
        }
    }

    /// Gives a member what was read from the disk for [`Forward::Read`]: the entries that are there of the offsets `from`
    /// to `to`, in order, perhaps not up to the end. What is missing between them is told as a gap.
    pub fn hand_over(&mut self, slot: Slot, read: PageRead<'_>, now: Now, effects: &mut impl Effects<S>) -> Forward {
        self.fan_out(effects);
        let (number, floor, shown) = (self.number, self.whole_from(), self.shown());
        let Some(member) = self.members.member(slot) else { return Forward::UpToDate };
        if *member.behind != read.from {
            // Somebody else has brought it on.
            return self.catch_up(slot, now, effects);
        }
        let (frames, entries, next) = read.render(number, floor, shown, member.to.form());
        if !frames.is_empty() && effects.deliver(member.to, &frames, entries) == Delivery::Full {
            return Forward::Full;
        }
        *member.behind = next;
        self.catch_up(slot, now, effects)
    }
}

/// What was read from the disk for a member.
#[derive(Debug, Clone, Copy)]
pub struct PageRead<'e> {
    /// The first offset that was asked for.
    pub from: u64,
    /// The last.
    pub to: u64,
    /// What was found, by rising offset.
    pub entries: &'e [Entry],
    /// Nothing else is there up to `to`; else reading ended early, behind the last of `entries`.
    pub is_whole: bool,
}

impl PageRead<'_> {
    /// The frames, how many entries they hold, and the offset to go on with.
    fn render(&self, number: StreamNumber, floor: u64, shown: u64, form: wire::WireForm) -> (Bytes, u64, u64) {
        let mut frames = Vec::new();
        let (mut next, mut count) = (self.from, 0);
        let gap = |from: u64, to: u64, frames: &mut Vec<u8>| {
            let reason = if to < floor { GapReason::Expired } else { GapReason::Lost };
            let gap = Gap { stream: number, from, to, reason };
            wire::render(form, None, &ServerFrame::Gap(gap), frames);
        };
        for entry in self.entries.iter().filter(|entry| entry.offset <= shown) {
            if entry.offset > next {
                gap(next, entry.offset - 1, &mut frames);
            }
            wire::render_entry(form, &entry.frame(number), &mut frames);
            next = entry.offset + 1;
            count += 1;
        }
        if self.is_whole && next <= self.to {
            gap(next, self.to, &mut frames);
            next = self.to + 1;
        }
        (Bytes::from(frames), count, next)
    }
}

//! One stream: a channel or one user's inbox. It gives offsets, knows its members, keeps its history, and brings
//! everyone who fell behind forward again.
//!
//! A publication is placed first ([`Stream::publish`]) and fanned out afterwards ([`Stream::fan_out`]), so that all that
//! was placed in between leaves as one piece of bytes for each wire form, whoever receives it.
//!
//! A member is either up to date and gets what is fanned out, or behind and gets nothing but what
//! [`Stream::catch_up`] reads for it from the history. Joining with a position and falling behind are the same state, so
//! there is one way back, without a hole and without an overlap.
//!
//! In class [`Class::Durable`] a publication gets its place and goes to the disk, and is fanned out once it is stored: what
//! anybody has received is there after a crash, under the same offset. The part on disk is in `durable.rs`.

mod durable;
mod forward;
pub(crate) mod past;

pub use durable::{Append, InboxJoined, Origin, PageRead};
pub use forward::Forward;
pub use past::{Backlog, Begin, Past, PastPage, PastRead};

use crate::disk::OnDisk;
use crate::history::History;
use crate::members::Members;
pub use crate::members::Slot;
use crate::policy::{Class, Keep, Policy};
use crate::time::Now;
use bytes::Bytes;
use std::sync::Arc;
use tidings_proto::command::Wait;
use tidings_proto::frame::{EntryFrame, Gap, Recovered};
use tidings_proto::id::{Epoch, Position, StreamNumber};
use tidings_proto::kept::Entry;
use tidings_proto::payload::DataRef;
use tidings_proto::wire::{self, WireForm};

/// What a stream knows of a member: in which form it wants its frames.
pub trait Subscriber {
    /// The member's wire form.
    fn form(&self) -> WireForm;
}

impl<T: Subscriber> Subscriber for Arc<T> {
    fn form(&self) -> WireForm {
        T::form(self)
    }
}

/// What became of frames that were put to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// They wait for the socket now, or the member is gone.
    Taken,
    /// The member's queue is full and took nothing. Whoever answers this calls [`Stream::catch_up`] once there is room.
    Full,
}

/// Where a stream's output goes. Called with the stream locked: enqueue only, never call back.
pub trait Effects<S> {
    /// Enqueues rendered frames holding `entries` entries.
    fn deliver(&mut self, to: &S, frames: &Bytes, entries: u64) -> Delivery;
    /// Entries of class ephemeral that a full member did not get.
    fn skipped(&mut self, entries: u64);
}

/// A publication before it has a place.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    /// The event's name, checked.
    pub event: &'a str,
    /// The application's data, checked.
    pub data: DataRef<'a>,
    /// Who publishes; `None` is the host.
    pub from: Option<&'a Arc<str>>,
    /// In class `latest`, which value it replaces.
    pub key: Option<&'a str>,
    /// What is promised of it: what the namespace promises, or less.
    pub class: Class,
    /// The publisher's own name for it.
    pub idempotency_key: Option<&'a str>,
    /// What the publisher wants to hear.
    pub wait: Wait,
}

/// What a new member is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// Where it stands.
    pub slot: Slot,
    /// The last offset at the moment of joining.
    pub offset: u64,
    /// What follows.
    pub recovered: Recovered,
    /// To be told before anything follows.
    pub gap: Option<Gap>,
}

/// What was placed and not yet fanned out.
#[derive(Debug, Default)]
struct Pending {
    entries: u64,
    frames: [Vec<u8>; WireForm::COUNT],
}

/// One stream. `S` is how its owner reaches a member.
#[derive(Debug)]
pub struct Stream<S> {
    number: StreamNumber,
    forms: [u32; WireForm::COUNT],
    epoch: Epoch,
    last: u64,
    policy: Arc<Policy>,
    members: Members<S>,
    history: Option<Box<History>>,
    pending: Option<Box<Pending>>,
    disk: OnDisk,
    active: Now,
}

impl<S: Subscriber> Stream<S> {
    /// A stream in which nothing has happened.
    #[must_use]
    pub fn new(number: StreamNumber, epoch: Epoch, policy: Arc<Policy>, now: Now) -> Self {
        Self {
            number,
            forms: [0; WireForm::COUNT],
            epoch,
            last: 0,
            policy,
            members: Members::default(),
            history: None,
            pending: None,
            disk: OnDisk::No,
            active: now,
        }
    }

    /// A stream that stood at a position when it was forgotten, and keeps nothing.
    #[must_use]
    pub fn at(number: StreamNumber, position: Position, policy: Arc<Policy>, now: Now) -> Self {
        Self { last: position.offset, ..Self::new(number, position.epoch, policy, now) }
    }

    /// What is promised to its members.
    #[must_use]
    pub fn class(&self) -> Class {
        self.policy.class
    }

    /// The short number in its entries.
    #[must_use]
    pub const fn number(&self) -> StreamNumber {
        self.number
    }

    /// Where it stands: the last entry that members get.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { epoch: self.epoch, offset: self.shown() }
    }

    /// The last entry that members get: what waits for the disk is not shown.
    fn shown(&self) -> u64 {
        self.disk.get().map_or(self.last, |disk| disk.stored())
    }

    /// How many members it has.
    #[must_use]
    pub const fn members(&self) -> usize {
        self.members.len()
    }

    /// How many entries it keeps.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.history.as_ref().map_or(0, |history| history.len())
    }

    /// When it was last joined, left or published to.
    #[must_use]
    pub const fn active(&self) -> Now {
        self.active
    }

    /// Drops what the history keeps no longer; frees it when nothing is left.
    pub fn trim(&mut self, now: Now) {
        let shown = self.shown();
        if let Some(history) = &mut self.history {
            history.trim_up_to(shown, &self.policy.keep, now.instant);
            if history.is_empty() {
                self.history = None;
            }
        }
    }

    /// Gives a publication its place, keeps it if the class says so, and renders it for the forms that its members
    /// want. Returns the offset. [`Stream::fan_out`] must follow. Not for streams on disk, which have
    /// [`Stream::append`].
    pub fn publish(&mut self, publication: &Publication<'_>, now: Now) -> u64 {
        self.last += 1;
        self.active = now;
        let frame = EntryFrame {
            stream: self.number,
            offset: self.last,
            event: publication.event,
            data: publication.data,
            from: publication.from.map(|from| &**from),
            at: now.wall_ms,
        };
        self.render(&frame);
        self.keep(publication, now);
        self.last
    }

    /// Renders an entry for the next fan-out.
    fn render(&mut self, frame: &EntryFrame<'_>) {
        if self.members.len() > 0 {
            let pending = self.pending.get_or_insert_default();
            pending.entries += 1;
            for form in WireForm::ALL.into_iter().filter(|form| self.forms[form.index()] > 0) {
                wire::render_entry(form, frame, &mut pending.frames[form.index()]);
            }
        }
    }

    /// Gives an event of class ephemeral to whoever has room for it now. It gets no place: nobody misses it who is not
    /// there.
    pub fn pass(&mut self, publication: &Publication<'_>, now: Now, effects: &mut impl Effects<S>) {
        self.fan_out(effects);
        let frame = EntryFrame {
            stream: self.number,
            offset: 0,
            event: publication.event,
            data: publication.data,
            from: publication.from.map(|from| &**from),
            at: now.wall_ms,
        };
        self.render(&frame);
        let Some(pending) = self.pending.take() else { return };
        let frames = pending.frames.map(Bytes::from);
        for member in self.members.iter() {
            if effects.deliver(member, &frames[member.form().index()], 1) == Delivery::Full {
                effects.skipped(1);
            }
        }
    }

    fn entry(&self, publication: &Publication<'_>, now: Now) -> Entry {
        Entry {
            offset: self.last,
            event: publication.event.into(),
            data: publication.data.to_data(),
            from: publication.from.cloned(),
            key: publication.key.map(Into::into),
            at: now.wall_ms,
        }
    }

    fn keep(&mut self, publication: &Publication<'_>, now: Now) {
        let keep = self.kept_by_class();
        if keep.entries_max == 0 {
            return;
        }
        let entry = self.entry(publication, now);
        let history = self.history.get_or_insert_default();
        match self.policy.class {
            Class::Latest => history.replace(entry, now.instant, &keep),
            Class::Ephemeral | Class::Reliable | Class::Durable => history.push(entry, now.instant, &keep),
        }
    }

    fn kept_by_class(&self) -> Keep {
        match self.policy.class {
            Class::Ephemeral => Keep::NOTHING,
            Class::Latest | Class::Reliable | Class::Durable => self.policy.keep,
        }
    }

    /// Whether something was placed and not fanned out.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Puts all that was placed since the last time to every member that is up to date.
    pub fn fan_out(&mut self, effects: &mut impl Effects<S>) {
        let Some(pending) = self.pending.take() else { return };
        let Pending { entries, frames } = *pending;
        let frames = frames.map(Bytes::from);
        let first = self.shown() + 1 - entries;
        for member in self.members.iter_mut().filter(|member| *member.behind == 0) {
            let frames = &frames[member.to.form().index()];
            if effects.deliver(member.to, frames, entries) == Delivery::Full {
                match self.policy.class {
                    Class::Ephemeral => effects.skipped(entries),
                    Class::Latest | Class::Reliable | Class::Durable => *member.behind = first,
                }
            }
        }
    }

    /// Adds a member, from now on or from what followed `since`. The caller enqueues its answer and the gap, if there
    /// is one, and then calls [`Stream::catch_up`], all before anyone else gets at the stream.
    pub fn join(&mut self, to: S, since: Option<Position>, now: Now, effects: &mut impl Effects<S>) -> Joined {
        self.fan_out(effects);
        self.trim(now);
        self.active = now;
        let (recovered, gap, behind) = self.recover(since);
        self.forms[to.form().index()] += 1;
        let slot = self.members.add(to, behind);
        Joined { slot, offset: self.shown(), recovered, gap }
    }

    /// Removes a member.
    pub fn leave(&mut self, slot: Slot, now: Now, effects: &mut impl Effects<S>) -> Option<S> {
        self.fan_out(effects);
        let (to, _) = self.members.remove(slot)?;
        self.forms[to.form().index()] -= 1;
        self.active = now;
        Some(to)
    }

    /// The member at a slot.
    pub fn member(&mut self, slot: Slot) -> Option<&S> {
        self.members.member(slot).map(|member| member.to)
    }

    /// The members, in no order that means anything.
    pub fn each_member(&self) -> impl Iterator<Item = &S> {
        self.members.iter()
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod tests;

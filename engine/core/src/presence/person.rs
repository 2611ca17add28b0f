//! One user: what is known of it, what others were told, who watches it.

use super::device::Device;
use super::slab::{Key, NONE, Slab};
use crate::time::{Instant, Now};
use std::sync::Arc;
use tidings_proto::presence::{Reason, Status, StatusFrame};

/// A flapping user is told of so often at once, and then once in this time.
const BURST: u64 = 5;
const PACE_MS: u64 = 1_000;

/// How present a user is, since when and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) since_ms: u64,
    /// Of who is offline: until when the last device was there; 0 for never.
    pub(crate) last_seen_ms: u64,
    pub(crate) status: Status,
    pub(crate) reason: Reason,
}

impl Mark {
    /// Nothing is known.
    pub(crate) const NOTHING: Self =
        Self { since_ms: 0, last_seen_ms: 0, status: Status::Offline, reason: Reason::Never };
}

/// What is so of a user or not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flags {
    pub(crate) is_invisible: bool,
    pub(crate) has_new_text: bool,
    /// It waits to be told.
    pub(crate) is_dirty: bool,
    /// Somebody was told meanwhile what others were not told yet, or what its own devices were not: whatever it is when
    /// they are told, nobody may miss it.
    is_ahead: bool,
    is_ahead_own: bool,
}

/// One user.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) name: Arc<str>,
    /// The truth.
    pub(crate) live: Mark,
    /// What others were told last.
    pub(crate) told: Mark,
    /// What others see in place of the truth while the user hides, and behind that until it is seen again.
    veil: Option<Box<Mark>>,
    pub(crate) text: Option<Box<str>>,
    /// Who watches it.
    pub(crate) watchers: Vec<Key>,
    /// When everything that was told of it would have been due.
    due: Instant,
    /// The first of its devices, which are chained.
    pub(crate) devices: Key,
    /// Since when nobody needs it, as a number; 0 while somebody does.
    pub(crate) stranger: u32,
    /// What its own devices and the host were told last.
    pub(crate) told_own: Status,
    pub(crate) flags: Flags,
}

impl Person {
    pub(crate) const fn new(name: Arc<str>) -> Self {
        Self {
            name,
            live: Mark::NOTHING,
            told: Mark::NOTHING,
            veil: None,
            text: None,
            watchers: Vec::new(),
            due: Instant(0),
            devices: NONE,
            stranger: 0,
            told_own: Status::Offline,
            flags: Flags {
                is_invisible: false,
                has_new_text: false,
                is_dirty: false,
                is_ahead: false,
                is_ahead_own: false,
            },
        }
    }

    /// How present it is, over all of its devices: the most present one wins.
    pub(crate) fn merged(&self, devices: &Slab<Device>) -> Status {
        let mut merged = Status::Offline;
        for device in Device::chain(self.devices, devices).filter(|device| device.counts()) {
            let status = device.status();
            if rank(status) > rank(merged) {
                merged = status;
            }
        }
        if self.flags.is_invisible && merged != Status::Offline { Status::Invisible } else { merged }
    }

    /// What others see.
    pub(crate) fn seen(&self) -> Mark {
        self.veil.as_deref().copied().unwrap_or(self.live)
    }

    /// It is present in another way than before. `last_seen_ms` is until when its last device was there.
    pub(crate) fn turn(&mut self, status: Status, reason: Reason, now: Now, last_seen_ms: u64) {
        let before = self.live;
        let since_ms = now.wall_ms;
        let last_seen_ms = if status == Status::Offline { last_seen_ms } else { 0 };
        let was_hidden = matches!(before.status, Status::Invisible | Status::Offline);
        let reason = if was_hidden && status.is_present() { Reason::Connected } else { reason };
        self.live = Mark { since_ms, last_seen_ms, status, reason };
        match status {
            // To others, hiding is leaving.
            Status::Invisible if before.status.is_present() => {
                let status = Status::Offline;
                let left = Mark { since_ms, last_seen_ms: since_ms, status, reason: Reason::Left };
                self.veil = Some(Box::new(left));
            }
            Status::Invisible => drop(self.veil.get_or_insert_with(|| Box::new(before))),
            Status::Offline => {}
            _ => self.veil = None,
        }
        if status == Status::Offline {
            self.flags.is_invisible = false;
            self.text = None;
        }
    }

    /// Whether it may be told of now. One that flaps is held back.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        let due = self.due.max(now) + PACE_MS;
        if due.since_ms(now) > BURST * PACE_MS {
            return false;
        }
        self.due = due;
        true
    }

    /// Takes what is to be told now as told. Tells whether others see a change, and whether its own devices do.
    pub(crate) fn settle(&mut self) -> Settled {
        let has_new_text = std::mem::take(&mut self.flags.has_new_text);
        let own = has_new_text || self.live.status != self.told_own;
        if self.live.status.is_present() && !self.told.status.is_present() {
            self.live.reason = Reason::Connected;
        }
        let seen = self.seen();
        let others = seen.status != self.told.status || (has_new_text && seen.status != Status::Offline);
        if others {
            self.told = seen;
        } else {
            // There and back between two looks is nothing: what was told stays as it was told.
            match &mut self.veil {
                Some(veil) => **veil = self.told,
                None if self.live.status.is_present() => self.live = self.told,
                None => self.told = self.live,
            }
        }
        self.told_own = self.live.status;
        // Both are taken, whatever else is so.
        let others = std::mem::take(&mut self.flags.is_ahead) || others;
        Settled { others, own: std::mem::take(&mut self.flags.is_ahead_own) || own }
    }

    /// As somebody is told it now, who asks. What others see of one who hides is no news to them.
    pub(crate) fn asked(&mut self, own: bool) -> StatusFrame<'_> {
        let seen = self.seen().status;
        self.flags.is_ahead |= !own && (seen != self.told.status || (self.flags.has_new_text && seen.is_present()));
        self.flags.is_ahead_own |= own && (self.flags.has_new_text || self.live.status != self.told_own);
        self.frame(own)
    }

    /// As others see it, or as it is.
    pub(crate) fn frame(&self, own: bool) -> StatusFrame<'_> {
        let Mark { since_ms, last_seen_ms, status, reason } = if own { self.live } else { self.seen() };
        let some = |ms: u64| (ms > 0).then_some(ms);
        let text = if status == Status::Offline { None } else { self.text.as_deref() };
        let (since, last_seen) = (some(since_ms), some(last_seen_ms));
        StatusFrame { user: &self.name, status, since, reason, last_seen, text }
    }
}

/// Who is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) others: bool,
    pub(crate) own: bool,
}

/// The most present one wins.
const fn rank(status: Status) -> u8 {
    match status {
        Status::Online => 4,
        Status::Busy => 3,
        Status::Idle => 2,
        Status::Away => 1,
        _ => 0,
    }
}

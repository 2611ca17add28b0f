//! Who is there: users over their devices, who watches them, and who is in which channel.
//!
//! A [`Board`] is told what happens to sessions (opened, lost, left, used) and what clients say of themselves. From that
//! follows what each user *is*; what others are *told* of it lags behind by at most one tick: [`Board::tick`] looks at the
//! clock, and [`Board::tell`] compares what each changed user is now with what was told of it last, renders the
//! difference once, and enqueues it to everyone who watches. So a user that flaps between two ticks costs nothing, and
//! several changes for one watcher leave in one write.
//!
//! * A device is a session. It counts from when it is opened until its user has left on purpose, or until the grace period
//!   after its connection was lost is over; who resumes the session within it changes nothing.
//! * The most present device wins: online, busy, idle, away. Who is invisible is offline to others, and going so looks to
//!   them exactly like leaving.
//! * A watcher without room gets, once it has room, what its users are by then.
//!
//! Users, devices and lists have short numbers and lie in pages; a user costs about 180 bytes with one device, and each
//! user that is watched 4 bytes in the watcher's list and 4 in the user's.

mod attendance;
mod device;
mod names;
mod person;
mod room;
mod slab;
mod tick;
mod watcher;
mod watching;

use crate::policy::PresenceRules;
use crate::time::{Instant, Now};
pub use device::DeviceId;
use device::{Device, Line};
use names::People;
use person::Mark;
use room::Rooms;
use slab::{Key, Slab};
use std::collections::VecDeque;
use std::sync::Arc;
use tidings_proto::presence::{Chosen, Present, Reason, Status, StatusFrame};
pub use watcher::NotWatched;
use watcher::Watcher;

/// A change of a user's presence, as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub user: Arc<str>,
    /// How present.
    pub status: Status,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// Why.
    pub reason: Reason,
    /// Of who is offline: until when the last device was there.
    pub last_seen_ms: Option<u64>,
    /// The user's own words.
    pub text: Option<Box<str>>,
}

impl From<&StatusFrame<'_>> for Change {
    fn from(frame: &StatusFrame<'_>) -> Self {
        Self {
            user: frame.user.into(),
            status: frame.status,
            since_ms: frame.since.unwrap_or_default(),
            reason: frame.reason,
            last_seen_ms: frame.last_seen,
            text: frame.text.map(Into::into),
        }
    }
}

/// A device that was lost, to be looked at when its grace is over.
#[derive(Debug, Clone, Copy)]
struct Grace {
    until: Instant,
    device: DeviceId,
    lost_ms: u64,
}

/// Everybody's presence. `W` is how a connection is reached.
#[derive(Debug)]
pub struct Board<W> {
    rules: PresenceRules,
    people: People,
    devices: Slab<Device>,
    watchers: Slab<Watcher<W>>,
    rooms: Rooms<W>,
    /// In the order in which they end, since all are as long.
    graces: VecDeque<Grace>,
    /// Users of whom something may be to be told.
    dirty: VecDeque<Key>,
    /// Those that flap, to be looked at with the next tick.
    held: Vec<Key>,
    strangers: Strangers,
}

/// Users that nobody needs, in the order in which they became so.
#[derive(Debug, Default)]
struct Strangers {
    queue: VecDeque<(Key, u32)>,
    count: usize,
    last: u32,
}

impl<W> Board<W> {
    /// Nobody is there. `salt` is random.
    #[must_use]
    pub fn new(rules: PresenceRules, salt: u64) -> Self {
        Self {
            rules,
            people: People::new(salt),
            devices: Slab::default(),
            watchers: Slab::default(),
            rooms: Rooms::new(salt),
            graces: VecDeque::new(),
            dirty: VecDeque::new(),
            held: Vec::new(),
            strangers: Strangers::default(),
        }
    }

    /// A session has begun: its user has one more device.
    pub fn open(&mut self, user: &Arc<str>, present: Option<&Present<'_>>, now: Now) -> DeviceId {
        let key = self.need(user);
        let first = self.people.slab.find(key).map_or(slab::NONE, |person| person.devices);
        let device = self.devices.add(Device::new(key, first));
        if let Some(person) = self.people.slab.find_mut(key) {
            person.devices = device;
        }
        if let Some(present) = present {
            self.choose(device, present);
        }
        self.reckon(key, Reason::Connected, now, 0);
        device
    }

    /// A session has a connection again.
    pub fn resume(&mut self, device: DeviceId, now: Now) {
        let Some(found) = self.devices.find_mut(device) else { return };
        found.line = Line::Here;
        found.is_idle = false;
        let key = found.person;
        let until = now.instant + self.rules.grace_ms;
        if self.await_stays(device, until) {
            self.graces.push_back(Grace { until, device, lost_ms: now.wall_ms });
        }
        self.reckon(key, Reason::Connected, now, 0);
    }

    /// A session has lost its connection. Whom it watched is remembered.
    pub fn lost(&mut self, device: DeviceId, now: Now) {
        self.park_watched(device);
        self.hush_stays(device);
        let Some(found) = self.devices.find_mut(device) else { return };
        if found.line == Line::Here {
            let until = now.instant + self.rules.grace_ms;
            found.line = Line::Lost(until);
            self.graces.push_back(Grace { until, device, lost_ms: now.wall_ms });
        }
    }

    /// A session's user has gone on purpose, or was sent away. The session may come back until it is forgotten.
    pub fn left(&mut self, device: DeviceId, reason: Reason, now: Now) {
        self.park_watched(device);
        self.hush_stays(device);
        self.go(device, reason, now, now.wall_ms);
    }

    /// A session is over. If it counts still, it does so until its grace is over.
    pub fn forget(&mut self, device: DeviceId) {
        let Some(found) = self.devices.find_mut(device) else { return };
        match found.line {
            Line::Gone => self.take_out(device),
            Line::Here | Line::Lost(_) => found.is_over = true,
        }
    }

    /// A session's device is used again, or was not for a while.
    pub fn active(&mut self, device: DeviceId, active: bool, now: Now) {
        let Some(found) = self.devices.find_mut(device) else { return };
        if found.is_idle == active {
            found.is_idle = !active;
            let reason = if active { Reason::Active } else { Reason::Idle };
            let key = found.person;
            self.reckon(key, reason, now, 0);
        }
    }

    /// A client says how present its user is.
    pub fn set(&mut self, device: DeviceId, present: &Present<'_>, now: Now) {
        let Some(key) = self.choose(device, present) else { return };
        self.reckon(key, Reason::Set, now, 0);
        let Some(person) = self.people.slab.find_mut(key) else { return };
        if person.flags.has_new_text {
            person.live.since_ms = now.wall_ms;
            person.live.reason = Reason::Set;
            self.soil(key);
        }
    }

    fn choose(&mut self, device: DeviceId, present: &Present<'_>) -> Option<Key> {
        let found = self.devices.find_mut(device)?;
        let person = self.people.slab.find_mut(found.person)?;
        if let Some(chosen) = present.status {
            found.chosen = chosen;
            person.flags.is_invisible = chosen == Chosen::Invisible;
        }
        if let Some(text) = &present.text {
            let text = Some(&**text).filter(|text| !text.is_empty());
            if person.text.as_deref() != text {
                person.text = text.map(Into::into);
                person.flags.has_new_text = true;
            }
        }
        Some(found.person)
    }

    /// The user of a device, as its own devices see it.
    #[must_use]
    pub fn own(&self, device: DeviceId) -> Option<StatusFrame<'_>> {
        let device = self.devices.find(device)?;
        self.people.slab.find(device.person).map(|person| person.frame(true))
    }

    /// Whether a user has a device that is there, hidden or not.
    #[must_use]
    pub fn is_online(&self, user: &str) -> bool {
        let person = self.people.find(user).and_then(|key| self.people.slab.find(key));
        person.is_some_and(|person| person.live.status != Status::Offline)
    }

    /// How present a user is: the truth, which is the host's.
    #[must_use]
    pub fn presence<'b>(&'b self, user: &'b str) -> StatusFrame<'b> {
        match self.people.find(user).and_then(|key| self.people.slab.find(key)) {
            Some(person) => person.frame(true),
            None => unknown_user(user),
        }
    }

    /// How present a user is in the eyes of a device: the truth if it is the device's own.
    pub fn status<'b>(&'b mut self, device: DeviceId, user: &'b str) -> StatusFrame<'b> {
        let Some(key) = self.people.find(user) else { return unknown_user(user) };
        let own = self.devices.find(device).is_some_and(|device| device.person == key);
        self.people.slab.find_mut(key).map_or_else(|| unknown_user(user), |person| person.asked(own))
    }

    /// How many users are known.
    #[must_use]
    pub const fn users(&self) -> usize {
        self.people.slab.len()
    }

    /// How many devices are known.
    #[must_use]
    pub const fn devices(&self) -> usize {
        self.devices.len()
    }

    /// The user of a name, who is needed from now on.
    fn need(&mut self, user: &Arc<str>) -> Key {
        let key = self.people.find_or_add(user);
        if let Some(person) = self.people.slab.find_mut(key)
            && person.stranger > 0
        {
            person.stranger = 0;
            self.strangers.count -= 1;
        }
        key
    }

    /// A device of the user has changed: what is the user now?
    fn reckon(&mut self, key: Key, reason: Reason, now: Now, last_seen_ms: u64) {
        let Some(person) = self.people.slab.find_mut(key) else { return };
        let (before, status) = (person.live.status, person.merged(&self.devices));
        if before == status {
            if person.flags.has_new_text {
                self.soil(key);
            }
            return;
        }
        let is_other_s = status != Status::Offline && matches!(reason, Reason::Left | Reason::Lost | Reason::Ended);
        person.turn(status, if is_other_s { Reason::Device } else { reason }, now, last_seen_ms);
        self.soil(key);
        if (before == Status::Invisible) != (status == Status::Invisible) {
            self.hide_stays(key, status == Status::Invisible, now);
        }
    }

    fn soil(&mut self, key: Key) {
        let Some(person) = self.people.slab.find_mut(key) else { return };
        if !person.flags.is_dirty {
            person.flags.is_dirty = true;
            self.dirty.push_back(key);
        }
    }

    /// A device counts no more.
    fn go(&mut self, device: DeviceId, reason: Reason, now: Now, last_seen_ms: u64) {
        let Some(found) = self.devices.find_mut(device) else { return };
        if found.line == Line::Gone {
            return;
        }
        found.line = Line::Gone;
        let (key, is_over) = (found.person, found.is_over);
        self.end_stays(device, reason, now);
        self.reckon(key, reason, now, last_seen_ms);
        if is_over {
            self.take_out(device);
        }
    }

    /// A device is no more.
    fn take_out(&mut self, device: DeviceId) {
        self.drop_watcher(device);
        self.drop_stays(device);
        let Some(taken) = self.devices.remove(device) else { return };
        let Some(person) = self.people.slab.find_mut(taken.person) else { return };
        if person.devices == device {
            person.devices = taken.next;
        } else {
            let mut at = person.devices;
            while let Some(other) = self.devices.find_mut(at) {
                if other.next == device {
                    other.next = taken.next;
                    break;
                }
                at = other.next;
            }
        }
        self.part_with(taken.person);
    }

    /// A user may be needed no more: it is forgotten, or remembered as one that was seen, for as long as there is room.
    fn part_with(&mut self, key: Key) {
        let Some(person) = self.people.slab.find_mut(key) else { return };
        let is_needed = person.devices != slab::NONE || !person.watchers.is_empty() || person.flags.is_dirty;
        if is_needed || person.stranger > 0 {
            return;
        }
        if person.seen() == Mark::NOTHING {
            return self.people.remove(key);
        }
        let strangers = &mut self.strangers;
        strangers.last = strangers.last.wrapping_add(1).max(1);
        person.stranger = strangers.last;
        person.watchers = Vec::new();
        strangers.queue.push_back((key, strangers.last));
        strangers.count += 1;
        if strangers.queue.len() > 2 * strangers.count + 64 {
            let people = &self.people.slab;
            strangers.queue.retain(|(key, since)| people.find(*key).is_some_and(|person| person.stranger == *since));
        }
        while self.strangers.count > self.rules.strangers_max {
            let Some((key, since)) = self.strangers.queue.pop_front() else { return };
            if self.people.slab.find(key).is_some_and(|person| person.stranger == since) {
                self.people.remove(key);
                self.strangers.count -= 1;
            }
        }
    }
}

const fn unknown_user(user: &str) -> StatusFrame<'_> {
    StatusFrame { user, status: Status::Offline, since: None, reason: Reason::Never, last_seen: None, text: None }
}

#[cfg(test)]
mod tests;

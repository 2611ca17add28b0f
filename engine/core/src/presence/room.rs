//! Who is in which channel.
//!
//! A member is a user, on however many devices. What members are told is, as with users, the difference between what
//! they were told last and what is now, once a tick. Above [`PresenceRules::members_max`](crate::policy::PresenceRules::members_max) members, and in
//! namespaces that only count, a count with a few of the members takes the place of what has changed, once a second.

use super::device::DeviceId;
use super::slab::{Key, Slab};
use crate::policy::Attendance;
use crate::salt::Salted;
use crate::stream::{Delivery, Effects, Subscriber};
use crate::time::{Instant, Now};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use tidings_proto::frame::ServerFrame;
use tidings_proto::members::{Change, Changed, Member as MemberFrame, Members};
use tidings_proto::payload::Data;
use tidings_proto::presence::Reason;
use tidings_proto::wire::{self, WireForm};

/// How many members are told of a channel that is too large for all of them.
const SAMPLE: usize = 20;

/// Counts are told no more often than this.
pub(super) const COUNT_MS: u64 = 1_000;

/// One user in one channel.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) devices: u32,
    pub(super) info: Option<Arc<Data>>,
    pub(super) at_ms: u64,
    pub(super) reason: Reason,
    pub(super) is_hidden: bool,
    /// Listeners know of it.
    pub(super) is_told: bool,
    pub(super) has_new_info: bool,
    pub(super) is_dirty: bool,
    /// Somebody was told whether it is there since: whatever is so when all are told, nobody may miss it.
    pub(super) is_asked: bool,
}

impl Member {
    pub(super) const fn is_seen(&self) -> bool {
        self.devices > 0 && !self.is_hidden
    }
}

/// One channel.
#[derive(Debug)]
pub(super) struct Room<W> {
    pub(super) name: Arc<str>,
    pub(super) attendance: Attendance,
    pub(super) members: BTreeMap<Arc<str>, Member>,
    /// How many are seen.
    pub(super) count: usize,
    pub(super) told_count: usize,
    /// Listeners were told a count in place of a list.
    pub(super) is_counted: bool,
    /// Not before then is a count told again.
    pub(super) due: Instant,
    pub(super) listeners: Vec<(DeviceId, W)>,
    /// Those that had no room.
    pub(super) behind: Vec<DeviceId>,
    pub(super) changed: Vec<Arc<str>>,
    pub(super) is_dirty: bool,
    pub(super) is_asked: bool,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Rooms<W> {
    pub(super) slab: Slab<Room<W>>,
    pub(super) names: HashMap<Arc<str>, Key, Salted>,
    pub(super) dirty: VecDeque<Key>,
    /// Those whose count is told later.
    pub(super) held: Vec<Key>,
}

impl<W> Rooms<W> {
    pub(crate) fn new(salt: u64) -> Self {
        let names = HashMap::with_hasher(Salted::new(salt));
        Self { slab: Slab::default(), names, dirty: VecDeque::new(), held: Vec::new() }
    }

    pub(super) fn find_or_add(&mut self, name: &Arc<str>, attendance: Attendance) -> Key {
        if let Some(key) = self.names.get(name) {
            return *key;
        }
        let room = Room {
            name: Arc::clone(name),
            attendance,
            members: BTreeMap::new(),
            count: 0,
            told_count: 0,
            is_counted: attendance == Attendance::Count,
            due: Instant(0),
            listeners: Vec::new(),
            behind: Vec::new(),
            changed: Vec::new(),
            is_dirty: false,
            is_asked: false,
        };
        let key = self.slab.add(room);
        self.names.insert(Arc::clone(name), key);
        key
    }

    pub(super) fn soil(&mut self, key: Key) {
        let Some(room) = self.slab.find_mut(key) else { return };
        if !room.is_dirty {
            room.is_dirty = true;
            self.dirty.push_back(key);
        }
    }

    /// Does something to a member, and sees to it that what changes by it is told.
    pub(super) fn change(&mut self, key: Key, user: &Arc<str>, change: impl FnOnce(&mut Member)) {
        let Some(room) = self.slab.find_mut(key) else { return };
        let Some(member) = room.members.get_mut(user) else { return };
        let before = member.is_seen();
        change(member);
        match (before, member.is_seen()) {
            (false, true) => room.count += 1,
            (true, false) => room.count -= 1,
            _ => {}
        }
        if !member.is_dirty {
            member.is_dirty = true;
            room.changed.push(Arc::clone(user));
        }
        self.soil(key);
    }

    /// One of a user's devices is in the channel no more.
    pub(super) fn leave(&mut self, channel: &str, user: &Arc<str>, reason: Reason, now: Now) {
        let Some(key) = self.names.get(channel).copied() else { return };
        self.change(key, user, |member| {
            member.devices = member.devices.saturating_sub(1);
            if member.devices == 0 {
                member.reason = reason;
                member.at_ms = now.wall_ms;
            }
        });
    }

    pub(super) fn hush(&mut self, channel: &str, device: DeviceId) {
        let Some(room) = self.names.get(channel).and_then(|key| self.slab.find_mut(*key)) else { return };
        room.listeners.retain(|(listener, _)| *listener != device);
        room.behind.retain(|behind| *behind != device);
    }

    pub(super) fn drop_if_empty(&mut self, channel: &str) {
        let Some(key) = self.names.get(channel).copied() else { return };
        let is_empty = |room: &Room<W>| room.members.is_empty() && room.listeners.is_empty() && !room.is_dirty;
        if self.slab.find(key).is_some_and(is_empty) {
            self.names.remove(channel);
            self.slab.remove(key);
            if self.names.is_empty() {
                self.names.shrink_to_fit();
            }
        }
    }
}

impl<W> Room<W> {
    pub(super) fn is_large(&self, members_max: usize) -> bool {
        self.attendance == Attendance::Count || self.count > members_max
    }

    /// As somebody is told it now, who asks.
    pub(super) fn asked(&mut self, lists: bool, members_max: usize) -> Members<'_> {
        self.is_asked |= self.is_dirty;
        for user in &self.changed {
            if let Some(member) = self.members.get_mut(user) {
                member.is_asked = true;
            }
        }
        self.snapshot(lists, members_max)
    }

    /// All who are seen, or as many as are told of a large channel.
    pub(super) fn snapshot(&self, lists: bool, members_max: usize) -> Members<'_> {
        let is_large = self.is_large(members_max);
        let most = match (lists, self.attendance, is_large) {
            (false, ..) | (_, Attendance::Count | Attendance::None, _) => 0,
            (true, Attendance::Members, true) => SAMPLE,
            (true, Attendance::Members, false) => usize::MAX,
        };
        let seen = self.members.iter().filter(|(_, member)| member.is_seen()).take(most);
        let members: Vec<_> = seen.map(|(user, member)| frame_of(user, member, false)).collect();
        let complete = lists && !is_large;
        Members { channel: &self.name, count: self.count, complete, members }
    }
}

fn frame_of<'m>(user: &'m str, member: &'m Member, with_reason: bool) -> MemberFrame<'m> {
    let info = member.info.as_deref().map(Data::as_ref);
    MemberFrame { user, info, at: member.at_ms, reason: with_reason.then_some(member.reason) }
}

/// What has happened to whom since it was told last.
pub(super) struct Changes {
    joined: Vec<Arc<str>>,
    left: Vec<Arc<str>>,
    updated: Vec<Arc<str>>,
}

impl<W> Room<W> {
    pub(super) fn take_changes(&mut self) -> Changes {
        let mut changes = Changes { joined: Vec::new(), left: Vec::new(), updated: Vec::new() };
        for user in std::mem::take(&mut self.changed) {
            let Some(member) = self.members.get_mut(&user) else { continue };
            member.is_dirty = false;
            let has_new_info = std::mem::take(&mut member.has_new_info);
            let is_asked = std::mem::take(&mut member.is_asked);
            let is_told = member.is_told ^ (is_asked && member.is_told == member.is_seen());
            let list = match (is_told, member.is_seen()) {
                (false, true) => &mut changes.joined,
                (true, false) => &mut changes.left,
                (true, true) if has_new_info => &mut changes.updated,
                (false, false) => {
                    if member.devices == 0 {
                        self.members.remove(&user);
                    }
                    continue;
                }
                (true, true) => continue,
            };
            member.is_told = member.is_seen();
            list.push(user);
        }
        changes
    }

    pub(super) fn frames(&self, changes: &Changes) -> Vec<ServerFrame<'_>> {
        let Changes { joined, left, updated } = changes;
        let lists = [(Change::Left, left), (Change::Joined, joined), (Change::Updated, updated)];
        let some = lists.into_iter().filter(|(_, users)| !users.is_empty());
        let frames = some.map(|(change, users)| {
            let with_reason = change != Change::Updated;
            let found = users.iter().filter_map(|user| self.members.get_key_value(user));
            let members = found
                .map(|(user, member)| frame_of(user, member, with_reason))
                .map(|member| MemberFrame { info: member.info.filter(|_| change != Change::Left), ..member });
            let members = members.collect();
            ServerFrame::Changed(Changed { change, channel: &self.name, count: self.count, members })
        });
        frames.collect()
    }

    /// Those who have gone need not be remembered once that is told.
    pub(super) fn forget(&mut self, changes: &Changes) {
        for user in &changes.left {
            if self.members.get(user).is_some_and(|member| member.devices == 0 && !member.is_dirty) {
                self.members.remove(user);
            }
        }
    }
}

impl<W: Subscriber> Room<W> {
    /// Enqueues frames to all who listen, as one piece. Returns how many took it, and who had no room.
    pub(super) fn tell(&self, frames: &[ServerFrame<'_>], effects: &mut impl Effects<W>) -> (u64, Vec<DeviceId>) {
        let (mut told, mut behind) = (0, Vec::new());
        if frames.is_empty() {
            return (told, behind);
        }
        let mut forms: [Option<Bytes>; WireForm::COUNT] = [const { None }; WireForm::COUNT];
        for (device, to) in &self.listeners {
            let form = to.form();
            let rendered = forms[form.index()].get_or_insert_with(|| {
                let mut out = Vec::new();
                frames.iter().for_each(|frame| wire::render(form, None, frame, &mut out));
                Bytes::from(out)
            });
            match effects.deliver(to, rendered, 0) {
                Delivery::Taken => told += 1,
                Delivery::Full => behind.push(*device),
            }
        }
        (told, behind)
    }
}

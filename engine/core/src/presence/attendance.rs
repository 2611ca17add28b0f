//! Members of channels, over their devices.

use super::Board;
use super::device::{Device, DeviceId, Line, Stay};
use super::room::{COUNT_MS, Member, Rooms};
use super::slab::Key;
use crate::policy::Attendance;
use crate::stream::{Delivery, Effects, Subscriber};
use crate::time::{Instant, Now};
use bytes::Bytes;
use std::sync::Arc;
use tidings_proto::frame::ServerFrame;
use tidings_proto::members::Members;
use tidings_proto::payload::DataRef;
use tidings_proto::presence::{Reason, Status};
use tidings_proto::wire;

impl<W> Board<W> {
    /// A session is in a channel. `told` and `info` are what the client says of itself; where it says nothing, what it said
    /// before its connection was lost.
    #[expect(clippy::too_many_arguments, reason = "what a subscription is made of")]
    pub fn join(
        &mut self,
        device: DeviceId,
        channel: &Arc<str>,
        attendance: Attendance,
        to: W,
        told: Option<bool>,
        info: Option<DataRef<'_>>,
        now: Now,
    ) {
        let Some(found) = self.devices.find_mut(device) else { return };
        let Some(person) = self.people.slab.find(found.person) else { return };
        let (user, is_hidden) = (Arc::clone(&person.name), person.live.status == Status::Invisible);
        let room = self.rooms.find_or_add(channel, attendance);
        let stays = &mut found.more().stays;
        let at = stays.iter().position(|stay| *stay.channel == **channel).unwrap_or_else(|| {
            stays.push(Stay { channel: Arc::clone(channel), line: Line::Gone, is_told: false, info: None });
            stays.len() - 1
        });
        let stay = &mut stays[at];
        let is_new = stay.line == Line::Gone;
        stay.line = Line::Here;
        stay.is_told = told.unwrap_or(stay.is_told);
        let has_info = info.is_some();
        if let Some(info) = info {
            stay.info = Some(Arc::new(info.to_data()));
        }
        let (is_told, info) = (stay.is_told, stay.info.clone());
        if is_told && let Some(room) = self.rooms.slab.find_mut(room) {
            room.listeners.push((device, to));
        }
        if !is_new && !has_info {
            return;
        }
        if let Some(room) = self.rooms.slab.find_mut(room) {
            room.members.entry(Arc::clone(&user)).or_insert_with(|| Member {
                devices: 0,
                info: None,
                at_ms: now.wall_ms,
                reason: Reason::Connected,
                is_hidden,
                is_told: false,
                has_new_info: false,
                is_dirty: false,
                is_asked: false,
            });
        }
        self.rooms.change(room, &user, |member| {
            if member.devices == 0 {
                member.at_ms = now.wall_ms;
                member.reason = Reason::Connected;
            }
            member.devices += u32::from(is_new);
            member.is_hidden = is_hidden;
            if info.is_some() && member.info != info {
                member.info = info;
                member.has_new_info = true;
            }
        });
    }

    /// A session is in a channel no more, by its client's wish or because it may not be.
    pub fn part(&mut self, device: DeviceId, channel: &str, now: Now) {
        let Some(found) = self.devices.find_mut(device) else { return };
        let Some(user) = self.people.slab.find(found.person).map(|person| Arc::clone(&person.name)) else { return };
        let stays = &mut found.more().stays;
        let Some(at) = stays.iter().position(|stay| *stay.channel == *channel) else { return };
        let stay = stays.swap_remove(at);
        self.rooms.hush(channel, device);
        if stay.line != Line::Gone {
            self.rooms.leave(channel, &user, Reason::Left, now);
        }
        self.rooms.drop_if_empty(channel);
    }

    /// A client says something else of itself in a channel.
    pub fn inform(&mut self, device: DeviceId, channel: &str, info: Option<DataRef<'_>>) {
        let Some(room) = self.rooms.names.get(channel).copied() else { return };
        let Some(found) = self.devices.find_mut(device) else { return };
        let Some(user) = self.people.slab.find(found.person).map(|person| Arc::clone(&person.name)) else { return };
        let Some(stay) = found.more().stays.iter_mut().find(|stay| *stay.channel == *channel) else { return };
        stay.info = info.map(|info| Arc::new(info.to_data()));
        let info = stay.info.clone();
        self.rooms.change(room, &user, |member| {
            member.has_new_info |= member.info != info;
            member.info = info;
        });
    }

    /// Who is in a channel, or how many. Nobody, where nothing is kept of it.
    pub fn members<'b>(&'b mut self, channel: &'b str, lists: bool) -> Members<'b> {
        let room = self.rooms.names.get(channel).and_then(|key| self.rooms.slab.find_mut(*key));
        match room {
            Some(room) => room.asked(lists, self.rules.members_max),
            None => Members { channel, count: 0, complete: lists, members: Vec::new() },
        }
    }

    /// Whether a session is told who is in a channel.
    #[must_use]
    pub fn is_told(&self, device: DeviceId, channel: &str) -> bool {
        let more = self.devices.find(device).and_then(|device| device.more.as_ref());
        more.is_some_and(|more| more.stays.iter().any(|stay| *stay.channel == *channel && stay.is_told))
    }

    /// How many channels somebody is in.
    #[must_use]
    pub const fn rooms(&self) -> usize {
        self.rooms.slab.len()
    }

    /// Nothing is told to a device that has no connection.
    pub(super) fn hush_stays(&mut self, device: DeviceId) {
        let Self { devices, rooms, .. } = self;
        let Some(more) = devices.find(device).and_then(|device| device.more.as_ref()) else { return };
        for stay in &more.stays {
            rooms.hush(&stay.channel, device);
        }
    }

    /// A device has a connection again: it stays where it is as long as its channels may take to be joined again. Returns
    /// whether there are any.
    pub(super) fn await_stays(&mut self, device: DeviceId, until: Instant) -> bool {
        self.hush_stays(device);
        let Some(more) = self.devices.find_mut(device).and_then(|device| device.more.as_mut()) else { return false };
        let here = more.stays.iter_mut().filter(|stay| stay.line != Line::Gone);
        here.map(|stay| stay.line = Line::Lost(until)).count() > 0
    }

    /// A device is in no channel that it has not joined again in time.
    pub(super) fn end_awaited_stays(&mut self, device: DeviceId, now: Now) {
        self.end_stays_if(device, Reason::Lost, now, |line| matches!(line, Line::Lost(until) if until <= now.instant));
    }

    /// A device counts no more.
    pub(super) fn end_stays(&mut self, device: DeviceId, reason: Reason, now: Now) {
        self.end_stays_if(device, reason, now, |_| true);
    }

    fn end_stays_if(&mut self, device: DeviceId, reason: Reason, now: Now, ends: impl Fn(Line) -> bool) {
        let Self { devices, rooms, people, .. } = self;
        let Some(Device { more: Some(more), person, .. }) = devices.find_mut(device) else { return };
        let Some(person) = people.slab.find(*person) else { return };
        for stay in more.stays.iter_mut().filter(|stay| stay.line != Line::Gone && ends(stay.line)) {
            stay.line = Line::Gone;
            rooms.leave(&stay.channel, &person.name, reason, now);
        }
    }

    /// A user hides, or shows itself again.
    pub(super) fn hide_stays(&mut self, person: Key, is_hidden: bool, now: Now) {
        let Self { devices, rooms, people, .. } = self;
        let Some(person) = people.slab.find(person) else { return };
        for device in Device::chain(person.devices, devices) {
            for stay in device.more.iter().flat_map(|more| &more.stays) {
                let Some(room) = rooms.names.get(&stay.channel).copied() else { continue };
                rooms.change(room, &person.name, |member| {
                    member.is_hidden = is_hidden;
                    member.at_ms = now.wall_ms;
                    // Hiding is leaving, and showing oneself is coming.
                    member.reason = if is_hidden { Reason::Left } else { Reason::Connected };
                });
            }
        }
    }

    /// A device is no more.
    pub(super) fn drop_stays(&mut self, device: DeviceId) {
        let Self { devices, rooms, .. } = self;
        let Some(more) = devices.find_mut(device).and_then(|device| device.more.as_mut()) else { return };
        for stay in std::mem::take(&mut more.stays) {
            rooms.hush(&stay.channel, device);
            rooms.drop_if_empty(&stay.channel);
        }
    }

    pub(super) fn has_more_rooms(&self) -> bool {
        !self.rooms.dirty.is_empty()
    }

    /// Counts that were told a moment ago are looked at again.
    pub(super) fn hold_rooms_no_more(&mut self) {
        let Rooms { dirty, held, .. } = &mut self.rooms;
        dirty.extend(held.drain(..));
    }
}

impl<W: Subscriber + Clone> Board<W> {
    /// Tells what has changed in the next channel. `None` if there is none.
    pub(super) fn tell_next_room(&mut self, now: Now, effects: &mut impl Effects<W>) -> Option<u64> {
        let key = self.rooms.dirty.pop_front()?;
        let members_max = self.rules.members_max;
        let Some(room) = self.rooms.slab.find_mut(key) else { return Some(0) };
        let is_large = room.is_large(members_max);
        if is_large && room.due > now.instant {
            self.rooms.held.push(key);
            return Some(0);
        }
        room.is_dirty = false;
        let changes = room.take_changes();
        let told = if is_large || room.is_counted {
            let is_asked = std::mem::take(&mut room.is_asked);
            let is_news = room.count != room.told_count || is_large != room.is_counted || is_asked;
            room.is_counted = is_large;
            room.due = now.instant + COUNT_MS;
            let frame = [ServerFrame::Members(room.snapshot(true, members_max))];
            if is_news { room.tell(&frame, effects) } else { (0, Vec::new()) }
        } else {
            let frames = room.frames(&changes);
            room.tell(&frames, effects)
        };
        room.told_count = room.count;
        let (told, behind) = told;
        for device in behind {
            if !room.behind.contains(&device) {
                room.behind.push(device);
            }
        }
        room.forget(&changes);
        let name = Arc::clone(&room.name);
        self.rooms.drop_if_empty(&name);
        Some(told)
    }

    /// Tells a session that had no room who is in its channels by now.
    pub fn forward_rooms(&mut self, device: DeviceId, effects: &mut impl Effects<W>) {
        let members_max = self.rules.members_max;
        let Self { devices, rooms, .. } = self;
        let Some(more) = devices.find(device).and_then(|device| device.more.as_ref()) else { return };
        for stay in more.stays.iter().filter(|stay| stay.is_told) {
            let Some(room) = rooms.names.get(&stay.channel).and_then(|key| rooms.slab.find_mut(*key)) else { continue };
            let Some(at) = room.behind.iter().position(|behind| *behind == device) else { continue };
            let Some((_, to)) = room.listeners.iter().find(|(listener, _)| *listener == device) else { continue };
            let to = to.clone();
            let mut frames = Vec::new();
            wire::render(to.form(), None, &ServerFrame::Members(room.asked(true, members_max)), &mut frames);
            if effects.deliver(&to, &Bytes::from(frames), 0) == Delivery::Full {
                return;
            }
            room.behind.swap_remove(at);
        }
    }
}

//! Who watches whom.

use super::Board;
use super::device::DeviceId;
use super::slab::{Key, NONE};
use super::watcher::{NotWatched, Watcher};
use crate::stream::{Delivery, Effects, Subscriber};
use bytes::Bytes;
use std::sync::Arc;
use tidings_proto::frame::ServerFrame;
use tidings_proto::wire;

impl<W: Subscriber> Board<W> {
    /// A session watches users from now on; those that it watches already are passed over. Returns how many it watches.
    ///
    /// # Errors
    /// A limit is reached, and nothing has changed.
    pub fn watch<'u>(
        &mut self,
        device: DeviceId,
        to: W,
        users: impl Iterator<Item = &'u str>,
    ) -> Result<usize, NotWatched> {
        let Some(found) = self.devices.find_mut(device) else { return Ok(0) };
        let person = found.person;
        let watcher = match found.watcher() {
            Some(watcher) => watcher,
            None => {
                let watcher = self.watchers.add(Watcher { to, person, users: Vec::new(), behind: Vec::new() });
                found.more().watcher = watcher;
                watcher
            }
        };
        let before = self.watchers.find(watcher).map_or(0, |watcher| watcher.users.len());
        let refused = users.map(|user| self.watch_one(watcher, user)).find(Result::is_err);
        if let Some(Err(refused)) = refused {
            // The newest are at the end.
            while let Some(key) = self.watchers.find_mut(watcher).filter(|list| list.users.len() > before) {
                let last = key.users.pop().unwrap_or(NONE);
                self.unlink(watcher, last);
            }
            self.drop_if_empty(device);
            return Err(refused);
        }
        let count = self.watchers.find_mut(watcher).map_or(0, |watcher| {
            shrink(&mut watcher.users);
            watcher.users.len()
        });
        self.drop_if_empty(device);
        Ok(count)
    }

    fn watch_one(&mut self, watcher: Key, user: &str) -> Result<(), NotWatched> {
        let known = self.people.find(user);
        let Some(list) = self.watchers.find_mut(watcher) else { return Ok(()) };
        if known.is_some_and(|key| list.users.contains(&key)) {
            return Ok(());
        }
        if list.users.len() >= self.rules.watched_max {
            return Err(NotWatched::TooMany);
        }
        if let Some(person) = known.and_then(|key| self.people.slab.find(key))
            && person.watchers.len() >= self.rules.watchers_max
        {
            return Err(NotWatched::Crowded);
        }
        let name = match known.and_then(|key| self.people.slab.find(key)) {
            Some(person) => Arc::clone(&person.name),
            None => Arc::from(user),
        };
        let key = self.need(&name);
        let (Some(person), Some(list)) = (self.people.slab.find_mut(key), self.watchers.find_mut(watcher)) else {
            return Ok(());
        };
        list.users.push(key);
        push_close(&mut person.watchers, watcher);
        Ok(())
    }
}

impl<W> Board<W> {
    /// A session watches users no more. Returns how many it still watches.
    pub fn unwatch<'u>(&mut self, device: DeviceId, users: impl Iterator<Item = &'u str>) -> usize {
        let Some(watcher) = self.devices.find(device).and_then(|device| device.watcher()) else { return 0 };
        for user in users {
            let Some(key) = self.people.find(user) else { continue };
            let Some(list) = self.watchers.find_mut(watcher) else { continue };
            if let Some(at) = list.users.iter().position(|watched| *watched == key) {
                list.users.swap_remove(at);
                list.behind.retain(|behind| *behind != key);
                self.unlink(watcher, key);
            }
        }
        let left = self.watchers.find(watcher).map_or(0, |watcher| watcher.users.len());
        self.drop_if_empty(device);
        left
    }

    /// Whom a session watches, or watched when its connection was lost: to be watched again by whoever resumes it. They
    /// stay remembered until [`Board::rewatched`].
    #[must_use]
    pub fn watched(&mut self, device: DeviceId) -> Vec<Arc<str>> {
        self.park_watched(device);
        self.devices.find(device).and_then(|device| device.more.as_ref()).map_or_else(Vec::new, |m| m.parked.clone())
    }

    /// What a session watched before is watched again, as far as it may be.
    pub fn rewatched(&mut self, device: DeviceId) {
        if let Some(more) = self.devices.find_mut(device).and_then(|device| device.more.as_mut()) {
            more.parked = Vec::new();
        }
    }

    fn unlink(&mut self, watcher: Key, user: Key) {
        let Some(person) = self.people.slab.find_mut(user) else { return };
        if let Some(at) = person.watchers.iter().position(|other| *other == watcher) {
            person.watchers.swap_remove(at);
            if person.watchers.len() * 2 < person.watchers.capacity() {
                person.watchers.shrink_to_fit();
            }
        }
        self.part_with(user);
    }

    /// Takes a session's list apart, and remembers the names on it.
    pub(super) fn park_watched(&mut self, device: DeviceId) {
        let Some(list) = self.devices.find(device).and_then(|device| device.watcher()) else { return };
        let users = self.watchers.find(list).map_or_else(Vec::new, |list| list.users.clone());
        let names = users.iter().filter_map(|key| self.people.slab.find(*key)).map(|person| Arc::clone(&person.name));
        let names: Vec<_> = names.collect();
        self.drop_watcher(device);
        if let Some(found) = self.devices.find_mut(device) {
            let parked = &mut found.more().parked;
            if parked.is_empty() {
                *parked = names;
            } else {
                let new: Vec<_> = names.into_iter().filter(|name| !parked.contains(name)).collect();
                parked.extend(new);
            }
        }
    }

    pub(super) fn drop_watcher(&mut self, device: DeviceId) {
        let Some(found) = self.devices.find_mut(device) else { return };
        let Some(watcher) = found.watcher() else { return };
        found.more().watcher = NONE;
        let Some(list) = self.watchers.remove(watcher) else { return };
        for user in list.users {
            self.unlink(watcher, user);
        }
    }

    fn drop_if_empty(&mut self, device: DeviceId) {
        let watcher = self.devices.find(device).and_then(|device| device.watcher());
        if watcher.and_then(|watcher| self.watchers.find(watcher)).is_some_and(|list| list.users.is_empty()) {
            self.drop_watcher(device);
        }
    }
}

impl<W: Subscriber> Board<W> {
    /// Tells a session what it had no room for, as far as it has room now. What it hears is what its users are by then.
    pub fn forward(&mut self, device: DeviceId, effects: &mut impl Effects<W>) {
        let Some(watcher) = self.devices.find(device).and_then(|device| device.watcher()) else { return };
        let Self { people, watchers, .. } = self;
        let Some(list) = watchers.find_mut(watcher) else { return };
        while let Some(key) = list.behind.pop() {
            let Some(person) = people.slab.find_mut(key) else { continue };
            let frame = ServerFrame::Status(person.asked(list.person == key));
            let mut frames = Vec::new();
            wire::render(list.to.form(), None, &frame, &mut frames);
            if effects.deliver(&list.to, &Bytes::from(frames), 0) == Delivery::Full {
                list.behind.push(key);
                return;
            }
        }
        list.behind = Vec::new();
    }
}

/// Adds to a list that grows by an eighth, as there are very many of them.
fn push_close(list: &mut Vec<Key>, key: Key) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / 8 + 2);
    }
    list.push(key);
}

fn shrink(list: &mut Vec<Key>) {
    if list.capacity() > list.len() + list.len() / 8 + 2 {
        list.shrink_to_fit();
    }
}

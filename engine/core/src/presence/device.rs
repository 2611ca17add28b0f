//! One device: a session, connected or parked.

use super::slab::{Key, NONE, Slab};
use crate::time::Instant;
use std::sync::Arc;
use tidings_proto::payload::Data;
use tidings_proto::presence::{Chosen, Status};

/// Names a device until it is forgotten.
pub type DeviceId = Key;

/// How a device is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// It is.
    Here,
    /// It has lost its connection, and counts as there until then.
    Lost(Instant),
    /// It does not count; its session may come back.
    Gone,
}

/// One device.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) person: Key,
    /// The next device of the same user.
    pub(crate) next: Key,
    pub(crate) line: Line,
    pub(crate) chosen: Chosen,
    pub(crate) is_idle: bool,
    /// Its session is over: when it counts no more, it is taken out.
    pub(crate) is_over: bool,
    /// What most devices have nothing of.
    pub(crate) more: Option<Box<More>>,
}

/// What a device watches, and where it is.
#[derive(Debug)]
pub(crate) struct More {
    /// Its list of users, if it watches any.
    pub(crate) watcher: Key,
    /// Whom it watched when its connection was lost.
    pub(crate) parked: Vec<Arc<str>>,
    /// The channels that it is in.
    pub(crate) stays: Vec<Stay>,
}

/// One device in one channel.
#[derive(Debug)]
pub(crate) struct Stay {
    /// The channel's name: it may have been forgotten since.
    pub(crate) channel: Arc<str>,
    pub(crate) line: Line,
    /// Whether it is told who is there.
    pub(crate) is_told: bool,
    pub(crate) info: Option<Arc<Data>>,
}

impl Device {
    pub(crate) const fn new(person: Key, next: Key) -> Self {
        Self { person, next, line: Line::Here, chosen: Chosen::Online, is_idle: false, is_over: false, more: None }
    }

    /// Whether it makes its user present.
    pub(crate) fn counts(&self) -> bool {
        self.line != Line::Gone
    }

    pub(crate) const fn status(&self) -> Status {
        match self.chosen {
            Chosen::Away => Status::Away,
            Chosen::Busy => Status::Busy,
            Chosen::Online | Chosen::Invisible if self.is_idle => Status::Idle,
            Chosen::Online | Chosen::Invisible => Status::Online,
        }
    }

    pub(crate) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_with(|| Box::new(More { watcher: NONE, parked: Vec::new(), stays: Vec::new() }))
    }

    /// Its list of users.
    pub(crate) fn watcher(&self) -> Option<Key> {
        self.more.as_ref().map(|more| more.watcher).filter(|watcher| *watcher != NONE)
    }

    /// From one device on, all of the same user.
    pub(crate) fn chain(first: Key, devices: &Slab<Self>) -> impl Iterator<Item = &Self> {
        std::iter::successors(devices.find(first), |device| devices.find(device.next))
    }
}

//! What the server wants of the world: to be woken, to have outboxes drained, to have it known what it did.

use super::inner::Inner;
use super::outbox::{Member, Outbox, Room};
use crate::fact::Fact;
use crate::name::{ConnId, StreamName};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use tidings_core::stream::{Delivery, Effects};

/// Gathered until the world takes it.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// To happen after so many milliseconds.
    pub(crate) wishes: Vec<(u64, Inner)>,
    pub(crate) dirty: BTreeSet<ConnId>,
    pub(crate) facts: Vec<Fact>,
    /// Connections that ask without reading the answers.
    pub(crate) unanswered: Vec<ConnId>,
}

impl Output {
    pub(crate) fn wish(&mut self, after_ms: u64, inner: Inner) {
        self.wishes.push((after_ms, inner));
    }

    pub(crate) fn note(&mut self, stream: Option<&StreamName>, line: impl Into<String>) {
        self.facts.push(Fact::Note { stream: stream.cloned(), line: line.into() });
    }
}

/// Where streams deliver to.
pub(crate) struct Fan<'a> {
    pub(crate) outboxes: &'a mut BTreeMap<ConnId, Outbox>,
    pub(crate) output: &'a mut Output,
    pub(crate) room: Room,
}

impl Fan<'_> {
    pub(crate) fn push(&mut self, to: ConnId, frames: Bytes, room: Room) -> Delivery {
        let Some(outbox) = self.outboxes.get_mut(&to) else { return Delivery::Taken };
        let delivery = outbox.push(frames, room);
        match delivery {
            Delivery::Taken => drop(self.output.dirty.insert(to)),
            Delivery::Full => self.output.facts.push(Fact::Full),
        }
        delivery
    }

    /// Enqueues answers.
    pub(crate) fn reply(&mut self, to: ConnId, frames: Bytes) {
        if self.push(to, frames, self.room.of_answers()) == Delivery::Full {
            self.output.unanswered.push(to);
        }
    }
}

impl Effects<Member> for Fan<'_> {
    fn deliver(&mut self, to: &Member, frames: &Bytes, _entries: u64) -> Delivery {
        self.push(to.conn, frames.clone(), self.room)
    }

    fn skipped(&mut self, _entries: u64) {}
}

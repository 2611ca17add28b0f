//! One connection as its client has it.

use super::heard::Heard;
use crate::frames::Told;
use crate::name::{ConnId, StreamName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidings_proto::id::{Epoch, Position};

/// What an answer answers.
#[derive(Debug, Clone)]
pub(crate) enum Asked {
    Connect,
    /// With the position that was given.
    Subscribe(Arc<str>, Option<Position>),
    Unsubscribe,
    /// Whether with the client's own token.
    Refresh {
        own: bool,
    },
    Publish(usize),
    History(Looking),
    Present(&'static str),
    Watch(Vec<Arc<str>>),
}

/// What it asked to see.
#[derive(Debug, Clone)]
pub(crate) struct Looking {
    pub(crate) stream: StreamName,
    pub(crate) since: Option<Position>,
    pub(crate) before: Option<Position>,
    pub(crate) limit: usize,
}

/// What must become of a `resume`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Nothing was asked for.
    New,
    /// It is its own session.
    Own,
    /// It is not.
    Refused,
}

/// A stream that is read over this connection.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) stream: StreamName,
    pub(crate) epoch: Epoch,
    /// The last offset that this connection brought, or began behind.
    pub(crate) last: Option<u64>,
    /// A gap was promised and comes next.
    pub(crate) gap_due: bool,
    /// What was acknowledged over this connection.
    pub(crate) marked: u64,
}

/// The connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) conn: ConnId,
    /// The start of the server that took it.
    pub(crate) life: u64,
    pub(crate) received: Vec<u8>,
    pub(crate) opened_ms: u64,
    pub(crate) live_since: Option<u64>,
    pub(crate) heard_ms: u64,
    pub(crate) streams: BTreeMap<u32, Reading>,
    pub(crate) asked: BTreeMap<u64, Asked>,
    /// Positions that it gave the server with `connect`.
    pub(crate) given: BTreeMap<StreamName, Position>,
    pub(crate) expected: Expected,
    /// Ephemeral publications that came over it.
    pub(crate) passed: BTreeSet<usize>,
    /// What it was told of who is there.
    pub(crate) told: Heard,
}

impl Link {
    pub(crate) fn reading(&self, stream: &StreamName) -> Option<&Reading> {
        self.streams.values().find(|reading| reading.stream == *stream)
    }

    /// The stream that a frame is about.
    pub(crate) fn stream_of(&self, told: &Told) -> Option<&StreamName> {
        let number = match told {
            Told::Entry(entry) => entry.stream,
            Told::Gap(gap) => gap.stream,
            _ => return None,
        };
        self.streams.get(&number).map(|reading| &reading.stream)
    }

    pub(crate) fn is_asking(&self, channel: &str) -> bool {
        self.asked.values().any(|asked| matches!(asked, Asked::Subscribe(name, _) if **name == *channel))
    }
}

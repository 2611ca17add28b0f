//! Connections between clients and the server: late, slow, cut anywhere, and half open.

use crate::name::ConnId;
use crate::random::Random;
use std::collections::BTreeMap;

/// One direction of a connection.
#[derive(Debug, Default)]
struct Way {
    /// Nothing arrives before what was sent before it.
    last_ms: u64,
    /// Nothing arrives any more.
    dead: bool,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) client: usize,
    up: Way,
    down: Way,
    /// It is cut: one last piece may arrive in part.
    pub(crate) cut: bool,
    /// Somebody will drain it.
    pub(crate) draining: bool,
    /// Its client reads this many bytes at once, and then nothing for so long.
    pub(crate) reads: (usize, u64),
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Towards {
    Server,
    Client,
}

/// All connections.
#[derive(Debug)]
pub(crate) struct Net {
    pub(crate) wires: BTreeMap<ConnId, Wire>,
    random: Random,
    delay_ms: u64,
}

impl Net {
    pub(crate) const fn new(random: Random, delay_ms: u64) -> Self {
        Self { wires: BTreeMap::new(), random, delay_ms }
    }

    pub(crate) fn open(&mut self, conn: ConnId, client: usize, reads: (usize, u64)) {
        let wire = Wire { client, up: Way::default(), down: Way::default(), cut: false, draining: false, reads };
        self.wires.insert(conn, wire);
    }

    /// When something that is sent now arrives; behind what was sent before.
    pub(crate) fn arrival(&mut self, conn: ConnId, towards: Towards, now_ms: u64) -> u64 {
        let delay_ms = self.random.below(self.delay_ms + 1);
        let Some(wire) = self.wires.get_mut(&conn) else { return now_ms + delay_ms };
        let way = wire.way(towards);
        way.last_ms = way.last_ms.max(now_ms + delay_ms);
        way.last_ms
    }

    /// What of a piece arrives.
    pub(crate) fn arrives(&mut self, conn: ConnId, towards: Towards, mut bytes: Vec<u8>) -> Vec<u8> {
        let Some(wire) = self.wires.get_mut(&conn) else { return Vec::new() };
        let cut = wire.cut;
        let way = wire.way(towards);
        if way.dead {
            return Vec::new();
        }
        if cut {
            way.dead = true;
            bytes.truncate(self.random.index(bytes.len() + 1));
        }
        bytes
    }
}

impl Wire {
    const fn way(&mut self, towards: Towards) -> &mut Way {
        match towards {
            Towards::Server => &mut self.up,
            Towards::Client => &mut self.down,
        }
    }
}

//! Sessions as their clients know them: what outlives a connection.

use crate::name::ConnId;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidings_core::presence::DeviceId;
use tidings_proto::id::{Position, Secret, SessionId};

/// The channels of a session, and what its client surely has of each.
pub(crate) type Channels = Vec<(Arc<str>, Position)>;

/// One session.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) secret: Secret,
    pub(crate) user: Arc<str>,
    /// Rises with each connection.
    pub(crate) generation: u64,
    /// What it is among those who are present.
    pub(crate) device: DeviceId,
    pub(crate) state: State,
}

#[derive(Debug)]
pub(crate) enum State {
    Live(ConnId),
    /// It waits until then.
    Parked(Channels, u64),
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    pub(crate) map: BTreeMap<SessionId, Identity>,
}

impl Identities {
    pub(crate) fn parked(&self) -> usize {
        self.map.values().filter(|identity| matches!(identity.state, State::Parked(..))).count()
    }

    /// Whether a session has still the connection of this generation.
    pub(crate) fn has(&self, session: SessionId, generation: u64) -> bool {
        self.map.get(&session).is_some_and(|identity| identity.generation == generation)
    }

    /// The session has lost this connection and waits for another. Nothing changes when it has another already, which the
    /// generation tells. Returns whether it waits: not when as many do as may, and then what it was is to be forgotten.
    pub(crate) fn park(
        &mut self,
        session: SessionId,
        generation: u64,
        channels: Channels,
        until: u64,
        max: usize,
    ) -> Result<(), Option<DeviceId>> {
        let room = self.parked() < max;
        let Some(identity) = self.map.get_mut(&session).filter(|identity| identity.generation == generation) else {
            return Err(None);
        };
        if room {
            identity.state = State::Parked(channels, until);
            return Ok(());
        }
        Err(self.map.remove(&session).map(|identity| identity.device))
    }

    /// The session is over, unless another connection has it. Returns what it was.
    pub(crate) fn remove(&mut self, session: SessionId, generation: u64) -> Option<DeviceId> {
        if !self.has(session, generation) {
            return None;
        }
        self.map.remove(&session).map(|identity| identity.device)
    }

    /// Those that have waited long enough are over. Returns what they were.
    pub(crate) fn expire(&mut self, now_ms: u64) -> Vec<DeviceId> {
        let is_over = |identity: &Identity| matches!(identity.state, State::Parked(_, until) if until <= now_ms);
        let over = self.map.values().filter(|identity| is_over(identity)).map(|identity| identity.device).collect();
        self.map.retain(|_, identity| !is_over(identity));
        over
    }
}

//! Sessions as their clients know them: what outlives a connection.

use crate::name::ConnId;
use std::collections::BTreeMap;
use std::sync::Arc;
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

    /// The session has lost this connection and waits for another. Nothing changes when it has another already, which the
    /// generation tells. Returns whether it waits: not when as many do as may.
    pub(crate) fn park(
        &mut self,
        session: SessionId,
        generation: u64,
        channels: Channels,
        until: u64,
        max: usize,
    ) -> bool {
        let room = self.parked() < max;
        let Some(identity) = self.map.get_mut(&session).filter(|identity| identity.generation == generation) else {
            return false;
        };
        if room {
            identity.state = State::Parked(channels, until);
        } else {
            self.map.remove(&session);
        }
        room
    }

    /// The session is over, unless another connection has it.
    pub(crate) fn remove(&mut self, session: SessionId, generation: u64) {
        if self.map.get(&session).is_some_and(|identity| identity.generation == generation) {
            self.map.remove(&session);
        }
    }

    /// Those that have waited long enough are over.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        self.map.retain(|_, identity| !matches!(identity.state, State::Parked(_, until) if until <= now_ms));
    }
}

//! Sessions as their clients know them: an id and a secret that outlive a connection, and what is left of a session while
//! it has none. No guard of the map leaves this file.

use crate::conn::{Channels, Conn};
use crate::sync::lock;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_core::time::Instant;
use tidings_proto::id::{Secret, SessionId};

/// How many sessions can change their connections at once.
const TAKE_OVERS: usize = 64;

/// One session.
struct Identity {
    secret: Secret,
    user: Arc<str>,
    state: State,
}

enum State {
    /// It has this connection. What an earlier one does late is not taken for its.
    Live(Arc<Conn>),
    /// It has none, and waits for one until then.
    Parked(Box<Channels>, Instant),
}

impl Identity {
    fn has(&self, conn: &Conn) -> bool {
        matches!(&self.state, State::Live(now) if std::ptr::eq(&**now, conn))
    }
}

/// What a session was when it was claimed.
pub(crate) enum Claimed {
    /// It had this connection, which must give up its channels.
    Live(Arc<Conn>),
    /// It waited.
    Parked(Channels),
}

/// A session as it was found.
pub(crate) struct Found {
    pub(crate) user: Arc<str>,
    /// `None` while it waits.
    pub(crate) conn: Option<Arc<Conn>>,
    /// While it waits.
    pub(crate) channels: Vec<Arc<str>>,
}

/// All sessions that are connected or wait.
pub(crate) struct Identities {
    map: DashMap<SessionId, Identity>,
    parked: AtomicUsize,
    parked_max: usize,
    /// The sessions of each user that wait, in the order in which they began to. Locked under the map's guard.
    by_user: Mutex<HashMap<Arc<str>, VecDeque<SessionId>>>,
    parked_per_user_max: usize,
    take_overs: [Mutex<()>; TAKE_OVERS],
}

impl Identities {
    pub(crate) fn new(parked_max: usize, parked_per_user_max: usize) -> Self {
        Self {
            by_user: Mutex::default(),
            parked_per_user_max,
            map: DashMap::new(),
            parked: AtomicUsize::new(0),
            parked_max,
            take_overs: [const { Mutex::new(()) }; TAKE_OVERS],
        }
    }

    /// Who holds this is alone in giving the session another connection: the next one finds all that this one has taken
    /// over. Taken before everything else.
    pub(crate) fn take_over(&self, session: SessionId) -> MutexGuard<'_, ()> {
        let at = usize::try_from(session.0 % TAKE_OVERS as u128).expect("below 64");
        lock(&self.take_overs[at])
    }

    /// A new session, under the id of its first connection.
    pub(crate) fn add(&self, conn: &Arc<Conn>, secret: Secret, user: Arc<str>) {
        self.map.insert(conn.session_id(), Identity { secret, user, state: State::Live(Arc::clone(conn)) });
    }

    /// The connection that a session has now.
    pub(crate) fn connection(&self, session: SessionId) -> Option<Arc<Conn>> {
        match &self.map.get(&session)?.state {
            State::Live(conn) => Some(Arc::clone(conn)),
            State::Parked(..) => None,
        }
    }

    /// A session, whatever it is doing: whose it is, its connection, and while it waits how many channels it is to have.
    pub(crate) fn find(&self, session: SessionId) -> Option<Found> {
        let identity = self.map.get(&session)?;
        let (conn, channels) = match &identity.state {
            State::Live(conn) => (Some(Arc::clone(conn)), Vec::new()),
            State::Parked(channels, _) => (None, channels.iter().map(|(name, _)| Arc::clone(name)).collect()),
        };
        Some(Found { user: Arc::clone(&identity.user), conn, channels })
    }

    /// The sessions of a user that wait, in the order in which they began to.
    pub(crate) fn parked_of(&self, user: &str) -> Vec<SessionId> {
        lock(&self.by_user).get(user).map_or_else(Vec::new, |waiting| waiting.iter().copied().collect())
    }

    /// The session is over: it is neither gone on with nor parked any more. Returns the connection that it had, which is
    /// to be closed; `None` if there is no such session.
    pub(crate) fn end(&self, session: SessionId) -> Option<Option<Arc<Conn>>> {
        let (_, identity) = self.map.remove(&session)?;
        Some(match identity.state {
            State::Live(conn) => Some(conn),
            State::Parked(..) => {
                self.waits_no_more(&identity.user, session);
                None
            }
        })
    }

    /// The connection that a session has now, if the secret is the session's.
    pub(crate) fn connection_for(&self, session: SessionId, secret: Secret) -> Option<Arc<Conn>> {
        let identity = self.map.get(&session)?;
        match &identity.state {
            State::Live(conn) if identity.secret.is(secret) => Some(Arc::clone(conn)),
            _ => None,
        }
    }

    /// The secret of a session that this connection has.
    pub(crate) fn secret(&self, session: SessionId) -> Option<Secret> {
        self.map.get(&session).map(|identity| identity.secret)
    }

    /// Gives a session another connection, if the secret and the user are its own.
    pub(crate) fn claim(&self, session: SessionId, secret: Secret, user: &str, conn: &Arc<Conn>) -> Option<Claimed> {
        let mut identity = self.map.get_mut(&session)?;
        if !identity.secret.is(secret) || *identity.user != *user {
            return None;
        }
        Some(match std::mem::replace(&mut identity.state, State::Live(Arc::clone(conn))) {
            State::Live(before) => Claimed::Live(before),
            State::Parked(channels, _) => {
                self.waits_no_more(&identity.user, session);
                Claimed::Parked(*channels)
            }
        })
    }

    /// The session has lost this connection and waits for another. Does nothing when it has another already. Returns
    /// whether it waits: not when as many do as may. Of one user as many wait as may be connected; the one that waits for
    /// longest makes room, so that nobody takes the places of others.
    pub(crate) fn park(&self, session: SessionId, conn: &Conn, channels: Channels, until: Instant) -> bool {
        let oldest = {
            let Entry::Occupied(mut entry) = self.map.entry(session) else { return false };
            if !entry.get().has(conn) {
                return false;
            }
            if self.parked.fetch_add(1, Ordering::Relaxed) >= self.parked_max {
                self.parked.fetch_sub(1, Ordering::Relaxed);
                entry.remove();
                return false;
            }
            entry.get_mut().state = State::Parked(Box::new(channels), until);
            let mut by_user = lock(&self.by_user);
            let waiting = by_user.entry(Arc::clone(&entry.get().user)).or_default();
            waiting.push_back(session);
            waiting.front().copied().filter(|_| waiting.len() > self.parked_per_user_max)
        };
        if let Some(oldest) = oldest {
            self.remove_parked(oldest, |_| true);
        }
        true
    }

    /// A session waits no more.
    fn waits_no_more(&self, user: &Arc<str>, session: SessionId) {
        self.parked.fetch_sub(1, Ordering::Relaxed);
        let mut by_user = lock(&self.by_user);
        if let Some(waiting) = by_user.get_mut(user) {
            waiting.retain(|waits| *waits != session);
            if waiting.is_empty() {
                by_user.remove(user);
            }
        }
    }

    fn remove_parked(&self, session: SessionId, is_over: impl Fn(Instant) -> bool) {
        let removed = self.map.remove_if(&session, |_, identity| match identity.state {
            State::Parked(_, until) => is_over(until),
            State::Live(_) => false,
        });
        if let Some((session, identity)) = removed {
            self.waits_no_more(&identity.user, session);
        }
    }

    /// The session is over, if it has still this connection.
    pub(crate) fn remove(&self, session: SessionId, conn: &Conn) {
        self.map.remove_if(&session, |_, identity| identity.has(conn));
    }

    /// The session is over if it has waited long enough.
    pub(crate) fn expire(&self, session: SessionId, now: Instant) {
        self.remove_parked(session, |until| until <= now);
    }

    /// How many wait.
    pub(crate) fn parked(&self) -> usize {
        self.parked.load(Ordering::Relaxed)
    }
}

//! Sessions as their clients know them: an id and a secret that outlive a connection, and what is left of a session while
//! it has none. No guard of the map leaves this file.
//!
//! A session that still has its first connection is not in the map: the connection itself says whether the session is its
//! own. That is given up only under the map's guard of the id, so nobody finds the session in both places.

use crate::conn::{Channels, Conn};
use crate::presence::Presence;
use crate::sessions::Sessions;
use crate::sync::lock;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_core::presence::DeviceId;
use tidings_core::time::{Instant, Now};
use tidings_proto::id::{Secret, SessionId};
use tidings_proto::presence::Reason;

/// How many sessions can change their connections at once.
const TAKE_OVERS: usize = 64;

/// A session that has lost its first connection.
struct Identity {
    secret: Secret,
    user: Arc<str>,
    /// What it is among those who are present.
    device: DeviceId,
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

/// The first connection of a session that still has it. To be asked for before the map is: who has given the session up
/// is not found here any more, and by then the map has it.
fn owner(sessions: &Sessions, session: SessionId) -> Option<Arc<Conn>> {
    sessions.find(session).filter(|first| first.owns_session())
}

/// The user of a connection's session. To be read before the map is locked: a session's lock comes first.
fn user_of(conn: &Conn) -> Option<Arc<str>> {
    lock(&conn.session).user().cloned()
}

/// What a session was when it was claimed.
pub(crate) enum Claimed {
    /// It had this connection, which must give up its channels.
    Live(Arc<Conn>),
    /// It waited.
    Parked(Channels),
}

/// How a session parts with its connection.
#[derive(Clone, Copy)]
pub(crate) struct Parting {
    /// How long it waits for another.
    pub(crate) until: Instant,
    /// Why its user has gone; `None` when the connection was lost.
    pub(crate) left: Option<Reason>,
    pub(crate) now: Now,
}

/// A session as it was found.
pub(crate) struct Found {
    pub(crate) user: Arc<str>,
    /// `None` while it waits.
    pub(crate) conn: Option<Arc<Conn>>,
    /// While it waits.
    pub(crate) channels: Vec<Arc<str>>,
}

/// All sessions that wait, or have another connection than their first.
pub(crate) struct Identities {
    map: DashMap<SessionId, Identity>,
    parked: AtomicUsize,
    parked_max: usize,
    /// The sessions of each user that wait, in the order in which they began to. Locked under the map's guard.
    by_user: Mutex<HashMap<Arc<str>, VecDeque<SessionId>>>,
    parked_per_user_max: usize,
    take_overs: [Mutex<()>; TAKE_OVERS],
    presence: Presence,
}

impl Identities {
    pub(crate) fn new(parked_max: usize, parked_per_user_max: usize, presence: Presence) -> Self {
        Self {
            presence,
            by_user: Mutex::default(),
            parked_per_user_max,
            map: DashMap::new(),
            parked: AtomicUsize::new(0),
            parked_max,
            take_overs: [const { Mutex::new(()) }; TAKE_OVERS],
        }
    }

    /// Who is there, among others by these sessions.
    pub(crate) const fn presence(&self) -> &Presence {
        &self.presence
    }

    /// What a session is among those who are present, if it has still this connection.
    pub(crate) fn device_of(&self, session: SessionId, conn: &Conn) -> Option<DeviceId> {
        if conn.owns_session() {
            return Some(conn.device());
        }
        self.map.get(&session).filter(|identity| identity.has(conn)).map(|identity| identity.device)
    }

    /// A session is over, and its user was sent away.
    fn is_ended(&self, device: DeviceId, now: Now) {
        self.presence.left(device, Reason::Ended, now);
        self.presence.forget(device);
    }

    /// Who holds this is alone in giving the session another connection: the next one finds all that this one has taken
    /// over. Taken before everything else.
    pub(crate) fn take_over(&self, session: SessionId) -> MutexGuard<'_, ()> {
        let at = usize::try_from(session.0 % TAKE_OVERS as u128).expect("below 64");
        lock(&self.take_overs[at])
    }

    /// The connection that a session has now.
    pub(crate) fn connection(&self, sessions: &Sessions, session: SessionId) -> Option<Arc<Conn>> {
        if let Some(first) = owner(sessions, session) {
            return Some(first);
        }
        match &self.map.get(&session)?.state {
            State::Live(conn) => Some(Arc::clone(conn)),
            State::Parked(..) => None,
        }
    }

    /// A session, whatever it is doing: whose it is, its connection, and while it waits how many channels it is to have.
    pub(crate) fn find(&self, sessions: &Sessions, session: SessionId) -> Option<Found> {
        if let Some(first) = owner(sessions, session) {
            return Some(Found { user: user_of(&first)?, conn: Some(first), channels: Vec::new() });
        }
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
    pub(crate) fn end(&self, sessions: &Sessions, session: SessionId, now: Now) -> Option<Option<Arc<Conn>>> {
        let first = sessions.find(session);
        let identity = match self.map.entry(session) {
            Entry::Occupied(entry) => entry.remove(),
            Entry::Vacant(_) => {
                let first = first.filter(|first| first.give_up_session())?;
                self.is_ended(first.device(), now);
                return Some(Some(first));
            }
        };
        self.is_ended(identity.device, now);
        Some(match identity.state {
            State::Live(conn) => Some(conn),
            State::Parked(..) => {
                self.waits_no_more(&identity.user, session);
                None
            }
        })
    }

    /// The connection that a session has now, if the secret is the session's.
    pub(crate) fn connection_for(&self, sessions: &Sessions, session: SessionId, secret: Secret) -> Option<Arc<Conn>> {
        if let Some(first) = owner(sessions, session) {
            return Some(first).filter(|first| first.secret().is(secret));
        }
        let identity = self.map.get(&session)?;
        match &identity.state {
            State::Live(conn) if identity.secret.is(secret) => Some(Arc::clone(conn)),
            _ => None,
        }
    }

    /// The secret of a session that has another connection than its first, and what it is among those who are present.
    pub(crate) fn secret(&self, session: SessionId) -> Option<(Secret, DeviceId)> {
        self.map.get(&session).map(|identity| (identity.secret, identity.device))
    }

    /// Gives a session another connection, if the secret and the user are its own. No session is locked.
    pub(crate) fn claim(
        &self,
        sessions: &Sessions,
        (session, secret): (SessionId, Secret),
        user: &str,
        conn: &Arc<Conn>,
    ) -> Option<Claimed> {
        let first = sessions.find(session).filter(|first| first.secret().is(secret));
        let first = first.and_then(|first| Some((user_of(&first).filter(|its| **its == *user)?, first)));
        let mut entry = match self.map.entry(session) {
            Entry::Occupied(entry) => entry,
            Entry::Vacant(place) => {
                let (user, first) = first.filter(|(_, first)| first.give_up_session())?;
                let device = first.device();
                place.insert(Identity { secret, user, device, state: State::Live(Arc::clone(conn)) });
                return Some(Claimed::Live(first));
            }
        };
        let identity = entry.get_mut();
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
    /// longest makes room, so that nobody takes the places of others. No session is locked.
    pub(crate) fn park(&self, session: SessionId, conn: &Conn, channels: Channels, parting: Parting) -> bool {
        let Parting { until, left, now } = parting;
        let user = user_of(conn);
        let oldest = {
            let entry = self.map.entry(session);
            let (secret, user, device) = match (&entry, user) {
                (Entry::Occupied(entry), _) if entry.get().has(conn) => {
                    (entry.get().secret, Arc::clone(&entry.get().user), entry.get().device)
                }
                (Entry::Vacant(_), Some(user)) if conn.give_up_session() => (conn.secret(), user, conn.device()),
                _ => return false,
            };
            match left {
                Some(reason) => self.presence.left(device, reason, now),
                None => self.presence.lost(device, now),
            }
            if self.parked.fetch_add(1, Ordering::Relaxed) >= self.parked_max {
                self.parked.fetch_sub(1, Ordering::Relaxed);
                if let Entry::Occupied(entry) = entry {
                    entry.remove();
                }
                self.presence.forget(device);
                return false;
            }
            let state = State::Parked(Box::new(channels), until);
            let _guard = entry.insert(Identity { secret, user: Arc::clone(&user), device, state });
            let mut by_user = lock(&self.by_user);
            let waiting = by_user.entry(user).or_default();
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
            self.presence.forget(identity.device);
        }
    }

    /// The session is over, if it has still this connection.
    pub(crate) fn remove(&self, session: SessionId, conn: &Conn, now: Now) {
        match self.map.entry(session) {
            Entry::Occupied(entry) if entry.get().has(conn) => self.is_ended(entry.remove().device, now),
            Entry::Vacant(_) if conn.give_up_session() => self.is_ended(conn.device(), now),
            Entry::Occupied(_) | Entry::Vacant(_) => {}
        }
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

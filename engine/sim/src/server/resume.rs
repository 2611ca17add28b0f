//! Sessions that outlive their connections.

use super::Server;
use super::identities::{Channels, State};
use crate::bug::Bug;
use crate::fact::Fact;
use crate::name::{ConnId, StreamName};
use std::mem;
use std::sync::Arc;
use tidings_core::ask::Resumed;
use tidings_core::time::Now;
use tidings_proto::code::Code;
use tidings_proto::id::Position;

impl Server {
    /// Gives a connection the session that it wants to go on with, if that is its own. The connection that had it gives up
    /// its channels and is closed.
    pub(super) fn claim(&mut self, conn: ConnId, user: &Arc<str>, now: Now) -> Option<Resumed> {
        let (session, secret) = self.conns.get(&conn)?.session.as_ref()?.wants_to_resume()?;
        let (any_secret, any_user) = (self.has(Bug::SecretNotChecked), self.has(Bug::UserNotChecked));
        let identity = self.identities.map.get_mut(&session)?;
        let is_own = (any_secret || identity.secret.is(secret)) && (any_user || *identity.user == **user);
        let is_over = matches!(identity.state, State::Parked(_, until) if until <= now.instant.0);
        if !is_own || is_over {
            return None;
        }
        identity.generation += 1;
        let generation = identity.generation;
        let before = mem::replace(&mut identity.state, State::Live(conn));
        let channels = match before {
            State::Parked(channels, _) => channels,
            State::Live(old) => {
                let channels = self.give_up(old, now);
                self.say_goodbye(old, Code::Replaced, now);
                channels
            }
        };
        self.output.facts.push(Fact::Claimed(session));
        let found = self.conns.get_mut(&conn)?;
        found.identity = Some((session, generation));
        found.claimed.clone_from(&channels);
        let device = self.device(conn)?;
        let forgets = self.has(Bug::WatchForgotten);
        let watched = if forgets { Vec::new() } else { self.board.watched(device) };
        Some(Resumed { session, channels, watched })
    }

    /// Takes a connection's session out of every stream. Returns its channels, and what its client has of each.
    fn give_up(&mut self, conn: ConnId, now: Now) -> Channels {
        let Some(found) = self.conns.get_mut(&conn) else { return Vec::new() };
        let claimed = mem::take(&mut found.claimed);
        let device = found.device.clone();
        let Some(session) = &mut found.session else { return claimed };
        let user = session.user().cloned();
        let held: Vec<_> = session.channels().map(|held| (held.channel.stream.clone(), held.has)).collect();
        let streams: Vec<_> = session.end().collect();
        let has_of = |(stream, offset)| {
            let epoch = self.cells.map.get(&stream)?.stream.position().epoch;
            Some((stream.name, Position { epoch, offset }))
        };
        let mut channels: Channels = held.into_iter().filter_map(has_of).collect();
        // What it has resumed and not joined yet is not lost.
        channels.extend(claimed);
        if let Some(user) = user {
            self.still_there(user, device, now);
        }
        for stream in streams {
            self.leave(&stream, now);
        }
        channels
    }

    /// A user's device is connected.
    pub(super) fn still_there(&mut self, user: Arc<str>, device: Box<str>, now: Now) {
        if let Some((cell, _)) = self.cell(&StreamName::inbox(&user)) {
            cell.stream.still_there(&device, now);
            self.output.facts.push(Fact::Seen { user, device });
        }
    }

    /// A connection's session is over on this connection: it is parked, or ended.
    pub(super) fn part(&mut self, conn: ConnId, parks: bool, now: Now) {
        let user = self.conns.get(&conn).and_then(|conn| conn.session.as_ref()?.user().cloned());
        let channels = self.give_up(conn, now);
        let Some((session, generation)) = self.conns.get_mut(&conn).and_then(|conn| conn.identity.take()) else {
            return;
        };
        if self.has(Bug::StaleCleanUp)
            && let Some(identity) = self.identities.map.get(&session)
            && identity.generation != generation
            && let State::Live(new) = identity.state
        {
            self.give_up(new, now);
            if let Some(identity) = self.identities.map.remove(&session) {
                self.board.lost(identity.device, now);
                self.board.forget(identity.device);
            }
            return;
        }
        if self.identities.has(session, generation) || self.has(Bug::StaleLoss) {
            self.output.facts.extend(user.filter(|_| !self.has(Bug::StaleLoss)).map(Fact::Here));
            self.presence_lost(session, now);
        }
        let gone = if parks {
            let until = now.instant.0 + self.plan.times.resume;
            let parked = self.identities.park(session, generation, channels, until, self.plan.bounds.parked);
            if parked.is_ok() {
                self.output.facts.push(Fact::Parked { session, until_ms: until });
            }
            parked.err().flatten()
        } else {
            self.identities.remove(session, generation)
        };
        if let Some(device) = gone {
            self.board.forget(device);
        }
    }

    /// A connection is gone.
    pub(crate) fn gone(&mut self, conn: ConnId, now: Now) {
        if self.has(Bug::KeysForgotten) {
            let user = self.conns.get(&conn).and_then(|conn| conn.session.as_ref()?.user().cloned());
            self.forget_keys_of(user.as_deref());
        }
        self.part(conn, true, now);
        self.conns.remove(&conn);
        self.outboxes.remove(&conn);
        self.settle(now);
    }
}

//! Connections, and how sessions come to their inboxes.

use super::cells::Handle;
use super::identities::{Identity, State};
use super::inner::{Asking, Inner};
use super::turn::Turn;
use super::{Conn, Server};
use crate::bug::Bug;
use crate::fact::Fact;
use crate::name::{ConnId, StreamName};
use std::collections::btree_map::Entry;
use std::sync::Arc;
use tidings_core::ask::{Admission, Answer, Credential, Denial, Resumed, Token};
use tidings_core::grants::Grants;
use tidings_core::session::{Arrival, Effects, Session, Subscription};
use tidings_core::stream::InboxJoined;
use tidings_core::time::Now;
use tidings_proto::code::Code;
use tidings_proto::frame::{Connected, Inbox, ServerFrame, ToldLimits};
use tidings_proto::id::{Secret, SessionId};
use tidings_proto::wire::WireForm;

const LIMITS: ToldLimits = ToldLimits { message_bytes_max: 65_536, subscriptions_max: 100, messages_per_minute: 0 };

impl Server {
    /// A client has connected.
    pub(crate) fn connected(&mut self, conn: ConnId, form: WireForm, now: Now) {
        let session = Session::new(&self.plan.rules.limits, now, Arc::new(Grants::default()));
        let new = Conn {
            session: Some(session),
            form,
            received: Vec::new(),
            identity: None,
            device: "".into(),
            claimed: Vec::new(),
            closing_since: None,
            forwards: 0,
            token_ends_ms: None,
        };
        self.conns.insert(conn, new);
        self.outboxes.entry(conn).or_default();
        self.output.wish(1_000, Inner::Look { conn });
    }

    /// The host has answered.
    pub(super) fn answered(&mut self, conn: ConnId, token: Token, asking: &Asking, now: Now) {
        let answer = match asking {
            Asking::Connect { token } => self.admission(conn, token, now),
            Asking::Refresh { token } => self.refreshed(conn, token, now),
            Asking::Join { user, channel } if self.plan.may_join(user, channel) => Answer::Allowed,
            Asking::Watch { users } => Answer::Users(users.clone()),
            _ => Answer::Denied(Denial::forbidden()),
        };
        self.step(conn, now, |session, rules, turn| {
            session.answered(token, answer, rules, now, turn);
        });
        self.settle(now);
    }

    fn admission(&mut self, conn: ConnId, token: &str, now: Now) -> Answer {
        let Some(user) = self.plan.users.iter().find(|user| ***user == *token).cloned() else {
            return Answer::Denied(Denial::unauthorized());
        };
        let resumed = self.claim(conn, &user, now);
        self.admitted(conn, user, resumed, now)
    }

    /// Another token, for a session that goes on: whose it is, the session looks at.
    fn refreshed(&mut self, conn: ConnId, token: &str, now: Now) -> Answer {
        let Some(mut user) = self.plan.users.iter().find(|user| ***user == *token).cloned() else {
            return Answer::Denied(Denial::unauthorized());
        };
        let own =
            self.conns.get(&conn).and_then(|conn| conn.session.as_ref()).and_then(|session| session.user().cloned());
        if self.has(Bug::AnyTokenRefreshes)
            && let Some(own) = own
        {
            user = own;
        }
        self.admitted(conn, user, None, now)
    }

    fn admitted(&mut self, conn: ConnId, user: Arc<str>, resumed: Option<Resumed>, now: Now) -> Answer {
        let life = self.plan.times.token.map(|(shortest, longest)| self.start.random.between(shortest, longest));
        let ends_ms = life.map(|ms| now.wall_ms + ms);
        if let Some(conn) = self.conns.get_mut(&conn) {
            conn.token_ends_ms = ends_ms;
        }
        let expires_at_ms = ends_ms.filter(|_| !self.has(Bug::TokenNeverEnds));
        let credential = Credential::default();
        Answer::Admitted(Admission { user, grants: Arc::new(Grants::default()), expires_at_ms, credential, resumed })
    }

    /// The session has taken the token that the host has admitted last.
    pub(super) fn token_taken(&mut self, conn: ConnId, now: Now) {
        if let Some(ends_ms) = self.conns.get(&conn).and_then(|conn| conn.token_ends_ms) {
            let ends_ms = now.instant.0 + ends_ms.saturating_sub(now.wall_ms);
            self.output.facts.push(Fact::Token { conn, ends_ms });
        }
    }

    /// The session that a connection has from now on: the one it resumes, or a new one.
    fn identity(&mut self, conn: ConnId, user: &Arc<str>, now: Now) -> (SessionId, Secret) {
        let known = self.conns.get(&conn).and_then(|conn| conn.identity);
        if let Some((session, _)) = known
            && let Some(identity) = self.identities.map.get(&session)
        {
            let (secret, device) = (identity.secret, identity.device);
            self.board.resume(device, now);
            return (session, secret);
        }
        let (session, secret) = (SessionId(self.start.random.wide()), Secret(self.start.random.wide()));
        let device = self.board.open(user, None, now);
        let identity = Identity { secret, user: Arc::clone(user), generation: 1, device, state: State::Live(conn) };
        if let Entry::Vacant(free) = self.identities.map.entry(session) {
            free.insert(identity);
        }
        if let Some(conn) = self.conns.get_mut(&conn) {
            conn.identity = Some((session, 1));
        }
        (session, secret)
    }

    /// One look at a session: what is due, who reads nothing, who does not go.
    pub(super) fn look(&mut self, conn: ConnId, now: Now) {
        let Some(found) = self.conns.get(&conn) else { return };
        let closing_since = found.closing_since;
        let live = found.session.as_ref().filter(|session| session.is_live());
        if let Some(user) = live.and_then(|session| session.user().cloned()) {
            let device = found.device.clone();
            self.still_there(user, device, now);
        }
        let stuck = self.outboxes.get(&conn).and_then(|outbox| outbox.stuck_since);
        if closing_since.is_some_and(|since| now.instant.0 > since + self.plan.times.close) {
            self.gone(conn, now);
            return;
        }
        self.step(conn, now, |session, rules, turn| {
            session.tick(&rules.limits, now, turn);
        });
        if stuck.is_some_and(|since| now.instant.0 > since + self.plan.times.slow) {
            self.close(conn, Code::Slow, now);
        }
        self.output.wish(500, Inner::Look { conn });
        self.settle(now);
    }

    /// Whether a connection is still the server's.
    pub(crate) fn holds(&self, conn: ConnId) -> bool {
        self.conns.contains_key(&conn)
    }
}

impl Turn<'_> {
    pub(super) fn join_inbox(
        &mut self,
        id: Option<u64>,
        admission: &Admission,
        arrival: Arrival<'_>,
    ) -> Result<Subscription<Handle>, Denial> {
        let (stream, now) = (StreamName::inbox(&admission.user), self.now);
        let Arrival { device, since, present: _ } = arrival;
        if self.server.load(&stream, now).is_err() {
            return Err(Denial::new(Code::Unavailable, "the inbox cannot be read now"));
        }
        let member = self.server.member(self.conn);
        let missing = || Denial::new(Code::Internal, "the inbox was loaded and is gone");
        let (cell, mut fan) = self.server.cell(&stream).ok_or_else(missing)?;
        let InboxJoined { joined, delivered, read } = cell.stream.join_inbox(member, device, since, now, &mut fan);
        let (number, epoch) = (cell.stream.number(), cell.stream.position().epoch);
        let (session, secret) = self.server.identity(self.conn, &admission.user, now);
        let recovered = joined.recovered;
        let connected = Connected {
            session,
            secret,
            resumed: admission.resumed.is_some(),
            resume_ms: self.server.plan.times.resume,
            expires_in_ms: admission.expires_in_ms(now),
            user: &admission.user,
            inbox: Inbox { stream: number, epoch, offset: joined.offset, delivered, read, recovered },
            ping_ms: self.server.plan.rules.limits.ping_interval_ms,
            limits: LIMITS,
        };
        self.reply(id, &ServerFrame::Connected(connected));
        if let Some(gap) = joined.gap {
            self.reply(None, &ServerFrame::Gap(gap));
        }
        self.send_replies();
        self.server.output.facts.push(Fact::Here(Arc::clone(&admission.user)));
        self.server.output.facts.push(Fact::Seen { user: Arc::clone(&admission.user), device: device.into() });
        if let Some(conn) = self.server.conns.get_mut(&self.conn) {
            conn.device = device.into();
        }
        self.server.token_taken(self.conn, now);
        self.server.catch_up(&stream, joined.slot, now);
        let has = delivered;
        Ok(Subscription { channel: Handle { stream, number }, slot: joined.slot, has })
    }
}

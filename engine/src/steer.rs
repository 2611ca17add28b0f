//! What the host does to sessions: end them, subscribe and unsubscribe them.

use crate::conn::Conn;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::streams::with_channel;
use crate::turn::{Turn, close_session, end_if_revoked};
use std::sync::Arc;
use tidings_core::ask::Denial;
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::id::SessionId;
use tokio::task::yield_now;

/// How many sessions are looked at before others may run.
const YIELD_AFTER: usize = 256;

fn refused(denial: Denial) -> Error {
    let kind = match denial.code {
        Code::NotFound => ErrorKind::NotFound,
        Code::Limit => ErrorKind::Limit,
        Code::Unavailable => ErrorKind::Store,
        _ => ErrorKind::Input,
    };
    Error::new(kind, denial.message)
}

impl Engine {
    /// Ends every session of a user: those that are connected with close code 3504, and those that wait for their clients
    /// to come back. None of them can be resumed. Returns how many those were.
    pub fn disconnect_user(&self, user: &str) -> usize {
        let sessions = self.shared.sessions_of(user).into_iter();
        sessions.filter(|session| self.disconnect_session(*session)).count()
    }

    /// Ends a session: with close code 3504 if it is connected. It cannot be resumed. False if there is no such session.
    pub fn disconnect_session(&self, session: SessionId) -> bool {
        let Some(conn) = self.shared.identities.end(&self.shared.sessions, session, self.shared.clock.now()) else {
            return false;
        };
        if let Some(conn) = conn {
            close_session(&self.shared, &conn, Code::Disconnected);
        }
        true
    }

    /// Ends the sessions, of one user or of everybody, whose token was revoked: those of which
    /// [`Host::is_revoked`](crate::host::Host::is_revoked) says so. Their clients are told close code 3506, and the
    /// sessions cannot be resumed; those that wait for their clients to come back can be, with another token alone. Returns
    /// how many were ended.
    pub async fn end_revoked(&self, user: Option<&str>) -> usize {
        let connections = match user {
            Some(user) => self.shared.connections_of(user),
            None => self.shared.sessions.ids(),
        };
        let mut ended = 0;
        for (at, connection) in connections.into_iter().enumerate() {
            if let Some(conn) = self.shared.sessions.find(connection) {
                ended += usize::from(end_if_revoked(&self.shared, &conn));
            }
            if at % YIELD_AFTER == YIELD_AFTER - 1 {
                yield_now().await;
            }
        }
        ended
    }

    /// Subscribes a connected session to a channel, whatever its user's own rights are. The client is told by a
    /// `subscribed` without an id. False if it was subscribed already.
    ///
    /// As every channel, it is joined again when the session is resumed, if the user's rights cover it then or the host
    /// says yes.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if no such session is connected, [`ErrorKind::Input`] for a name that the protocol does not
    /// allow or a namespace that is not declared, [`ErrorKind::Limit`] if the session has as many channels as it may or
    /// there are `channels_max`, [`ErrorKind::Store`] if the channel cannot be read now.
    pub fn subscribe_session(&self, session: SessionId, channel: &str) -> Result<bool, Error> {
        let conn = self.connected(session)?;
        let name = ChannelName::parse(channel).map_err(|error| Error::new(ErrorKind::Input, error.text()))?;
        // What can fail is told to the host here, and not to the client.
        let found = with_channel(&self.shared, name, |_, _| ());
        found.map_err(|none| Error::from(crate::place::Failed::from(none)))?;
        let mut told = Ok(false);
        self.step(&conn, |session, turn| {
            told = session.subscribe_by_host(channel, &self.shared.settled.rules, turn.now, turn);
        });
        told.map_err(refused)
    }

    /// Ends a connected session's part in a channel. The client is told by an `unsubscribed` without an id. False if it was
    /// not subscribed.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if no such session is connected.
    pub fn unsubscribe_session(&self, session: SessionId, channel: &str) -> Result<bool, Error> {
        let conn = self.connected(session)?;
        let mut told = Ok(false);
        self.step(&conn, |session, turn| told = session.unsubscribe_by_host(channel, turn.now, turn));
        told.map_err(refused)
    }

    fn connected(&self, session: SessionId) -> Result<Arc<Conn>, Error> {
        let none = || Error::new(ErrorKind::NotFound, "no session of this id is connected");
        self.shared.identities.connection(&self.shared.sessions, session).ok_or_else(none)
    }

    fn step(
        &self,
        conn: &Arc<Conn>,
        step: impl FnOnce(&mut tidings_core::session::Session<Arc<crate::cell::Cell>>, &mut Turn<'_>),
    ) {
        let mut turn = Turn::new(&self.shared, conn);
        turn.step(|session, turn| step(session, turn));
        turn.finish();
    }
}

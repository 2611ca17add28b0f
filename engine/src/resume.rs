//! Sessions that outlive their connections: what is left when one is lost, and how another goes on with it.

use crate::identities::{Channels, Claimed};
use crate::sessions::Conn;
use crate::shared::{Shared, Timer};
use crate::sync::lock;
use crate::turn::close_session;
use std::sync::Arc;
use tidings_core::ask::Resumed;
use tidings_core::time::Now;
use tidings_proto::code::Code;
use tidings_proto::id::Position;

/// Gives the session that the client wants to go on with to this connection, if it is the client's own. The connection
/// that had it is closed. No session is locked.
pub(crate) fn take_over(shared: &Arc<Shared>, conn: &Arc<Conn>, user: &str) -> Option<Resumed> {
    let (session, secret) = lock(&conn.session).wants_to_resume()?;
    let connection = conn.outbox.session();
    let channels = match shared.identities.claim(session, secret, user, connection)? {
        Claimed::Parked(channels) => channels,
        Claimed::Live(before) => match shared.sessions.find(before) {
            Some(before) => {
                let channels = channels_of(&before);
                close_session(shared, &before, Code::Replaced);
                channels
            }
            // It is just being ended, and finds that the session is not its any more.
            None => Channels::new(),
        },
    };
    conn.go_on_with(session);
    shared.counters.resumed.add(1);
    Some(Resumed { session, channels })
}

/// The channels of a connection's session, and what its client surely has of each.
pub(crate) fn channels_of(conn: &Conn) -> Channels {
    let session = lock(&conn.session);
    session
        .channels()
        .map(|subscription| {
            let epoch = subscription.channel.stream().position().epoch;
            (Arc::clone(subscription.channel.shared_name()), Position { epoch, offset: subscription.has })
        })
        .collect()
}

/// The connection is lost or ended with `code`: the session waits for another, unless it is not to come back.
pub(crate) fn park(shared: &Shared, conn: &Conn, code: Option<Code>, channels: Channels, now: Now) {
    let (session, connection) = (conn.session_id(), conn.outbox.session());
    let over = matches!(code, Some(Code::Refused | Code::Flood | Code::Disconnected | Code::Replaced));
    if over || shared.is_stopping() {
        return shared.identities.remove(session, connection);
    }
    let until = now.instant + shared.settled.times.resume_window_ms;
    if shared.identities.park(session, connection, channels, until) {
        shared.add_timer(until, Timer::Parked(session));
    }
}

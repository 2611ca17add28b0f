//! Sessions that outlive their connections: what is left when one is lost, and how another goes on with it.

use crate::cell::Cell;
use crate::conn::{Channels, Conn};
use crate::identities::Claimed;
use crate::shared::{Shared, Timer};
use crate::sync::lock;
use std::sync::Arc;
use tidings_core::ask::Resumed;
use tidings_core::session::Session;
use tidings_core::time::Now;
use tidings_proto::code::Code;
use tidings_proto::id::{Position, SessionId};

/// A session that another connection takes over.
pub(crate) struct TakenOver {
    session: SessionId,
    channels: Channels,
    /// The connection that had it, to be closed with [`Code::Replaced`].
    pub(crate) before: Option<Arc<Conn>>,
}

/// Gives the session that the client wants to go on with to this connection, if it is the client's own. No session is
/// locked. The connection that had it is closed next, and then [`gone_on`] called.
pub(crate) fn take_over(shared: &Shared, conn: &Arc<Conn>, user: &str) -> Option<TakenOver> {
    let wanted = lock(&conn.session).wants_to_resume()?;
    let (session, _) = wanted;
    let taken = {
        let _alone = shared.identities.take_over(session);
        let (channels, before) = match shared.identities.claim(&shared.sessions, wanted, user, conn)? {
            Claimed::Parked(channels) => (channels, None),
            Claimed::Live(before) => {
                let channels = channels_of(&before, &lock(&before.session));
                (channels, Some(before))
            }
        };
        conn.carry(channels.clone());
        TakenOver { session, channels, before }
    };
    conn.go_on_with(session);
    Some(taken)
}

/// What the session is gone on with. `None` when the connection that took it over was lost meanwhile.
pub(crate) fn gone_on(shared: &Shared, conn: &Conn, taken: TakenOver) -> Option<Resumed> {
    let TakenOver { session, channels, .. } = taken;
    if lock(&conn.session).is_closed() {
        // It could not know that it has this session to park.
        park(shared, conn, None, channels, shared.clock.now());
        return None;
    }
    shared.counters.resumed.add(1);
    Some(Resumed { session, channels })
}

/// The channels of a connection's session, and what its client surely has of each. The session is locked.
pub(crate) fn channels_of(conn: &Conn, session: &Session<Arc<Cell>>) -> Channels {
    let joined = session.channels().map(|subscription| {
        let epoch = subscription.channel.stream().position().epoch;
        (Arc::clone(subscription.channel.shared_name()), Position { epoch, offset: subscription.has })
    });
    let mut channels: Channels = joined.collect();
    channels.extend(conn.carried());
    channels
}

/// The connection is lost or ended with `code`: the session waits for another, unless it is not to come back.
pub(crate) fn park(shared: &Shared, conn: &Conn, code: Option<Code>, channels: Channels, now: Now) {
    let session = conn.session_id();
    let over = matches!(code, Some(Code::Refused | Code::Flood | Code::Disconnected | Code::Replaced));
    if over || shared.is_stopping() {
        return shared.identities.remove(session, conn);
    }
    let until = now.instant + shared.settled.times.resume_window_ms;
    if shared.identities.park(session, conn, channels, until) {
        shared.add_timer(until, Timer::Parked(session));
    }
}

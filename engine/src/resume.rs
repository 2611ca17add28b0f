//! Sessions that outlive their connections: what is left when one is lost, and how another goes on with it.

use crate::cell::Cell;
use crate::conn::{Channels, Conn};
use crate::identities::{Claimed, Parting};
use crate::shared::{Shared, Timer};
use crate::sync::lock;
use std::sync::Arc;
use tidings_core::ask::Resumed;
use tidings_core::session::Session;
use tidings_core::time::Now;
use tidings_proto::code::Code;
use tidings_proto::id::{Position, SessionId};
use tidings_proto::presence::Reason;

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
        park(shared, conn, Ending::Lost, channels, shared.clock.now());
        return None;
    }
    shared.counters.resumed.add(1);
    let device = shared.identities.device_of(session, conn);
    let watched = device.map(|device| shared.presence().board().watched(device)).unwrap_or_default();
    Some(Resumed { session, channels, watched })
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

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Without a word.
    Lost,
    /// Its client has said goodbye.
    Left,
    /// The server has ended it.
    Closed(Code),
}

/// The connection has ended: the session waits for another, unless it is not to come back.
pub(crate) fn park(shared: &Shared, conn: &Conn, ending: Ending, channels: Channels, now: Now) {
    let session = conn.session_id();
    let sent_away = [Code::Refused, Code::Flood, Code::Disconnected, Code::Replaced, Code::Revoked];
    let over = matches!(ending, Ending::Closed(code) if sent_away.contains(&code));
    if over || shared.is_stopping() {
        return shared.identities.remove(session, conn, now);
    }
    let until = now.instant + shared.settled.times.resume_window_ms;
    let left = (ending == Ending::Left).then_some(Reason::Left);
    if shared.identities.park(session, conn, channels, Parting { until, left, now }) {
        shared.add_timer(until, Timer::Parked(session));
    }
}

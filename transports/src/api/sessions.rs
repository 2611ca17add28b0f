//! Sessions: what there is of them, their channels, and their end.

use super::{call::Call, problem::Problem};
use serde::{Deserialize, Serialize};
use tidings::{Code, inspect::SessionView};
use utoipa::ToSchema;

/// Whether a session has a connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It is connected.
    Connected,
    /// It waits for its client to come back.
    Parked,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    /// Its id.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    session: String,
    /// Whose it is.
    user: String,
    /// The client's name for its device, if it gave one; not known of a session that waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    device: Option<String>,
    /// Whether it has a connection.
    state: State,
    /// The channels that it is subscribed to, or will be again when it comes back.
    channels: Vec<String>,
}

impl From<SessionView> for Session {
    fn from(view: SessionView) -> Self {
        let SessionView { session, user, device, connected, channels, .. } = view;
        Self {
            session: session.to_string(),
            user: user.to_string(),
            device: device.map(String::from),
            state: if connected { State::Connected } else { State::Parked },
            channels: channels.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A session's id.
#[derive(ToSchema)]
#[schema(pattern = "^[0-9a-fA-F]{32}$")]
#[allow(dead_code, reason = "the form of a text in the document")]
pub(crate) struct SessionText(String);

/// A session
#[utoipa::path(
    get,
    path = "/sessions/{session}",
    tag = "sessions",
    params(("session" = SessionText, Path, description = "The session's id, as `connected` told it")),
    responses(
        (status = 200, description = "What there is of it", body = Session),
        (status = 404, description = "There is no such session", body = super::problem::ErrorBody),
    )
)]
pub(super) fn session(call: Call<'_>, session: &str) -> Result<Session, Problem> {
    call.find_session(session).map(|(_, view)| view.into())
}

/// A session that is over.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ended {
    /// Its id.
    session: String,
}

/// End a session
///
/// A connected one is closed with 3504; it cannot be resumed.
#[utoipa::path(
    post,
    path = "/sessions/{session}/disconnect",
    tag = "sessions",
    params(("session" = SessionText, Path, description = "The session's id, as `connected` told it")),
    responses((status = 200, description = "It is over", body = Ended))
)]
pub(super) fn disconnect(call: Call<'_>, session: &str) -> Result<Ended, Problem> {
    let (id, _) = call.find_session(session)?;
    if call.engine.disconnect_session(id) {
        return Ok(Ended { session: id.to_string() });
    }
    Err(Problem::new(Code::NotFound, "there is no session of this id"))
}

/// A channel for a session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Membership {
    /// The channel, `namespace:name`.
    #[schema(max_length = 128, pattern = "^[!-)+-9;-~]{1,32}:[!-)+-~]{1,126}$", example = "messaging:lobby")]
    channel: String,
}

/// Whether anything changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Changed {
    /// False if it was so already.
    changed: bool,
}

/// Subscribe a connected session to a channel
///
/// Whatever the user's own rights are. Its client is told by a `subscribed` without an id.
#[utoipa::path(
    post,
    path = "/sessions/{session}/subscribe",
    tag = "sessions",
    params(("session" = SessionText, Path, description = "The session's id, as `connected` told it")),
    request_body = Membership,
    responses((status = 200, description = "It is subscribed", body = Changed))
)]
pub(super) fn subscribe(call: Call<'_>, session: &str, membership: &Membership) -> Result<Changed, Problem> {
    let id = super::form::session(session)?;
    call.check_channel(&membership.channel)?;
    call.find_session(session)?;
    Ok(Changed { changed: call.engine.subscribe_session(id, &membership.channel)? })
}

/// Unsubscribe a connected session from a channel
///
/// Its client is told by an `unsubscribed` without an id.
#[utoipa::path(
    post,
    path = "/sessions/{session}/unsubscribe",
    tag = "sessions",
    params(("session" = SessionText, Path, description = "The session's id, as `connected` told it")),
    request_body = Membership,
    responses((status = 200, description = "It is not subscribed", body = Changed))
)]
pub(super) fn unsubscribe(call: Call<'_>, session: &str, membership: &Membership) -> Result<Changed, Problem> {
    let id = super::form::session(session)?;
    call.check_channel(&membership.channel)?;
    call.find_session(session)?;
    Ok(Changed { changed: call.engine.unsubscribe_session(id, &membership.channel)? })
}

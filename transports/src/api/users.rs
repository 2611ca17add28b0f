//! Users: their sessions, what waits for them, and their end.

use super::{call::Call, problem::Problem, send::UserId, sessions::Session};
use serde::Serialize;
use tidings::inspect::{Device as Known, InboxView};
use utoipa::ToSchema;

/// What waits for a user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Inbox {
    /// The inbox's epoch; not there without a store, when the user is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    epoch: Option<String>,
    /// Its last offset.
    offset: u64,
    /// Entries that some device of the user has not acknowledged. Without a store nothing waits.
    depth: u64,
    /// What they count for against `store.inbox.bytes_max`.
    bytes: u64,
    /// The oldest of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    oldest: Option<Oldest>,
}

/// The oldest entry that waits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Oldest {
    /// Its place.
    offset: u64,
    /// When the server took it, in milliseconds since 1970.
    at: u64,
}

/// A device of a user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Device {
    /// The client's name for it; empty for all sessions that gave none.
    device: String,
    /// It has acknowledged everything up to this offset.
    delivered: u64,
    /// Its user has read everything up to this offset.
    read: u64,
    /// Entries that wait for it.
    waiting: u64,
    /// When it was last seen, in milliseconds since 1970. Written down now and then while it is connected.
    seen_at: u64,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct User {
    /// The user's id.
    user: String,
    /// The user's sessions: those that are connected, and those that wait for their clients to come back.
    sessions: Vec<Session>,
    /// What waits for the user.
    inbox: Inbox,
    /// The user's devices, and how far each has come. The server knows them where it stores.
    devices: Vec<Device>,
}

/// A user's sessions, devices and inbox
///
/// Nobody knows who exists: a user who was never here is one without sessions and devices.
#[utoipa::path(
    get,
    path = "/users/{user}",
    tag = "users",
    params(("user" = UserId, Path, description = "The user's id, escaped as in every address")),
    responses((status = 200, description = "What there is of the user", body = User))
)]
pub(super) async fn user(call: Call<'_>, user: String) -> Result<User, Problem> {
    call.check_user(&user)?;
    let InboxView { position, depth, bytes, oldest, devices, .. } = call.engine.inbox(&user).await?;
    let offset = position.map_or(0, |position| position.offset);
    let first = offset + 1 - depth;
    let devices = devices.into_iter().map(|device| {
        let Known { name, delivered, read, seen_at } = device;
        let waiting = (offset + 1).saturating_sub(first.max(delivered + 1));
        Device { device: name.into(), delivered, read, waiting, seen_at }
    });
    let inbox = Inbox {
        epoch: position.map(|position| position.epoch.to_string()),
        offset,
        depth,
        bytes,
        oldest: oldest.map(|(offset, at)| Oldest { offset, at }),
    };
    let sessions = call.engine.sessions(&user).into_iter().map(Session::from).collect();
    Ok(User { sessions, inbox, devices: devices.collect(), user })
}

/// How many sessions were ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Disconnected {
    /// Sessions that were connected or waited for their clients to come back.
    disconnected: u64,
}

/// End all sessions of a user
///
/// Those that are connected are closed with 3504, and none can be resumed. The user may connect again with a good token.
#[utoipa::path(
    post,
    path = "/users/{user}/disconnect",
    tag = "users",
    params(("user" = UserId, Path, description = "The user's id, escaped as in every address")),
    responses((status = 200, description = "They are ended", body = Disconnected))
)]
pub(super) fn disconnect(call: Call<'_>, user: &str) -> Result<Disconnected, Problem> {
    call.check_user(user)?;
    Ok(Disconnected { disconnected: call.engine.disconnect_user(user) as u64 })
}

//! Presence: of users, and of who is in a channel.

use super::{call::Call, channels::ChannelName, path::Query, problem::Problem, send::UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings::presence::{ChannelMember, ChannelPresence, UserPresence};
use utoipa::ToSchema;

/// How present a user is, as it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Presence {
    /// The user's id.
    user: String,
    /// `online`, `busy`, `idle`, `away`, `invisible` (to others: offline), `offline` or `unknown`.
    status: &'static str,
    /// Since when, in milliseconds since 1970; not there where nothing is known of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    since: Option<u64>,
    /// Why, as in the protocol.
    reason: &'static str,
    /// Of who is offline: until when the last session was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_seen: Option<u64>,
    /// The user's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    text: Option<String>,
}

impl From<UserPresence> for Presence {
    fn from(presence: UserPresence) -> Self {
        let UserPresence { user, status, since_ms, reason, last_seen_ms, text, .. } = presence;
        Self { user, status: status.name(), since: since_ms, reason: reason.name(), last_seen: last_seen_ms, text }
    }
}

/// How present a user is
///
/// As it is: who hides is `invisible` here.
#[utoipa::path(
    get,
    path = "/users/{user}/presence",
    tag = "presence",
    params(("user" = UserId, Path, description = "The user's id, escaped as in every address")),
    responses((status = 200, description = "How present the user is", body = Presence))
)]
pub(super) fn user(call: Call<'_>, user: &str) -> Result<Presence, Problem> {
    call.check_user(user)?;
    Ok(call.engine.presence(user).into())
}

/// Users whose presence is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Their ids, at most `api.users_max`.
    #[schema(value_type = Vec<UserId>, min_items = 1)]
    users: Vec<String>,
}

/// How present users are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Presences {
    /// In the order in which they were named, all at the same moment.
    users: Vec<Presence>,
}

/// How present many users are
#[utoipa::path(
    post,
    path = "/presence",
    tag = "presence",
    request_body = Asked,
    responses((status = 200, description = "How present the users are", body = Presences))
)]
pub(super) fn users(call: Call<'_>, asked: Asked) -> Result<Presences, Problem> {
    let Asked { users } = asked;
    if users.is_empty() {
        return Err(Problem::bad("users: name one at least"));
    }
    if users.len() > call.limits.users_max {
        return Err(Problem::unfit(format!("api.users_max: at most {} users", call.limits.users_max)));
    }
    users.iter().try_for_each(|user| call.check_user(user))?;
    let names: Vec<&str> = users.iter().map(String::as_str).collect();
    Ok(Presences { users: call.engine.presence_of(&names).into_iter().map(Presence::from).collect() })
}

/// A user in a channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Member {
    /// The user's id.
    user: String,
    /// What the user says of itself there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, nullable = false)]
    info: Option<Box<RawValue>>,
    /// Since when the user is there, in milliseconds since 1970.
    at: u64,
}

/// Who is in a channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Members {
    /// The channel's name.
    channel: String,
    /// How many users are in it, without those that hide.
    count: u64,
    /// Whether `members` are all of them.
    complete: bool,
    /// All of them, some, or none.
    members: Vec<Member>,
}

/// Who is in a channel
///
/// Nobody, in a namespace that keeps no presence.
#[utoipa::path(
    get,
    path = "/channels/{channel}/presence",
    tag = "presence",
    params(
        ("channel" = ChannelName, Path, description = "The channel's name, escaped as in every address"),
        ("list" = Option<bool>, Query, description = "`false`: how many, without who")
    ),
    responses((status = 200, description = "Who is in it", body = Members))
)]
pub(super) fn channel(call: Call<'_>, channel: String, query: Option<&str>) -> Result<Members, Problem> {
    call.check_channel(&channel)?;
    let query = Query::read(query, &["list"])?;
    let list = match query.text("list") {
        None | Some("true") => true,
        Some("false") => false,
        Some(_) => return Err(Problem::bad("list is true or false")),
    };
    let ChannelPresence { count, complete, members, .. } = call.engine.channel_presence(&channel, list);
    let members = members.into_iter().map(|member| {
        let ChannelMember { user, info, at_ms, .. } = member;
        let info = info.and_then(|info| RawValue::from_string(info.to_json()).ok());
        Member { user, info, at: at_ms }
    });
    Ok(Members { count: count as u64, complete, members: members.collect(), channel })
}

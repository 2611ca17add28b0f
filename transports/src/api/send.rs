//! Sending to users.

use super::{
    call::Call,
    form,
    problem::Problem,
    publish::{Narrowed, Reached, Wait, data},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings::message::Message;
use utoipa::ToSchema;

/// An event for users.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sending {
    /// The users, each on every device: at most `api.users_max`, 1,000 by default. What is sent to several is on disk once.
    #[schema(
        min_items = 1,
        example = json!(["alice"]),
        value_type = Vec<UserId>
    )]
    users: Vec<String>,
    /// The namespace whose rules apply: how large it may be, and whether it waits for who is away. Without it, those of the
    /// inbox.
    #[schema(pattern = "^[!-)+-9;-~]{1,32}$", example = "messaging")]
    namespace: Option<String>,
    /// The event's name.
    #[schema(pattern = r"^[!#-\[\]-~]{1,64}$", example = "INVITATION")]
    event: String,
    /// Any value; `null` if it is not there.
    #[serde(default)]
    #[schema(value_type = Option<serde_json::Value>)]
    data: Option<Box<RawValue>>,
    /// The caller's own name for it, where there is one user.
    #[schema(min_length = 1, max_length = 128)]
    idempotency_key: Option<String>,
    /// Narrows it: it then reaches who is connected now, at most once.
    class: Option<Narrowed>,
    /// What to wait for.
    #[serde(default)]
    #[schema(default = "accepted")]
    wait: Wait,
}

/// A user's id: 1 to 128 bytes without control characters.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 128, pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$")]
#[allow(dead_code, reason = "the form of a text in the document")]
pub(crate) struct UserId(String);

/// What became of an event for users.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sent {
    /// To how many users it was sent.
    users: u64,
    /// Where it was sent to one user: how many sessions that user has connected now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sessions: Option<u64>,
    /// How far it has come.
    level: Reached,
    /// Users to whom it was not sent, because their inboxes are full.
    full: Vec<String>,
}

/// Send to users, on every device
#[utoipa::path(
    post,
    path = "/send",
    tag = "send",
    request_body = Sending,
    responses((status = 200, description = "It was sent", body = Sent))
)]
pub(super) async fn send(call: Call<'_>, sending: Sending) -> Result<Sent, Problem> {
    let Sending { users, namespace, event, data: value, idempotency_key, class, wait } = sending;
    if users.is_empty() {
        return Err(Problem::bad("users: name one at least"));
    }
    if users.len() > call.limits.users_max {
        return Err(Problem::unfit(format!("api.users_max: at most {} users", call.limits.users_max)));
    }
    users.iter().try_for_each(|user| call.check_user(user))?;
    let data = data(value)?;
    let mut message = Message::new(form::event(&event)?, &data);
    if let Some(namespace) = namespace.as_deref() {
        form::namespace(namespace)?;
        call.check_namespace(namespace)?;
        message = message.namespace(namespace);
    }
    if let Some(key) = form::idempotency_key(idempotency_key.as_deref())? {
        message = message.idempotency_key(key);
    }
    if class.is_some() {
        message = message.ephemeral();
    }
    match &users[..] {
        [user] => to_one(call, user, &message, wait).await,
        _ => to_many(call, users, &message, wait).await,
    }
}

async fn to_one(call: Call<'_>, user: &str, message: &Message<'_>, wait: Wait) -> Result<Sent, Problem> {
    let sent = match wait {
        Wait::Accepted => call.engine.send_accepted(user, message)?,
        Wait::Stored => call.engine.send_stored(user, message).await?,
    };
    Ok(Sent { users: 1, sessions: Some(sent.sessions as u64), level: sent.level.into(), full: Vec::new() })
}

async fn to_many(call: Call<'_>, users: Vec<String>, message: &Message<'_>, wait: Wait) -> Result<Sent, Problem> {
    let names: Vec<&str> = users.iter().map(String::as_str).collect();
    let (sent, level) = match wait {
        Wait::Accepted => (call.engine.send_to_each(&names, message)?, Reached::Accepted),
        Wait::Stored => (call.engine.send_to_each_stored(&names, message).await?, Reached::Stored),
    };
    let full = sent.full.iter().map(|at| users[*at].clone()).collect();
    Ok(Sent { users: sent.sent as u64, sessions: None, level, full })
}

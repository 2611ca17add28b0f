//! Names, in the form that the protocol allows. In an OpenAPI schema lengths are counted in characters, here in bytes: what
//! fits the schema and has too many bytes is not called malformed.

use super::problem::Problem;
use tidings::inspect::SessionId;
use tidings_proto::{
    channel::ChannelName,
    event::is_event,
    limit::{IDEMPOTENCY_KEY_BYTES_MAX, KEY_BYTES_MAX, USER_BYTES_MAX},
    user::is_user_id,
};

pub(super) fn channel(name: &str) -> Result<ChannelName<'_>, Problem> {
    ChannelName::parse(name).map_err(|error| Problem::bad(error.text()))
}

pub(super) fn namespace(name: &str) -> Result<&str, Problem> {
    // A channel of it can be named.
    let is_one = !name.contains(':') && ChannelName::parse(&format!("{name}:x")).is_ok();
    let text = "a namespace has 1 to 32 bytes of printable ASCII without space, colon and `*`";
    if is_one { Ok(name) } else { Err(Problem::bad(text)) }
}

pub(super) fn user(id: &str) -> Result<&str, Problem> {
    if is_user_id(id) {
        return Ok(id);
    }
    let text = "a user id has 1 to 128 bytes without control characters";
    Err(bytes(id, USER_BYTES_MAX, text))
}

pub(super) fn event(name: &str) -> Result<&str, Problem> {
    if is_event(name) {
        return Ok(name);
    }
    let text = "an event has 1 to 64 bytes of printable ASCII without space, quotation mark and backslash";
    Err(Problem::bad(text))
}

pub(super) fn key(key: Option<&str>) -> Result<Option<&str>, Problem> {
    within(key, KEY_BYTES_MAX, "a key has 1 to 128 bytes")
}

pub(super) fn idempotency_key(key: Option<&str>) -> Result<Option<&str>, Problem> {
    within(key, IDEMPOTENCY_KEY_BYTES_MAX, "an idempotency key has 1 to 128 bytes")
}

pub(super) fn session(id: &str) -> Result<SessionId, Problem> {
    id.parse().map_err(|_| Problem::bad("a session's id is 32 hexadecimal digits"))
}

fn within<'k>(key: Option<&'k str>, bytes_max: usize, text: &str) -> Result<Option<&'k str>, Problem> {
    match key {
        Some(key) if key.is_empty() || key.len() > bytes_max => Err(bytes(key, bytes_max, text)),
        key => Ok(key),
    }
}

fn bytes(text: &str, bytes_max: usize, message: &str) -> Problem {
    let fits_the_schema = !text.is_empty()
        && text.chars().count() <= bytes_max
        && !text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
    if fits_the_schema { Problem::unfit(message) } else { Problem::bad(message) }
}

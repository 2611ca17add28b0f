//! What a command must be like, whoever gives it.

use super::Refusal;
use super::asked::Wish;
use crate::limit::Limit;
use crate::policy::{Attendance, Class, Policy, PresenceRules};
use crate::stream::Publication;
use std::borrow::Cow;
use tidings_proto::code::Code;
use tidings_proto::command::{Connect, Resume, Subscribe, Wait};
use tidings_proto::event::is_event;
use tidings_proto::id::Position;
use tidings_proto::limit::{IDEMPOTENCY_KEY_BYTES_MAX, KEY_BYTES_MAX, POSITIONS_MAX};
use tidings_proto::payload::DataRef;
use tidings_proto::presence::Present;
use tidings_proto::user::{is_status_text, is_user_id};

/// What a `connect` asks for, if it is well-formed.
pub(super) fn wish(connect: &Connect<'_>) -> Result<Wish, Refusal> {
    let mut wish = Wish { device: connect.device.as_deref().map(Into::into), since: connect.since, ..Wish::default() };
    wish.present = connect.presence.as_ref().map(|present| Present {
        status: present.status,
        text: present.text.as_ref().map(|text| text.clone().into_owned().into()),
    });
    let Some(Resume { session, secret, positions }) = &connect.resume else { return Ok(wish) };
    wish.resume = Some((*session, *secret));
    if positions.len() > POSITIONS_MAX {
        return Err(Refusal::new(Code::BadRequest, "more positions than a resume may have"));
    }
    for named in positions {
        let position = Position { epoch: named.epoch, offset: named.offset };
        match (&named.channel, named.inbox) {
            (Some(channel), false) => wish.channels.push((channel.as_ref().into(), position)),
            (None, true) => wish.since = Some(position),
            _ => return Err(Refusal::new(Code::BadRequest, "a position is of a `channel` or of the `inbox`")),
        }
    }
    Ok(wish)
}

pub(super) fn check_key(key: Option<&str>, policy: &Policy) -> Result<(), Refusal> {
    match key {
        Some(_) if policy.class != Class::Latest => {
            Err(Refusal::new(Code::BadRequest, "a key has a meaning in namespaces of class latest alone"))
        }
        Some(key) if key.is_empty() || key.len() > KEY_BYTES_MAX => {
            Err(Refusal::new(Code::BadRequest, "a key has 1 to 128 bytes"))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_message(publication: &Publication<'_>, policy: &Policy) -> Result<(), Refusal> {
    let Publication { event, data, class, idempotency_key, wait, .. } = *publication;
    if !is_event(event) {
        let text = "an event has 1 to 64 bytes of printable ASCII without space, quotation mark and backslash";
        return Err(Refusal::new(Code::BadRequest, text));
    }
    if idempotency_key.is_some_and(|key| key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX) {
        return Err(Refusal::new(Code::BadRequest, "an idempotency key has 1 to 128 bytes"));
    }
    if data.bytes().len() > policy.data_bytes_max {
        let text = format!("data_bytes_max: at most {} bytes", policy.data_bytes_max);
        return Err(Refusal::limit(Limit::DataBytes, Code::TooLarge, text));
    }
    match (wait, class) {
        (Wait::Accepted, _) | (Wait::Stored, Class::Durable) => Ok(()),
        (Wait::Stored, Class::Ephemeral) => {
            Err(Refusal::new(Code::BadRequest, "what is ephemeral is stored nowhere; wait for `accepted`"))
        }
        (Wait::Stored, _) => {
            Err(Refusal::new(Code::Unavailable, "nothing of this namespace is kept on disk; wait for `accepted`"))
        }
    }
}

pub(super) fn check_users(users: &[Cow<'_, str>]) -> Result<(), Refusal> {
    if users.iter().all(|user| is_user_id(user)) {
        return Ok(());
    }
    Err(Refusal::new(Code::BadRequest, "a user id has 1 to 128 bytes without control characters"))
}

pub(super) fn check_present(present: &Present<'_>, rules: &PresenceRules) -> Result<(), Refusal> {
    let Some(text) = present.text.as_deref() else { return Ok(()) };
    if text.len() > rules.text_bytes_max {
        let most = rules.text_bytes_max;
        return Err(Refusal::new(Code::TooLarge, format!("text_bytes_max: a text of at most {most} bytes")));
    }
    if !is_status_text(text) {
        return Err(Refusal::new(Code::BadRequest, "a text is one line without control characters"));
    }
    Ok(())
}

/// What a `subscribe` says of presence.
pub(super) fn check_joining(
    subscribe: &Subscribe<'_, DataRef<'_>>,
    policy: &Policy,
    rules: &PresenceRules,
) -> Result<(), Refusal> {
    check_info(subscribe.info, rules)?;
    let wants = subscribe.info.is_some() || subscribe.presence == Some(true);
    if wants && policy.attendance == Attendance::None {
        return Err(no_attendance());
    }
    Ok(())
}

pub(super) fn check_info(info: Option<DataRef<'_>>, rules: &PresenceRules) -> Result<(), Refusal> {
    let most = rules.info_bytes_max;
    if info.is_some_and(|info| info.bytes().len() > most) {
        return Err(Refusal::new(Code::TooLarge, format!("info_bytes_max: an info of at most {most} bytes")));
    }
    Ok(())
}

pub(super) fn no_attendance() -> Refusal {
    Refusal::new(Code::BadRequest, "it is not kept who is in the channels of this namespace")
}

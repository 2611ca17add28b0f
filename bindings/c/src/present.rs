//! Presence as events.

use crate::draft::{Draft, Numbers, Texts};
use crate::event::{TidingsEventKind as Kind, TidingsPresenceReason, TidingsPresenceStatus};
use tidings::presence::{Change, Reason, Status, UserPresence};

/// A change of presence as an event.
pub(crate) fn change(change: &Change) -> Draft<'_> {
    let data = change.text.as_deref().unwrap_or_default().as_bytes();
    let texts = Texts { user: &change.user, data, ..Texts::default() };
    told(texts, change.status, change.reason, Some(change.since_ms), change.last_seen_ms)
}

/// A user's presence as an event.
pub(crate) fn present(user: &UserPresence) -> Draft<'_> {
    let data = user.text.as_deref().unwrap_or_default().as_bytes();
    let texts = Texts { user: &user.user, data, ..Texts::default() };
    told(texts, user.status, user.reason, user.since_ms, user.last_seen_ms)
}

fn told(texts: Texts<'_>, status: Status, reason: Reason, since_ms: Option<u64>, last: Option<u64>) -> Draft<'_> {
    let numbers = Numbers { last: last.unwrap_or_default(), ..Numbers::default() };
    let (detail, reason) = (status_number(status) as i32, reason_number(reason) as i32);
    let at_ms = since_ms.unwrap_or_default();
    Draft { texts, detail, reason, at_ms, numbers, ..Draft::new(Kind::Presence) }
}

const fn status_number(status: Status) -> TidingsPresenceStatus {
    match status {
        Status::Online => TidingsPresenceStatus::Online,
        Status::Busy => TidingsPresenceStatus::Busy,
        Status::Idle => TidingsPresenceStatus::Idle,
        Status::Away => TidingsPresenceStatus::Away,
        Status::Invisible => TidingsPresenceStatus::Invisible,
        Status::Offline => TidingsPresenceStatus::Offline,
        _ => TidingsPresenceStatus::Unknown,
    }
}

const fn reason_number(reason: Reason) -> TidingsPresenceReason {
    match reason {
        Reason::Connected => TidingsPresenceReason::Connected,
        Reason::Active => TidingsPresenceReason::Active,
        Reason::Idle => TidingsPresenceReason::Idle,
        Reason::Set => TidingsPresenceReason::Set,
        Reason::Device => TidingsPresenceReason::Device,
        Reason::Left => TidingsPresenceReason::Left,
        Reason::Lost => TidingsPresenceReason::Lost,
        Reason::Ended => TidingsPresenceReason::Ended,
        _ => TidingsPresenceReason::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::{reason_number, status_number};
    use std::collections::BTreeSet;
    use tidings::presence::{Reason, Status};

    #[test]
    fn every_word_has_a_number_of_its_own() {
        let statuses: BTreeSet<i32> = Status::ALL.iter().map(|status| status_number(*status) as i32).collect();
        assert_eq!(statuses.len(), Status::ALL.len());
        let reasons: BTreeSet<i32> = Reason::ALL.iter().map(|reason| reason_number(*reason) as i32).collect();
        assert_eq!(reasons.len(), Reason::ALL.len());
    }
}

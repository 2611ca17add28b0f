//! Frames of the daemon, as this rig understands them.

use crate::history::{Answer, Place};
use crate::publication::{Id, publisher};
use crate::reading::{Entry, Gap};
use anyhow::Context;
use serde_json::Value;

/// A number of a frame.
///
/// # Errors
/// When it is not there.
pub(crate) fn number(held: &Value, name: &str) -> anyhow::Result<u64> {
    held[name].as_u64().with_context(|| format!("no {name} in {held}"))
}

/// The epoch of a frame.
///
/// # Errors
/// When it is not there.
pub(crate) fn epoch(held: &Value) -> anyhow::Result<u64> {
    let digits = held["epoch"].as_str().with_context(|| format!("no epoch in {held}"))?;
    u64::from_str_radix(digits, 16).with_context(|| format!("{digits} is no epoch"))
}

/// What an `entry` frame holds, compared with the publication that its event names.
///
/// # Errors
/// When it has no offset.
pub(crate) fn entry(held: &Value, seed: u64) -> anyhow::Result<Entry> {
    let id = held["event"].as_str().and_then(Id::of_event);
    let is_intact = id.is_some_and(|id| held["data"] == id.data(seed) && held["from"] == publisher(id.publisher));
    Ok(Entry { offset: number(held, "offset")?, id, is_intact })
}

/// What a `gap` frame holds.
///
/// # Errors
/// When a field is missing.
pub(crate) fn gap(held: &Value) -> anyhow::Result<Gap> {
    let reason = held["reason"].as_str().context("a gap without a reason")?.to_owned();
    Ok(Gap { from: number(held, "from")?, to: number(held, "to")?, reason })
}

/// The answer to a publication, and the serial that it names; nothing for other frames.
pub(crate) fn answer(frame: &Value) -> Option<(u32, Answer)> {
    let serial = u32::try_from(frame["id"].as_u64()?).ok()?;
    if let Some(error) = frame.get("error") {
        return Some((serial, Answer::Refused(error["code"].as_u64()?)));
    }
    let held = frame.get("published").or_else(|| frame.get("sent"))?;
    let place = match (epoch(held), number(held, "offset")) {
        (Ok(epoch), Ok(offset)) => Some(Place { epoch, offset }),
        _ => None,
    };
    match held["level"].as_str()? {
        "stored" => Some((serial, Answer::Stored(place))),
        "accepted" => Some((serial, Answer::Accepted(place))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{answer, entry};
    use crate::history::{Answer, Place};
    use crate::publication::Id;
    use serde_json::json;

    #[test]
    fn an_answer_is_read() {
        let published =
            json!({"id": 5, "published": {"stream": 1, "epoch": "00000000000000ab", "offset": 9, "level": "stored"}});
        assert_eq!(answer(&published), Some((5, Answer::Stored(Some(Place { epoch: 0xAB, offset: 9 })))));
        let sent = json!({"id": 6, "sent": {"sessions": 2, "level": "accepted"}});
        assert_eq!(answer(&sent), Some((6, Answer::Accepted(None))));
        let error = json!({"id": 7, "error": {"code": 2011, "name": "busy", "message": "", "retry": true}});
        assert_eq!(answer(&error), Some((7, Answer::Refused(2011))));
        assert_eq!(answer(&json!({"entry": {}})), None);
    }

    #[test]
    fn a_change_of_data_or_publisher_is_seen() {
        let id = Id { publisher: 2, serial: 11 };
        let good = json!({"offset": 4, "event": id.event(), "data": id.data(1), "from": "publisher-2"});
        assert!(entry(&good, 1).unwrap().is_intact);
        assert!(!entry(&good, 2).unwrap().is_intact, "of another seed, and so of other data");
        let mut other = good.clone();
        other["from"] = "publisher-3".into();
        assert!(!entry(&other, 1).unwrap().is_intact);
    }
}

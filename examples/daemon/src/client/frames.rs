//! What a server says, as far as a terminal wants to know.

use crate::out::plain;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use tidings_proto::frame::Recovered;

/// One frame: exactly one of these, and those that are not here are for other clients.
#[derive(Debug, Deserialize)]
pub(crate) struct Frame {
    pub(crate) id: Option<u64>,
    pub(crate) connected: Option<Connected>,
    pub(crate) subscribed: Option<Subscribed>,
    pub(crate) published: Option<Published>,
    pub(crate) sent: Option<Sent>,
    pub(crate) entry: Option<Entry>,
    pub(crate) gap: Option<Gap>,
    pub(crate) watching: Option<Watching>,
    pub(crate) status: Option<Status>,
    pub(crate) error: Option<Failure>,
    pub(crate) close: Option<Close>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Connected {
    pub(crate) session: String,
    pub(crate) secret: String,
    pub(crate) resumed: bool,
    pub(crate) user: String,
    pub(crate) inbox: Inbox,
    pub(crate) ping_ms: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Inbox {
    pub(crate) stream: u32,
    pub(crate) epoch: String,
    /// Where delivery goes on.
    pub(crate) delivered: u64,
    pub(crate) recovered: Recovered,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Subscribed {
    pub(crate) channel: String,
    pub(crate) stream: u32,
    pub(crate) epoch: String,
    pub(crate) offset: u64,
    pub(crate) recovered: Recovered,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Published {
    pub(crate) offset: u64,
    pub(crate) level: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Sent {
    pub(crate) sessions: usize,
    pub(crate) level: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) stream: u32,
    /// None if it was narrowed to `ephemeral`.
    pub(crate) offset: Option<u64>,
    pub(crate) event: String,
    pub(crate) data: Box<RawValue>,
    pub(crate) from: Option<String>,
    pub(crate) at: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Gap {
    pub(crate) stream: u32,
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) reason: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Watching {
    #[serde(default)]
    pub(crate) refused: Vec<String>,
}

/// How present a user is.
#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    pub(crate) user: String,
    pub(crate) status: String,
    pub(crate) since: Option<u64>,
    pub(crate) reason: String,
    pub(crate) last_seen: Option<u64>,
    pub(crate) text: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Failure {
    pub(crate) code: u16,
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) retry_after_ms: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: String,
    pub(crate) retry_after_ms: Option<u64>,
}

/// A place in a channel or in the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Position {
    pub(crate) epoch: String,
    pub(crate) offset: u64,
}

impl Position {
    /// Reads `EPOCH:OFFSET`, of which the epoch is up to 16 hexadecimal digits.
    ///
    /// # Errors
    /// It is of another form.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split_once(':').and_then(|(epoch, offset)| {
            let is_hex = (1..=16).contains(&epoch.len()) && epoch.bytes().all(|byte| byte.is_ascii_hexdigit());
            let epoch = u64::from_str_radix(epoch, 16).ok().filter(|_| is_hex)?;
            Some(Self { epoch: format!("{epoch:016x}"), offset: offset.parse().ok()? })
        });
        parts.ok_or_else(|| {
            "a place is EPOCH:OFFSET, such as 00000000000000ab:17, or 0:0, which is before everything".into()
        })
    }

    /// Whether it lies before everything, in an epoch that no stream has.
    pub(crate) fn is_before_all(&self) -> bool {
        self.offset == 0 && self.epoch.bytes().all(|byte| byte == b'0')
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", plain(&self.epoch), self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn places_are_read_and_others_refused() {
        let place = Position::parse("AB:17").unwrap();
        assert_eq!(place, Position { epoch: "00000000000000ab".into(), offset: 17 });
        assert!(!place.is_before_all() && Position::parse("0:0").unwrap().is_before_all());
        assert_eq!(Position::parse(&place.to_string()), Ok(place));
        for text in ["", "17", ":17", "ab:", "xy:1", "+1:1", "00000000000000000:1", "ab:-1", "ab:1:2", " ab:1"] {
            let refusal = Position::parse(text).unwrap_err();
            assert!(refusal.contains("EPOCH:OFFSET") && refusal.contains("0:0"), "{text}: {refusal}");
        }
    }
}

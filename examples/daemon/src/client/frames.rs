//! What a server says, as far as a terminal wants to know.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

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
    pub(crate) error: Option<Failure>,
    pub(crate) close: Option<Close>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Connected {
    pub(crate) user: String,
    pub(crate) inbox: Inbox,
    pub(crate) ping_ms: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Inbox {
    pub(crate) stream: u32,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Subscribed {
    pub(crate) channel: String,
    pub(crate) stream: u32,
    pub(crate) epoch: String,
    pub(crate) offset: u64,
    pub(crate) recovered: Recovered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Recovered {
    Complete,
    Gap,
    None,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Published {
    pub(crate) offset: u64,
    pub(crate) level: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Sent {
    pub(crate) sessions: usize,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) stream: u32,
    pub(crate) offset: u64,
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

/// A place in a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Position {
    pub(crate) epoch: String,
    pub(crate) offset: u64,
}

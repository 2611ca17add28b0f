//! What a session tells before its stream is opened: the answers that decide how the request is answered.

use serde::{Deserialize, de::IgnoredAny};
use tidings_proto::frame::Recovered;
use tidings_proto::id::{Epoch, Position, StreamNumber};

/// A frame of the server, as far as it is looked at here.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Told {
    pub(crate) connected: Option<Connected>,
    pub(crate) subscribed: Option<Joined>,
    pub(crate) error: Option<Failure>,
    /// The session is over.
    pub(crate) close: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Connected {
    pub(crate) inbox: Inbox,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Inbox {
    pub(crate) stream: StreamNumber,
    pub(crate) epoch: Epoch,
    pub(crate) delivered: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Joined {
    pub(crate) stream: StreamNumber,
    pub(crate) epoch: Epoch,
    pub(crate) offset: u64,
    pub(crate) recovered: Recovered,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Failure {
    pub(crate) code: u16,
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) retry_after_ms: Option<u64>,
}

impl Joined {
    /// Where a client stands that came with these positions, before anything of the stream has come.
    pub(crate) fn begins_at(&self, brought: &[Position]) -> Position {
        let had = brought.iter().find(|position| position.epoch == self.epoch && position.offset <= self.offset);
        let offset = match (self.recovered, had) {
            (Recovered::None, _) => self.offset,
            (_, Some(had)) => had.offset,
            (_, None) => 0,
        };
        Position { epoch: self.epoch, offset }
    }
}

/// The frames of whole events, and how many bytes those are.
pub(crate) fn read(events: &[u8]) -> (Vec<Told>, usize) {
    let mut told = Vec::new();
    let mut at = 0;
    while let Some(end) = memchr::memmem::find(&events[at..], b"\n\n") {
        let data = events[at..at + end].split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data: "));
        told.extend(data.and_then(|data| serde_json::from_slice(data).ok()));
        at += end + 2;
    }
    (told, at)
}

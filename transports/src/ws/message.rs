//! A message that is nobody's but its holder's.

use super::incoming::Incoming;

/// What is received from and sent to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// A ping, at most 125 bytes. Sent only: those of the peer are answered without telling.
    Ping(Vec<u8>),
    /// A pong, at most 125 bytes.
    Pong(Vec<u8>),
    /// The end of the connection.
    Close {
        /// Why, if a code was given.
        code: Option<u16>,
        /// The reason in words; empty if there is none.
        reason: String,
    },
}

impl From<Incoming<'_>> for Message {
    fn from(incoming: Incoming<'_>) -> Self {
        match incoming {
            Incoming::Text(text) => Self::Text(text.to_owned()),
            Incoming::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Incoming::Ping(bytes) => Self::Ping(bytes.to_vec()),
            Incoming::Pong(bytes) => Self::Pong(bytes.to_vec()),
            Incoming::Close { code, reason } => Self::Close { code, reason: reason.to_owned() },
        }
    }
}

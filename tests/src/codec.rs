//! The two codecs, by libraries that anybody would take.

use anyhow::{bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

/// How frames are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Text messages, a frame a line.
    Json,
    /// Binary messages, one frame after the other.
    MessagePack,
}

impl Codec {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Json, Self::MessagePack];

    /// What a client offers to get it.
    #[must_use]
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "tidings.v1.json",
            Self::MessagePack => "tidings.v1.msgpack",
        }
    }

    /// One message that holds `frames`.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn message(self, frames: &[Value]) -> anyhow::Result<Message> {
        let mut bytes = Vec::new();
        for frame in frames {
            match self {
                Self::Json => {
                    serde_json::to_writer(&mut bytes, frame)?;
                    bytes.push(b'\n');
                }
                Self::MessagePack => frame.serialize(&mut rmp_serde::Serializer::new(&mut bytes).with_struct_map())?,
            }
        }
        Ok(match self {
            Self::Json => Message::text(String::from_utf8(bytes)?),
            Self::MessagePack => Message::binary(bytes),
        })
    }

    /// The frames of a message that the server sent in this codec.
    ///
    /// # Errors
    /// When it is of the wrong kind or cannot be read to its end.
    pub fn frames(self, message: &Message) -> anyhow::Result<Vec<Value>> {
        match (self, message) {
            (Self::Json, Message::Text(text)) => {
                let lines = text.lines().filter(|line| !line.is_empty());
                lines.map(|line| Ok(serde_json::from_str(line)?)).collect()
            }
            (Self::MessagePack, Message::Binary(bytes)) => {
                let mut rest = &bytes[..];
                let mut frames = Vec::new();
                while !rest.is_empty() {
                    let before = rest.len();
                    frames.push(Value::deserialize(&mut rmp_serde::Deserializer::new(&mut rest))?);
                    ensure!(rest.len() < before, "a frame of no bytes");
                }
                Ok(frames)
            }
            (codec, message) => bail!("the server sent {message:?} to a client of {codec:?}"),
        }
    }
}

//! The two forms in which frames travel.

use crate::ws;
use anyhow::{Context as _, Result};
use clap::ValueEnum;
use serde_json::Value;

/// The form of the frames, told to the server as a WebSocket subprotocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Codec {
    /// Text frames of JSON (`tidings.v1.json`).
    Json,
    /// Binary frames of MessagePack (`tidings.v1.msgpack`).
    Msgpack,
}

impl Codec {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Json, Self::Msgpack];

    /// The name of the WebSocket subprotocol.
    #[must_use]
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "tidings.v1.json",
            Self::Msgpack => "tidings.v1.msgpack",
        }
    }

    /// The name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Msgpack => "MessagePack",
        }
    }

    /// The opcode of its frames.
    #[must_use]
    pub fn opcode(self) -> u8 {
        match self {
            Self::Json => ws::TEXT,
            Self::Msgpack => ws::BINARY,
        }
    }

    /// Encodes one frame's payload.
    ///
    /// # Errors
    /// Never for what this crate sends; passed on rather than assumed.
    pub fn encode(self, value: &Value) -> Result<Vec<u8>> {
        match self {
            Self::Json => serde_json::to_vec(value).context("cannot encode JSON"),
            Self::Msgpack => rmp_serde::to_vec_named(value).context("cannot encode MessagePack"),
        }
    }

    /// Decodes all that one message of the server holds.
    ///
    /// # Errors
    /// When it is not of this codec.
    pub fn decode(self, payload: &[u8]) -> Result<Vec<Value>> {
        match self {
            Self::Json => serde_json::Deserializer::from_slice(payload)
                .into_iter()
                .collect::<Result<_, _>>()
                .with_context(|| format!("not JSON: {}", String::from_utf8_lossy(payload))),
            Self::Msgpack => {
                let mut rest = payload;
                let mut values = Vec::new();
                while !rest.is_empty() {
                    values.push(rmp_serde::from_read(&mut rest).context("not MessagePack")?);
                }
                Ok(values)
            }
        }
    }
}

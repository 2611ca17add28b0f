//! The server's side of WebSocket (RFC 6455): the handshake, the frames, the closing.

mod assembly;
mod bridge;
pub(crate) mod close;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod error;
pub(crate) mod gateway;
pub(crate) mod handshake;
mod head;
pub(crate) mod incoming;
mod link;
pub(crate) mod message;
mod open;
pub(crate) mod outgoing;
pub(crate) mod read_buffer;
mod serving;
pub(crate) mod socket;
pub(crate) mod stream;
pub(crate) mod upgrade;
mod utf8;
pub(crate) mod violation;

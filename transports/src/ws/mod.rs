//! The server's side of WebSocket (RFC 6455): the handshake, the frames, the closing.

mod assembly;
mod bridge;
pub(crate) mod close;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod error;
pub(crate) mod handshake;
mod head;
pub(crate) mod incoming;
pub(crate) mod message;
mod open;
pub(crate) mod outgoing;
mod read_buffer;
pub(crate) mod socket;
pub(crate) mod stream;
pub(crate) mod upgrade;
mod utf8;
pub(crate) mod violation;

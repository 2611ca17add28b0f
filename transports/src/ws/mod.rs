//! The server's side of WebSocket (RFC 6455): the handshake, the frames, the closing.

mod assembly;
pub(crate) mod close;
pub(crate) mod decode;
pub(crate) mod encode;
mod head;
pub(crate) mod incoming;
mod utf8;
pub(crate) mod violation;

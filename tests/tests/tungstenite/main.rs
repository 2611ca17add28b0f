//! Sessions with tokio-tungstenite.

mod closing;
mod data;
mod handshake;
mod messages;
mod resume;
mod session;

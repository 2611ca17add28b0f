//! What peers may try over a real socket, and what they get.

#[path = "../support/mod.rs"]
mod support;

mod closing;
mod frames;
mod handshake;
mod hosts;
mod server;

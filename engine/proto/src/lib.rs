//! What travels between a Tidings server and its clients, and nothing else: names, frames, codes, limits, and the
//! codecs that turn frames into bytes and back.
//!
//! This crate knows no socket, no clock and no task. Everything here is a value or a pure function, so the engine, the
//! load generator, the simulator and the fuzz targets all share it.
//!
//! * [`channel`], [`user`], [`event`], [`pattern`]: names, what they may hold, and how a right covers them.
//! * [`id`]: sessions, epochs, positions.
//! * [`kept`]: what is kept of a stream, in memory and on disk.
//! * [`payload`]: application data, carried as it came and rewritten only for a receiver of the other codec.
//! * [`presence`]: how present a user is. [`members`]: who is in a channel.
//! * [`command`]: what a client sends. [`frame`]: what a server sends. [`history`]: what a stream keeps, as it is told.
//! * [`decode`]: bytes to commands. [`wire`]: frames to the bytes of one wire form, WebSocket header included.
//! * [`code`]: the one table of errors and close codes. [`limit`]: the limits that the protocol itself sets.
//!
//! The normative text is `docs/protocol.md`; `conformance/` holds a vector for each frame in each codec.

pub mod channel;
pub mod code;
pub mod command;
mod data_error;
pub mod decode;
pub mod event;
pub mod frame;
pub mod history;
pub mod id;
mod json;
pub mod kept;
mod key_set;
pub mod limit;
pub mod members;
mod msgpack;
pub mod pattern;
pub mod payload;
pub mod presence;
mod strict;
mod transcode;
pub mod user;
pub mod wire;
mod writer;

//! Server-sent events over real sockets.

mod listener;
mod opening;
mod posts;
mod refusals;
mod resume;
mod server;
mod streams;

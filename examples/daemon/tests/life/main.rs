//! A server's life and its tools, as a person meets them: the real binary, real sockets, real signals.

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod api;
mod durable;
mod guarantees;
mod history;
mod hook;
mod start;
mod stop;
mod store;
mod terminal;

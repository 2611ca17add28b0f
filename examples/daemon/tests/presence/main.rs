//! Who is there, over real sockets.

#[path = "../support/mod.rs"]
mod support;

mod links;
mod rights;
mod terminal;

//! What the tests over real sockets share: a server that echoes, a client that can send any bytes, a neighbour that
//! must notice nothing, and counters that can be read.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]

mod client;
mod counters;
mod neighbour;
mod server;

pub(crate) use client::{Client, client_frame, upgrade_request};
pub(crate) use counters::counted;
pub(crate) use neighbour::Neighbour;
pub(crate) use server::{Server, echo};

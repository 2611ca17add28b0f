//! A client of a server: enough of one for a terminal.

mod address;
mod backoff;
mod commands;
mod frames;
mod identity;
mod session;

pub(crate) use address::Address;
pub(crate) use backoff::Backoff;
pub(crate) use commands::{Command, Publish, Send, Subscribe};
pub(crate) use frames::{Entry, Failure, Frame, Gap, Position, Recovered};
pub(crate) use identity::Identity;
pub(crate) use session::{Ended, Session};

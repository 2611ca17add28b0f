//! What happens inside the server after a while.

use crate::name::{ConnId, StreamName};
use std::sync::Arc;
use tidings_core::ask::Token;
use tidings_core::stream::{Begin, Slot};

/// What a client wants to see.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) conn: ConnId,
    pub(crate) id: u64,
    pub(crate) stream: StreamName,
    pub(crate) begin: Begin,
    pub(crate) entries_max: u64,
}

/// A question to the host, kept until it is answered.
#[derive(Debug, Clone)]
pub(crate) enum Asking {
    Connect { token: Box<str> },
    Refresh { token: Box<str> },
    Join { user: Arc<str>, channel: Box<str> },
    Watch { users: Vec<Box<str>> },
    Other,
}

/// An event of the server's own.
#[derive(Debug, Clone)]
pub(crate) enum Inner {
    /// The host answers.
    Answer { conn: ConnId, token: Token, asking: Asking },
    /// The committer takes what waits.
    Commit,
    /// The sync returns.
    Synced,
    /// The store is tried again.
    Reopen,
    /// A page is read for a member of a stream, as it was loaded at the time.
    Page { stream: StreamName, load: u64, slot: Slot, from: u64, to: u64 },
    /// A client is shown what it wants to see.
    History(Wanted),
    /// Everything that is looked after now and then.
    Sweep,
    /// What has changed of who is there is told.
    Presence,
    /// A look at one session.
    Look { conn: ConnId },
}

//! What the simulated server says of itself to whoever judges it. Clients never see it.

use crate::name::{ConnId, StreamName};
use std::sync::Arc;
use tidings_proto::code::Code;
use tidings_proto::id::{Epoch, SessionId};
use tidings_proto::kept::Entry;

/// One thing that happened in the server.
#[derive(Debug)]
pub(crate) enum Fact {
    /// A publication has its place.
    Placed { stream: StreamName, epoch: Epoch, entry: Entry },
    /// A publication had its place already.
    Known,
    /// A device is connected, or was until now.
    Seen { user: Arc<str>, device: Box<str> },
    /// The head on disk, behind the barrier, knows these devices, and when they were seen.
    Registered { user: Arc<str>, devices: Vec<(Box<str>, u64)> },
    /// A connection's session goes on until then, by its token.
    Token { conn: ConnId, ends_ms: u64 },
    /// A member's queue was full.
    Full,
    /// A session has lost its connection, and waits until then for another.
    Parked { session: SessionId, until_ms: u64 },
    /// Another connection has it.
    Claimed(SessionId),
    /// The server has closed a session.
    Closed(Code),
    /// A sync takes long.
    SlowSync,
    /// A page was read.
    Page,
    /// The store is open again.
    Reopened,
    /// Upkeep has written something; whether entries were removed.
    Upkeep { removed: bool },
    /// A bound was passed.
    Above(String),
    /// So many frames of presence were told.
    Told(u64),
    /// A user has a session with a connection now.
    Here(Arc<str>),
    /// Whether a user has a session with a connection, and whether it is online.
    Present { user: Arc<str>, is_here: bool, is_online: bool },
    /// For the trace.
    Note { stream: Option<StreamName>, line: String },
}

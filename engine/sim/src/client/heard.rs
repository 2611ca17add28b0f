//! What a client was told of who is there.

use std::collections::{BTreeMap, BTreeSet};
use tidings_proto::id::SessionId;

/// What was heard over one connection.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// The session that it was heard in.
    pub(super) session: Option<SessionId>,
    /// How present each user is.
    pub(crate) statuses: BTreeMap<Box<str>, Box<str>>,
    /// Who is in each channel.
    pub(crate) members: BTreeMap<Box<str>, BTreeSet<Box<str>>>,
    /// What the server has answered of the client's own status.
    pub(super) confirmed: Option<&'static str>,
}

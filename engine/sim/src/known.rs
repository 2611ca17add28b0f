//! A session as its client knows it.

use tidings_proto::id::{Secret, SessionId};

/// The session that a client may go on with.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) session: SessionId,
    pub(crate) secret: Secret,
    /// Which start of the server it is of.
    pub(crate) life: u64,
}

//! What somebody wants to see of a stream's past.

use crate::outbox::Outbox;
use std::sync::Arc;
use tidings_core::policy::Policy;
use tidings_core::stream::Begin;
use tidings_proto::kept::Kind;

/// A stream, and what is wanted of its past.
pub(crate) struct Wish {
    pub(crate) kind: Kind,
    pub(crate) name: Arc<str>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) begin: Begin,
    pub(crate) entries_max: u64,
    /// Texts and data of the entries together. One that is larger comes alone.
    pub(crate) bytes_max: usize,
}

/// A client that waits for what it wants to see.
pub(crate) struct Asked {
    pub(crate) wish: Wish,
    pub(crate) to: Arc<Outbox>,
    pub(crate) id: u64,
}

//! Who has a connection.

/// When a user was last seen to have a session with a connection.
#[derive(Debug, Default)]
pub(super) struct Here {
    pub(super) life: u64,
    pub(super) last_ms: Option<u64>,
}

//! Lists of users that are watched.

use super::slab::Key;

/// A session's list of users.
#[derive(Debug)]
pub(crate) struct Watcher<W> {
    pub(crate) to: W,
    /// The user that it is of, who sees the truth of itself.
    pub(crate) person: Key,
    pub(crate) users: Vec<Key>,
    /// Those of whom it had no room to be told.
    pub(crate) behind: Vec<Key>,
}

/// Why users are not watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotWatched {
    /// The session would watch more users than it may.
    TooMany,
    /// As many sessions as may watch one of the users.
    Crowded,
}

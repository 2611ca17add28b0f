//! A hash with a key of the caller's, so that nobody can choose names that meet.

use std::hash::{BuildHasher, DefaultHasher, Hash};

/// The key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Salted(pub(crate) u64);

impl BuildHasher for Salted {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher
    }
}

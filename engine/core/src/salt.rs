//! A hash with a key of the caller's, so that nobody can choose names that meet.

use std::hash::{BuildHasher, DefaultHasher, Hash};

/// A hasher that has taken the key in.
#[derive(Debug, Clone)]
pub(crate) struct Salted(DefaultHasher);

impl Salted {
    /// With a random key.
    pub(crate) fn new(salt: u64) -> Self {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        Self(hasher)
    }
}

impl BuildHasher for Salted {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        self.0.clone()
    }
}

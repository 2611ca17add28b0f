//! How a store is opened.

use std::time::Duration;

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Most bytes of pages that sled keeps in memory; 64 MiB by default. While a store is copied it is twice that.
    pub cache_bytes: u64,
    /// How long opening may take, which reads everything once; two minutes by default. A million entries take a few
    /// seconds.
    pub open_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20, open_timeout: Duration::from_secs(120) }
    }
}

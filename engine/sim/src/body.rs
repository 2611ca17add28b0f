//! What simulated clients publish: a number that tells which publication it is, and padding.

use serde::Deserialize;
use std::fmt;

/// The data of a publication.
#[derive(Clone, Deserialize)]
pub(crate) struct Body {
    /// Which publication.
    pub(crate) n: usize,
    pad: String,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.n, self.pad.len())
    }
}

/// The data as JSON.
pub(crate) fn write(n: usize, pad_bytes: usize) -> serde_json::Value {
    serde_json::json!({ "n": n, "pad": "x".repeat(pad_bytes) })
}

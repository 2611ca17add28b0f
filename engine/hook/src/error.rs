//! Why a hook can't be.

use std::fmt;

/// Why a hook can't be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookError(pub(crate) String);

impl fmt::Display for HookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for HookError {}

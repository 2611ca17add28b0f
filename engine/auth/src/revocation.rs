//! What is revoked.

use serde::{Deserialize, Serialize};

/// What is revoked. Times are in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Revocation {
    /// One token, by its `jti`.
    Token {
        /// The token's `jti`.
        jti: String,
        /// When the token ends by itself, or later: the revocation is kept until then.
        until_s: u64,
    },
    /// All tokens of a user that were issued (`iat`) up to a moment, and those that do not say when.
    User {
        /// The user.
        user: String,
        /// Up to when.
        before_s: u64,
        /// When the last of these tokens has ended by itself, or later: the revocation is kept until then.
        until_s: u64,
    },
}

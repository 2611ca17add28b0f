//! Tokens, as an application that is not ours would make them.

use anyhow::Context;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// The secret of every daemon that these tests start.
pub const SECRET: &str = "a secret for tests alone, longer than it must be";

/// A token of `user` with the right to everything.
///
/// # Errors
/// When it cannot be signed.
pub fn of(user: &str) -> anyhow::Result<String> {
    signed(&json!({
        "sub": user, "exp": seconds()? + 3_600, "subscribe": ["*"], "publish": ["*"], "send": ["*"],
    }))
}

/// A token with these claims and no others.
///
/// # Errors
/// When it cannot be signed.
pub fn signed(claims: &Value) -> anyhow::Result<String> {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    Ok(jsonwebtoken::encode(&Header::default(), claims, &key)?)
}

/// The time, in seconds since 1970.
///
/// # Errors
/// When the clock stands before 1970.
pub fn seconds() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?.as_secs())
}

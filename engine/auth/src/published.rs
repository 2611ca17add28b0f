//! The document in which an issuer publishes its keys (RFC 7517 section 5).

use crate::key::Key;
use serde::Deserialize;

/// Largest document, in bytes.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

/// Most keys of one issuer; those behind them are passed over.
pub(crate) const PUBLISHED_KEYS_MAX: usize = 64;

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

/// The keys of a document, each one of `issuer` where it is named. What cannot be used here is passed over, for an issuer
/// may publish keys for others too.
///
/// # Errors
/// Why there is none at all, for the log.
pub(crate) fn read(document: &[u8], issuer: Option<&str>) -> Result<Vec<Key>, &'static str> {
    let Ok(Document { keys }) = serde_json::from_slice(document) else {
        return Err("the answer is not a JSON object with a list of `keys`");
    };
    let mut read = Vec::new();
    for key in keys.iter().take(PUBLISHED_KEYS_MAX) {
        match Key::jwk(key) {
            Ok(key) => read.push(match issuer {
                Some(issuer) => key.issuer(issuer),
                None => key,
            }),
            Err(why) => tracing::debug!(%why, "a published key is not used"),
        }
    }
    if keys.len() > PUBLISHED_KEYS_MAX {
        tracing::warn!(keys = keys.len(), "more keys are published than are looked at ({PUBLISHED_KEYS_MAX})");
    }
    if read.is_empty() { Err("none of the keys can be used: they are for other algorithms") } else { Ok(read) }
}

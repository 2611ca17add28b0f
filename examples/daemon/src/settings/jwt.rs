//! Keys that tokens are checked with, beside the one secret, and how they are judged.

use super::secret::Secret;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use tidings_auth::{GateOptions, JwksOptions};

/// The settings of the section `jwt`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Jwt {
    /// The secret of the tokens.
    pub(crate) secret: Option<Secret>,
    /// The name that tokens must be for.
    pub(crate) audience: Option<String>,
    /// The name that tokens must come from.
    pub(crate) issuer: Option<String>,
    /// Algorithms that are taken, separated by commas; empty for those of the keys.
    pub(crate) algorithms: String,
    /// Difference of the clocks that is forgiven.
    pub(crate) leeway_s: u64,
    /// Where the issuer publishes its keys.
    pub(crate) jwks_url: String,
    /// Further issuers that publish theirs.
    pub(crate) issuers: List<Issuer>,
    /// Keys that stand in the settings.
    pub(crate) keys: List<KeySetting>,
    /// How published keys are fetched.
    pub(crate) jwks: Published,
    /// Most revocations that are kept.
    pub(crate) revocations_max: usize,
    /// How long tickets are good, and how many there may be.
    pub(crate) tickets: Tickets,
}

/// How published keys are fetched and kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Published {
    /// Shortest time for which they are kept.
    pub(crate) cache_ms_min: u64,
    /// Longest time for which they are kept.
    pub(crate) cache_ms_max: u64,
    /// How long they stay good while they can't be fetched.
    pub(crate) stale_ms_max: u64,
    /// Shortest time between two requests because of unknown keys.
    pub(crate) unknown_pause_ms: u64,
    /// Time for one request.
    pub(crate) fetch_timeout_ms: u64,
}

/// Tickets.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tickets {
    /// How long one is good.
    pub(crate) lifetime_ms: u64,
    /// Most of all that were given within that time.
    pub(crate) tickets_max: usize,
    /// Most of one user that are not used.
    pub(crate) per_user_max: usize,
}

/// An issuer that publishes its keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issuer {
    /// Its name, in `iss`.
    pub(crate) issuer: String,
    /// Where.
    pub(crate) jwks_url: String,
}

/// One key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeySetting {
    /// Its name, in `kid`.
    pub(crate) kid: Option<String>,
    /// The issuer whose it is.
    pub(crate) issuer: Option<String>,
    /// What it checks.
    pub(crate) algorithm: String,
    /// A secret, for HS256, HS384 and HS512.
    pub(crate) secret: Option<Secret>,
    /// A public key in PEM, for all others.
    pub(crate) public_key: Option<String>,
    /// A file with it.
    pub(crate) public_key_file: Option<PathBuf>,
}

impl Default for Jwt {
    fn default() -> Self {
        Self {
            secret: None,
            audience: None,
            issuer: None,
            algorithms: String::new(),
            leeway_s: 30,
            jwks_url: String::new(),
            issuers: List::default(),
            keys: List::default(),
            jwks: Published::default(),
            revocations_max: GateOptions::default().revocations_max,
            tickets: Tickets::default(),
        }
    }
}

impl Default for Published {
    fn default() -> Self {
        let JwksOptions { cache_ms_min, cache_ms_max, stale_ms_max, unknown_pause_ms, fetch_timeout_ms, .. } =
            JwksOptions::default();
        Self { cache_ms_min, cache_ms_max, stale_ms_max, unknown_pause_ms, fetch_timeout_ms }
    }
}

impl Default for Tickets {
    fn default() -> Self {
        let GateOptions { ticket_ms, tickets_max, tickets_per_user_max, .. } = GateOptions::default();
        Self { lifetime_ms: ticket_ms, tickets_max, per_user_max: tickets_per_user_max }
    }
}

/// A list of tables: in a file as such, in the environment as one in JSON.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: for<'t> Deserialize<'t>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: for<'t> Deserialize<'t>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tables")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(List)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        // What is wrong is told without what stands there.
        serde_json::from_str(text).map(List).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            E::custom(format_args!("not such a list in JSON, at line {line}, column {column}"))
        })
    }
}

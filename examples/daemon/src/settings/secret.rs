//! A text that is never shown.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// A secret. Whoever prints or writes it gets a placeholder.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

/// Bytes of a secret that is made here.
const RANDOM_BYTES: usize = 32;

const HIDDEN: &str = "(hidden)";

impl Secret {
    /// A secret of 32 random bytes, in hexadecimal digits.
    ///
    /// # Errors
    /// The operating system gives no random bits.
    pub(crate) fn random() -> Result<Self> {
        let mut bytes = [0; RANDOM_BYTES];
        getrandom::fill(&mut bytes).context("the operating system gives no random bits")?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Its text, for the one who is to have it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Its bytes, to make a key of.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

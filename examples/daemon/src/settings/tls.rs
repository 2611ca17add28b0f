//! What connections are encrypted with.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tidings_transports::Tls;

/// The settings of the section `tls`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Encryption {
    /// A PEM file with the certificate, and those that lead from it to its authority.
    pub(crate) certificate: String,
    /// A PEM file with its private key.
    pub(crate) key: String,
    /// How often it is looked whether they have changed.
    pub(crate) reload_interval_ms: u64,
}

impl Default for Encryption {
    fn default() -> Self {
        Self { certificate: String::new(), key: String::new(), reload_interval_ms: 5_000 }
    }
}

impl Encryption {
    /// TLS, if it is wanted.
    ///
    /// # Errors
    /// The files can't be used, or only one is named.
    pub(crate) fn tls(&self) -> Result<Option<Tls>> {
        match (self.certificate.as_str(), self.key.as_str()) {
            ("", "") => Ok(None),
            (_, "") => bail!("tls.certificate is set and tls.key is not; name the file with its private key there"),
            ("", _) => bail!("tls.key is set and tls.certificate is not; name the file with its certificate there"),
            (certificate, key) => Ok(Some(Tls::from_files(certificate, key)?)),
        }
    }

    /// How often it is looked whether the files have changed.
    pub(crate) const fn reload_interval(&self) -> Duration {
        Duration::from_millis(self.reload_interval_ms)
    }
}

//! What an operator may set: one struct, filled from defaults, a file and the environment, in this order.
//!
//! `docs/settings.md` lists every one of them.

pub(crate) mod api;
pub(crate) mod hook;
pub(crate) mod http;
pub(crate) mod jwt;
pub(crate) mod load;
pub(crate) mod secret;
#[cfg(test)]
mod tests;
pub(crate) mod tls;

use api::Api;
use hook::Asking;
use http::Http;
use jwt::Jwt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use tidings::config::{Config, Limits, Namespace, Presence, Store, Times};
use tls::Encryption;

/// Everything that can be set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// The address to listen on.
    pub(crate) listen: String,
    /// Keys of the tokens, and how tokens are judged.
    pub(crate) jwt: Jwt,
    /// Web origins that may connect, separated by commas.
    pub(crate) allowed_origin: String,
    /// What goes to the log.
    pub(crate) log: String,
    /// Who may read `/metrics`.
    pub(crate) metrics: Readers,
    /// Who may call the HTTP API, and what a call is held to.
    pub(crate) api: Api,
    /// The application that is asked over HTTP.
    pub(crate) hook: Asking,
    /// What HTTP peers are held to.
    pub(crate) http: Http,
    /// What connections are encrypted with.
    pub(crate) tls: Encryption,
    /// What sessions are held to.
    pub(crate) limits: Limits,
    /// How long things may take.
    pub(crate) times: Times,
    /// Namespaces by name.
    pub(crate) namespaces: BTreeMap<String, Namespace>,
    /// What is kept on disk, and where.
    pub(crate) store: Store,
    /// Who is there, and who is told.
    pub(crate) presence: Presence,
}

/// Where a server keeps its data that was told no other place.
const DATA: &str = "./tidings-data";

/// Who may read the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Readers {
    /// Nobody.
    Nobody,
    /// Who asks from this machine, by its address or as `localhost`.
    Loopback,
    /// Everybody.
    Everybody,
}

impl Default for Settings {
    fn default() -> Self {
        let Config { limits, times, namespaces, store, presence, .. } = Config::stored(DATA);
        Self {
            listen: "127.0.0.1:8080".into(),
            jwt: Jwt::default(),
            allowed_origin: String::new(),
            log: "info".into(),
            metrics: Readers::Loopback,
            api: Api::default(),
            hook: Asking::default(),
            http: Http::default(),
            tls: Encryption::default(),
            limits,
            times,
            namespaces,
            store,
            presence,
        }
    }
}

impl Settings {
    /// The engine's part.
    pub(crate) fn engine(&self) -> Config {
        let mut config = Config::default();
        config.limits = self.limits.clone();
        config.times = self.times.clone();
        config.namespaces.clone_from(&self.namespaces);
        config.store.clone_from(&self.store);
        config.presence.clone_from(&self.presence);
        // A file and the environment have no other way to say that there is none.
        config.store.path = self.data().map(Path::to_path_buf);
        config
    }

    /// Where things are kept on disk, if anything is.
    pub(crate) fn data(&self) -> Option<&Path> {
        self.store.path.as_deref().filter(|path| !path.as_os_str().is_empty())
    }

    /// The transports' part.
    pub(crate) fn transports(&self) -> tidings_transports::Limits {
        let mut limits = tidings_transports::Limits::default();
        limits.connections_max = self.limits.connections_max.saturating_add(self.http.connections_spare);
        limits.handshake_timeout_ms = self.http.handshake_timeout_ms;
        limits.header_bytes_max = self.http.header_bytes_max;
        limits.headers_max = self.http.headers_max;
        limits.fragments_max = self.http.fragments_max;
        limits.message_timeout_ms = self.http.message_timeout_ms;
        limits.message_bytes_max = self.limits.message_bytes_max;
        limits.write_timeout_ms = self.http.write_timeout_ms;
        limits.close_timeout_ms = self.times.close_timeout_ms;
        limits.drain_timeout_ms = self.http.drain_timeout_ms;
        limits
    }

    /// As TOML, secrets hidden.
    pub(crate) fn to_toml(&self) -> anyhow::Result<String> {
        Ok(toml::to_string_pretty(self)?)
    }
}

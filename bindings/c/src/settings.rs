//! What a host may set: the sections of `docs/settings.md` that an engine and its transports have, and one of its own.

mod http;
mod secret;

use config::{Config, File, FileFormat};
use http::Http;
use secret::Secret;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tidings::config::{Config as EngineConfig, Limits, Namespace, Presence, Store, Times};
use tidings_transports::{ApiKey, ApiKeys, ApiLimits, Origins, Tls};

/// Everything that can be set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// How the engine and its host work together.
    pub(crate) host: Host,
    /// Web origins that may connect, separated by commas.
    pub(crate) allowed_origin: String,
    /// Who may call the HTTP API, and what a call is held to.
    pub(crate) api: Api,
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

/// How the engine and its host work together.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Host {
    /// Threads that the engine works with; 0: as many as there are cores.
    pub(crate) threads: usize,
    /// Questions that the host answers, separated by commas. All others are a no.
    pub(crate) questions: String,
    /// What the host is told of by itself, separated by commas: `sessions`, `presence`.
    pub(crate) events: String,
    /// From which level on it is told what the engine logs: `off`, `error`, `warn`, `info`, `debug`.
    pub(crate) log: LogLevel,
    /// How data in events are written: `json`, `msgpack`, or `as_sent`.
    pub(crate) data: DataForm,
    /// Events that may wait for the host.
    pub(crate) events_max: usize,
    /// Their bytes.
    pub(crate) events_bytes_max: usize,
    /// Tokens that may be revoked.
    pub(crate) revocations_max: usize,
}

/// From which level on a host is told what is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    /// Nothing.
    Off,
    /// Errors.
    Error,
    /// And warnings.
    Warn,
    /// And what is good to know.
    Info,
    /// And what helps to find faults.
    Debug,
}

/// How data in events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DataForm {
    /// As JSON, whatever the client speaks.
    Json,
    /// As MessagePack, whatever the client speaks.
    Msgpack,
    /// As they came.
    AsSent,
}

/// The settings of the section `api`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Api {
    /// One key with all rights; empty: the API is not served.
    key: Secret,
    body_bytes_max: usize,
    body_timeout_ms: u64,
    requests_max: usize,
    requests_per_minute_per_key: u32,
    batch_max: usize,
    users_max: usize,
}

/// The settings of the section `tls`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Encryption {
    certificate: String,
    key: String,
    reload_interval_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let EngineConfig { limits, times, namespaces, store, presence, .. } = EngineConfig::default();
        Self {
            host: Host::default(),
            allowed_origin: String::new(),
            api: Api::default(),
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

impl Default for Host {
    fn default() -> Self {
        Self {
            threads: 0,
            questions: "connect, subscribe, publish, send, watch, call".into(),
            events: "sessions, presence".into(),
            log: LogLevel::Warn,
            data: DataForm::Json,
            events_max: 100_000,
            events_bytes_max: 64 * 1024 * 1024,
            revocations_max: 100_000,
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        let limits = ApiLimits::default();
        Self {
            key: Secret::default(),
            body_bytes_max: limits.body_bytes_max,
            body_timeout_ms: limits.body_timeout_ms,
            requests_max: limits.requests_max,
            requests_per_minute_per_key: limits.requests_per_minute_per_key,
            batch_max: limits.batch_max,
            users_max: limits.users_max,
        }
    }
}

impl Default for Encryption {
    fn default() -> Self {
        Self { certificate: String::new(), key: String::new(), reload_interval_ms: 5_000 }
    }
}

/// Values by key, before they are settings.
#[derive(Debug, Clone)]
pub(crate) struct Values(Config);

impl Values {
    /// The defaults.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub(crate) fn new() -> Result<Self, String> {
        Config::try_from(&Settings::default()).map(Self).map_err(|error| one_line(&error))
    }

    /// The same with one set.
    ///
    /// # Errors
    /// There is no such setting, or it cannot have this value.
    pub(crate) fn with(&self, key: &str, value: &str) -> Result<Self, String> {
        let changed = Config::builder().add_source(self.0.clone()).set_override(key, value).and_then(|one| one.build());
        Self::checked(changed).map_err(|why| format!("{key}: {why}"))
    }

    /// The same with all that a text in TOML sets.
    ///
    /// # Errors
    /// As [`Values::with`]; the line is named.
    pub(crate) fn with_toml(&self, text: &str) -> Result<Self, String> {
        toml::from_str::<Settings>(text).map_err(|error| {
            let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or(text));
            format!("line {}: {}", 1 + before.matches('\n').count(), one_line(&error.message()))
        })?;
        let file = File::from_str(text, FileFormat::Toml);
        Self::checked(Config::builder().add_source(self.0.clone()).add_source(file).build())
    }

    fn checked(changed: Result<Config, config::ConfigError>) -> Result<Self, String> {
        let changed = Self(changed.map_err(|error| one_line(&error))?);
        changed.settings().map(|_| changed)
    }

    /// The settings.
    ///
    /// # Errors
    /// A key that is none, or a value of another type.
    pub(crate) fn settings(&self) -> Result<Settings, String> {
        self.0.clone().try_deserialize().map_err(|error| one_line(&error))
    }
}

fn one_line(error: &impl ToString) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Settings {
    /// The engine's part.
    pub(crate) fn engine(&self) -> EngineConfig {
        let mut config = EngineConfig::default();
        config.limits = self.limits.clone();
        config.times = self.times.clone();
        config.namespaces.clone_from(&self.namespaces);
        config.store.clone_from(&self.store);
        config.presence.clone_from(&self.presence);
        // A text has no other way to say that there is none.
        config.store.path = self.store.path.as_deref().filter(|path| *path != Path::new("")).map(Path::to_path_buf);
        config
    }

    /// Web pages that may connect.
    pub(crate) fn origins(&self) -> Result<Origins, String> {
        self.allowed_origin.parse().map_err(|error| format!("allowed_origin: {error}"))
    }

    /// The transports' part.
    pub(crate) fn transports(&self) -> Result<tidings_transports::Limits, String> {
        let limits = self.http.limits(&self.limits, &self.times);
        limits.check().map(|()| limits)
    }
}

impl Api {
    /// Who may call; nobody where no key is set.
    pub(crate) fn keys(&self) -> Result<Option<ApiKeys>, String> {
        if self.key.reveal().is_empty() {
            return Ok(None);
        }
        let key = ApiKey::new("api.key", self.key.reveal().as_bytes())?;
        Ok(Some([key].into_iter().collect()))
    }

    /// What a call is held to.
    pub(crate) fn limits(&self) -> Result<ApiLimits, String> {
        let mut limits = ApiLimits::default();
        limits.body_bytes_max = self.body_bytes_max;
        limits.body_timeout_ms = self.body_timeout_ms;
        limits.requests_max = self.requests_max;
        limits.requests_per_minute_per_key = self.requests_per_minute_per_key;
        limits.batch_max = self.batch_max;
        limits.users_max = self.users_max;
        limits.check().map(|()| limits)
    }
}

impl Encryption {
    /// TLS, if it is wanted.
    pub(crate) fn tls(&self) -> Result<Option<Tls>, String> {
        match (self.certificate.as_str(), self.key.as_str()) {
            ("", "") => Ok(None),
            (_, "") => Err("tls.certificate is set and tls.key is not".into()),
            ("", _) => Err("tls.key is set and tls.certificate is not".into()),
            (certificate, key) => Tls::from_files(certificate, key).map(Some).map_err(|error| error.to_string()),
        }
    }

    /// How often it is looked whether the files have changed.
    pub(crate) const fn reload_interval(&self) -> Duration {
        Duration::from_millis(self.reload_interval_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::{DataForm, Settings, Values};
    use std::fs;

    #[test]
    fn values_are_set_by_key() {
        let values = Values::new().unwrap();
        let values = values.with("limits.connections_max", "7").unwrap();
        let values = values.with("namespaces.chat.class", "latest").unwrap();
        let values = values.with("host.data", "as_sent").unwrap();
        let values = values.with("api.key", "12345678901234567890123456789012").unwrap();
        let settings = values.settings().unwrap();
        assert_eq!(settings.limits.connections_max, 7);
        assert_eq!(settings.namespaces.len(), 4);
        assert_eq!(settings.host.data, DataForm::AsSent);
        assert!(settings.api.keys().unwrap().is_some());
    }

    #[test]
    fn what_is_no_setting_is_told() {
        let values = Values::new().unwrap();
        for (key, value, told) in [
            ("limits.conections_max", "7", "conections_max"),
            ("limits.connections_max", "many", "limits.connections_max"),
            ("limits", "7", "limits"),
            ("", "7", ""),
            ("a..b", "7", "a..b"),
            ("host.data", "xml", "host.data"),
        ] {
            let error = values.with(key, value).unwrap_err();
            assert!(error.contains(told), "{key}: {error}");
        }
        let error = values.with_toml("[limits]\nconections_max = 7\n").unwrap_err();
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn a_text_changes_what_it_names() {
        let values = Values::new().unwrap().with("limits.connections_max", "7").unwrap();
        let values = values.with_toml("[namespaces.notifications]\nhistory_entries_max = 5\n").unwrap();
        let settings = values.settings().unwrap();
        assert_eq!(settings.limits.connections_max, 7);
        let text = toml::to_string(&settings.namespaces["notifications"]).unwrap();
        assert!(text.contains("history_entries_max = 5") && text.contains("publish = \"host\""), "{text}");
    }

    #[test]
    fn a_key_of_the_api_is_not_shown() {
        let values = Values::new().unwrap().with("api.key", "12345678901234567890123456789012").unwrap();
        assert!(!format!("{:?}", values.settings().unwrap()).contains("123456789"));
    }

    fn document(name: &str) -> String {
        fs::read_to_string(format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    /// What the daemon can be told of HTTP and TLS, this library can. A list of keys for the API is the daemon's alone.
    #[test]
    fn every_setting_of_the_transports_is_here() {
        let text = toml::to_string(&Settings::default()).unwrap();
        let table: toml::Table = toml::from_str(&text).unwrap();
        let documented = document("settings.md");
        let names = documented.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        let mut count = 0;
        for (section, field) in names.filter_map(|(name, _)| name.split_once('.')) {
            if ["http", "tls", "api"].contains(&section) && field != "keys" {
                count += 1;
                assert!(table[section].get(field).is_some(), "{section}.{field}");
            }
        }
        assert!(count > 15, "{count}");
    }

    /// Names are those of the document, which lists those of the section `host` in docs/c-api.md.
    #[test]
    fn every_setting_is_documented() {
        let documents = document("settings.md") + &document("c-api.md");
        let table: toml::Table = toml::from_str(&toml::to_string(&Settings::default()).unwrap()).unwrap();
        for (section, value) in &table {
            let Some(fields) = value.as_table().filter(|_| section != "namespaces") else { continue };
            for field in fields.keys() {
                let name = format!("`{section}.{field}");
                assert!(documents.contains(&name), "{name}");
            }
        }
    }
}

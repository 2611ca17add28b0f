//! Configuration: plain values with defaults, checked once when the engine starts.

use crate::error::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use tidings_core::policy::{Access, Class, Keep, Policy, Rules, SessionLimits};
use tidings_core::rate::Rate;
use tidings_proto::limit::NAMESPACE_BYTES_MAX;

/// Everything that a host may set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// What peers are held to.
    pub limits: Limits,
    /// How long things may take.
    pub times: Times,
    /// Namespaces by name; a channel `messaging:lobby` follows the rules of `messaging`. A namespace that is not here
    /// does not exist.
    pub namespaces: BTreeMap<String, Namespace>,
}

impl Default for Config {
    /// `realtime` (ephemeral), `messaging` (reliable) and `notifications` (reliable, only the host publishes).
    fn default() -> Self {
        let realtime = Namespace { class: ClassName::Ephemeral, ..Namespace::default() };
        let host = AccessName::Host;
        let notifications = Namespace { publish: host, send: host, ..Namespace::default() };
        let namespaces =
            [("realtime", realtime), ("messaging", Namespace::default()), ("notifications", notifications)];
        Self {
            limits: Limits::default(),
            times: Times::default(),
            namespaces: namespaces.map(|(name, namespace)| (name.to_owned(), namespace)).into(),
        }
    }
}

/// What peers are held to. Each has a worst case: what a peer gains that goes to its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// Most connections at once, 100,000. Each costs about 2 KiB while idle.
    pub connections_max: usize,
    /// Most connections of one user at once, 64. Bounds what one stolen token can hold open.
    pub connections_per_user_max: usize,
    /// Most channels at once, 1,000,000. A quiet one costs about 300 bytes.
    pub channels_max: usize,
    /// Most subscriptions of one session, 1,000. Each costs 32 bytes.
    pub subscriptions_max: usize,
    /// Largest message from a client in bytes, 64 KiB. A connection holds at most twice that while one comes in.
    pub message_bytes_max: usize,
    /// Most bytes that wait for one connection, 256 KiB. The worst case in memory is this times `connections_max`.
    pub outbox_bytes_max: usize,
    /// Most pieces that wait for one connection, 4,096, at 32 bytes each beside their bytes.
    pub outbox_pieces_max: usize,
    /// `publish`, `send` and `call` together for one session in a minute, 200; 0 is no limit. As many may come at once
    /// after a rest.
    pub messages_per_minute: u32,
    /// Everything else from one session in a minute, refused messages and control frames included, 6,000; 0 is no
    /// limit. Who passes it is closed with 3502.
    pub others_per_minute: u32,
    /// Most questions of one session that wait for the host, 16. Each holds the message it is about.
    pub questions_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 100_000,
            connections_per_user_max: 64,
            channels_max: 1_000_000,
            subscriptions_max: 1_000,
            message_bytes_max: 64 * 1024,
            outbox_bytes_max: 256 * 1024,
            outbox_pieces_max: 4_096,
            messages_per_minute: 200,
            others_per_minute: 6_000,
            questions_max: 16,
        }
    }
}

/// How long things may take. Durations are counted on a clock that the wall clock's steps do not move.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Times {
    /// Time after its last use in which a channel without members and history keeps its offsets, 1 h in milliseconds.
    pub channel_idle_ms: u64,
    /// Time for the `connect` command after the connection is open, 10 s in milliseconds.
    pub connect_timeout_ms: u64,
    /// Time between a connection's last sign of life and the server's ping, 25 s in milliseconds.
    pub ping_interval_ms: u64,
    /// Time for a sign of life after the ping, 10 s in milliseconds.
    pub pong_timeout_ms: u64,
    /// Time in which nothing drains from a connection before it is closed with 3002, 10 s in milliseconds.
    pub slow_timeout_ms: u64,
    /// Time for the last frames to leave and for the other side to close, 2 s in milliseconds.
    pub close_timeout_ms: u64,
    /// Time for the host to answer a question, 5 s in milliseconds.
    pub question_timeout_ms: u64,
    /// When the engine shuts down, clients are told to come back spread over this time, 5 s in milliseconds.
    pub comeback_spread_ms: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            channel_idle_ms: 3_600_000,
            connect_timeout_ms: 10_000,
            ping_interval_ms: 25_000,
            pong_timeout_ms: 10_000,
            slow_timeout_ms: 10_000,
            close_timeout_ms: 2_000,
            question_timeout_ms: 5_000,
            comeback_spread_ms: 5_000,
        }
    }
}

/// What is promised about a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ClassName {
    /// At most once; whoever cannot take it now is skipped, and nothing is kept.
    Ephemeral,
    /// The newest value for a key; older values of that key are replaced.
    Latest,
    /// In order inside the history window; who falls behind resumes from its position, or gets a gap.
    Reliable,
}

/// Who may do a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AccessName {
    /// Only the host.
    Host,
    /// Users whose token covers it, and those for whom the host says yes.
    Granted,
    /// Every connected user.
    Everyone,
}

/// The rules of one namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Namespace {
    /// What is promised, `reliable`.
    pub class: ClassName,
    /// Who may subscribe, `granted`.
    pub subscribe: AccessName,
    /// Who may publish, `granted`.
    pub publish: AccessName,
    /// Who may send to a user, `granted`.
    pub send: AccessName,
    /// Most entries that a channel keeps in memory, 1,000.
    pub history_entries_max: usize,
    /// Most bytes that a channel keeps in memory, 1 MiB.
    pub history_bytes_max: usize,
    /// Longest time that a channel keeps an entry, 2 min in milliseconds.
    pub history_age_ms_max: u64,
    /// Largest data of a publication in bytes, 32 KiB.
    pub data_bytes_max: usize,
    /// What one session may publish and send in this namespace in a minute, 0 for no limit but that of the session.
    pub messages_per_minute: u32,
}

impl Default for Namespace {
    fn default() -> Self {
        Self {
            class: ClassName::Reliable,
            subscribe: AccessName::Granted,
            publish: AccessName::Granted,
            send: AccessName::Granted,
            history_entries_max: 1_000,
            history_bytes_max: 1024 * 1024,
            history_age_ms_max: 120_000,
            data_bytes_max: 32 * 1024,
            messages_per_minute: 0,
        }
    }
}

impl Config {
    /// Checks everything and turns it into the core's terms.
    pub(crate) fn rules(&self) -> Result<Rules, Error> {
        self.check()?;
        let mut namespaces = Vec::with_capacity(self.namespaces.len());
        for (name, namespace) in &self.namespaces {
            let graphic = name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':' && byte != b'*');
            if name.is_empty() || name.len() > NAMESPACE_BYTES_MAX || !graphic {
                let text = "a namespace has 1 to 32 bytes of printable ASCII without colon and `*`";
                return Err(Error::new(ErrorKind::Config, format!("namespaces.{name:?}: {text}")));
            }
            if namespace.data_bytes_max > self.limits.message_bytes_max {
                let text = "is more than limits.message_bytes_max lets through; raise that or lower this";
                return Err(Error::new(ErrorKind::Config, format!("namespaces.{name}.data_bytes_max {text}")));
            }
            namespaces.push((name.as_str().into(), Arc::new(namespace.policy())));
        }
        Ok(Rules { namespaces, limits: self.for_sessions() })
    }

    /// The rules of users' inboxes. They keep nothing: a device whose outbox was full gets a gap.
    pub(crate) fn inbox_policy(&self) -> Arc<Policy> {
        Arc::new(Policy { keep: Keep::NOTHING, ..Namespace::default().policy() })
    }
}

impl Config {
    fn check(&self) -> Result<(), Error> {
        let Self { limits, times, .. } = self;
        let positive = [
            ("limits.connections_max", limits.connections_max as u64),
            ("limits.connections_per_user_max", limits.connections_per_user_max as u64),
            ("limits.channels_max", limits.channels_max as u64),
            ("limits.message_bytes_max", limits.message_bytes_max as u64),
            ("limits.outbox_bytes_max", limits.outbox_bytes_max as u64),
            ("limits.outbox_pieces_max", limits.outbox_pieces_max as u64),
            ("limits.questions_max", limits.questions_max as u64),
            ("times.connect_timeout_ms", times.connect_timeout_ms),
            ("times.ping_interval_ms", times.ping_interval_ms),
            ("times.pong_timeout_ms", times.pong_timeout_ms),
            ("times.slow_timeout_ms", times.slow_timeout_ms),
            ("times.close_timeout_ms", times.close_timeout_ms),
            ("times.question_timeout_ms", times.question_timeout_ms),
        ];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(Error::new(ErrorKind::Config, format!("{name} must be more than 0"))),
            None => Ok(()),
        }
    }

    const fn for_sessions(&self) -> SessionLimits {
        let Self { limits, times, .. } = self;
        SessionLimits {
            connect_timeout_ms: times.connect_timeout_ms,
            ping_interval_ms: times.ping_interval_ms,
            pong_timeout_ms: times.pong_timeout_ms,
            subscriptions_max: limits.subscriptions_max,
            questions_max: limits.questions_max,
            messages: Rate::per_minute(limits.messages_per_minute),
            others: Rate::per_minute(limits.others_per_minute),
        }
    }
}

impl Namespace {
    const fn policy(&self) -> Policy {
        Policy {
            class: match self.class {
                ClassName::Ephemeral => Class::Ephemeral,
                ClassName::Latest => Class::Latest,
                ClassName::Reliable => Class::Reliable,
            },
            subscribe: self.subscribe.access(),
            publish: self.publish.access(),
            send: self.send.access(),
            keep: Keep {
                entries_max: self.history_entries_max,
                bytes_max: self.history_bytes_max,
                age_ms_max: self.history_age_ms_max,
            },
            data_bytes_max: self.data_bytes_max,
            rate: Rate::per_minute(self.messages_per_minute),
        }
    }
}

impl AccessName {
    const fn access(self) -> Access {
        match self {
            Self::Host => Access::Host,
            Self::Granted => Access::Granted,
            Self::Everyone => Access::Everyone,
        }
    }
}

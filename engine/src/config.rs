//! Configuration: plain values with defaults, checked once when the engine starts.

use crate::error::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tidings_core::keys::Window;
use tidings_core::policy::{Access, Attendance, Class, Keep, Overflow, Policy, Rules, SessionLimits, Shelf};
use tidings_core::rate::Rate;
use tidings_proto::limit::NAMESPACE_BYTES_MAX;
use tidings_store::store::VALUE_BYTES_MAX;

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
    /// What is kept on disk, and where.
    pub store: Store,
    /// Who is there, and who is told.
    pub presence: Presence,
}

impl Config {
    /// The defaults of an engine that keeps things in a directory: as [`Config::default`], with `messaging` and
    /// `notifications` of class durable, and with what is sent to users kept on disk until their devices have it.
    #[must_use]
    pub fn stored(path: impl Into<PathBuf>) -> Self {
        let mut config = Self::default();
        config.store.path = Some(path.into());
        for name in ["messaging", "notifications"] {
            if let Some(namespace) = config.namespaces.get_mut(name) {
                namespace.class = ClassName::Durable;
            }
        }
        config
    }
}

impl Default for Config {
    /// Nothing on disk. `realtime` (ephemeral), `messaging` (reliable) and `notifications` (reliable, only the host publishes).
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
            store: Store::default(),
            presence: Presence::default(),
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
    /// `publish`, `send` and `call` together of one user in a minute, over all devices and connections, 200; 0 is no
    /// limit. As many may come at once after a rest.
    pub messages_per_minute: u32,
    /// The same of one session, 0, which is no limit but that of the user.
    pub session_messages_per_minute: u32,
    /// Most users whose pace is remembered, 1,000,000, at 100 bytes each: those who sent something within about a minute.
    /// Above it nobody else is admitted.
    pub users_paced_max: usize,
    /// Everything else from one session in a minute, refused messages and control frames included, 6,000; 0 is no
    /// limit. Who passes it is closed with 3502.
    pub others_per_minute: u32,
    /// Most questions of one session that wait for the host, 16. Each holds the message it is about.
    pub questions_max: usize,
    /// Most entries of one answer to `history`, 256.
    pub history_page_entries_max: usize,
    /// Most bytes of entries in one answer to `history`, 64 KiB, as they are written; an entry that is larger comes alone. Never
    /// more than half of `outbox_bytes_max`.
    pub history_page_bytes_max: usize,
    /// Most `history` of one session that wait for the disk, 4.
    pub history_waiting_max: usize,
    /// Most idempotency keys that are known again, 100,000. Each costs about 200 bytes, 450 at most.
    pub idempotency_keys_max: usize,
    /// Most channels whose offsets are remembered after they were forgotten themselves, 1,000,000, at 50 bytes each.
    pub forgotten_channels_max: usize,
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
            session_messages_per_minute: 0,
            users_paced_max: 1_000_000,
            others_per_minute: 6_000,
            questions_max: 16,
            history_page_entries_max: 256,
            history_page_bytes_max: 64 * 1024,
            history_waiting_max: 4,
            idempotency_keys_max: 100_000,
            forgotten_channels_max: 1_000_000,
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
    /// How long before its token ends a session is told so, 60 s in milliseconds, so that its client can refresh it; 0 is
    /// never.
    pub token_warning_ms: u64,
    /// Time after its connection was lost in which a session can be resumed, 2 min in milliseconds. As many parked sessions
    /// as connections are kept, at about 300 bytes and 40 for each channel.
    pub resume_window_ms: u64,
    /// Time in which an idempotency key is known again, 2 min in milliseconds.
    pub idempotency_window_ms: u64,
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
            token_warning_ms: 60_000,
            resume_window_ms: 120_000,
            idempotency_window_ms: 120_000,
            comeback_spread_ms: 5_000,
        }
    }
}

/// Who is there, and who is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Presence {
    /// Who may watch other users, `granted`. Oneself may always be watched.
    pub watch: AccessName,
    /// Time after a device's connection was lost before the user is offline, 15 s in milliseconds.
    pub grace_ms: u64,
    /// Time without activity after which a device is idle, 5 min in milliseconds; 0 is never.
    pub idle_after_ms: u64,
    /// Changes are told this often, 100 in milliseconds.
    pub tick_ms: u64,
    /// Longest text of a user in bytes, 256.
    pub text_bytes_max: usize,
    /// Longest info of a user in a channel in bytes, 1,024.
    pub info_bytes_max: usize,
    /// Most users that one session watches, 1,000, at 8 bytes each and some 190 for a user whom nobody knew.
    pub watched_users_max: usize,
    /// Most sessions that watch one user, 100,000.
    pub watchers_max: usize,
    /// Most users whose last time is remembered that are offline and that nobody watches, 100,000 at some 200 bytes.
    pub offline_users_max: usize,
    /// Most members of a channel that are listed, 200. Larger ones are counted, and some of their members told.
    pub members_max: usize,
}

impl Default for Presence {
    fn default() -> Self {
        Self {
            watch: AccessName::Granted,
            grace_ms: 15_000,
            idle_after_ms: 300_000,
            tick_ms: 100,
            text_bytes_max: 256,
            info_bytes_max: 1_024,
            watched_users_max: 1_000,
            watchers_max: 100_000,
            offline_users_max: 100_000,
            members_max: 200,
        }
    }
}

/// What is told of who is in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AttendanceName {
    /// Nothing, and nothing is kept of it.
    None,
    /// How many users.
    Count,
    /// Which users.
    Members,
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
    /// As reliable, and on disk before anybody gets it. Needs [`Store::path`].
    Durable,
}

/// What happens to a publication when as much is kept on disk as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OverflowName {
    /// The oldest entries go; who still waited for them gets a gap.
    DropOldest,
    /// The publisher is refused.
    Refuse,
}

/// What a durable channel keeps on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Stored {
    /// Most entries, 10,000.
    pub entries_max: usize,
    /// Most bytes, 16 MiB.
    pub bytes_max: usize,
    /// Longest time, 7 days in milliseconds.
    pub age_ms_max: u64,
    /// What happens at the first two, `drop_oldest`.
    pub overflow: OverflowName,
}

impl Default for Stored {
    fn default() -> Self {
        Self {
            entries_max: 10_000,
            bytes_max: 16 * 1024 * 1024,
            age_ms_max: 7 * DAY_MS,
            overflow: OverflowName::DropOldest,
        }
    }
}

/// Largest data of an entry on disk: what a store takes in one piece, without the entry's texts.
const STORED_DATA_BYTES_MAX: usize = VALUE_BYTES_MAX - 4 * 1024;

/// What is kept on disk for a user until all of the user's devices have acknowledged it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Inbox {
    /// Most entries, 10,000.
    pub entries_max: usize,
    /// Most bytes, 16 MiB.
    pub bytes_max: usize,
    /// Longest time, 30 days in milliseconds.
    pub age_ms_max: u64,
    /// What happens at the first two, `drop_oldest`.
    pub overflow: OverflowName,
    /// Most devices of a user, 16. The one not seen for longest makes room. Each costs about 40 bytes and its name.
    pub devices_max: usize,
    /// A device that was not seen for this long holds nothing back, 30 days in milliseconds.
    pub device_ttl_ms: u64,
}

const DAY_MS: u64 = 86_400_000;

impl Default for Inbox {
    fn default() -> Self {
        Self {
            entries_max: 10_000,
            bytes_max: 16 * 1024 * 1024,
            age_ms_max: 30 * DAY_MS,
            overflow: OverflowName::DropOldest,
            devices_max: 16,
            device_ttl_ms: 30 * DAY_MS,
        }
    }
}

/// Where things are kept on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Store {
    /// The directory. Without it nothing is kept on disk, and no namespace can be durable.
    pub path: Option<PathBuf>,
    /// What the store may hold in memory of what is on disk, 64 MiB.
    pub cache_bytes: u64,
    /// Most bytes that wait for the disk, 64 MiB. Publishers are told to try again above it.
    pub queue_bytes_max: usize,
    /// Longest time that opening may take, 2 min in milliseconds.
    pub open_timeout_ms: u64,
    /// What is kept for users until their devices have it.
    pub inbox: Inbox,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            path: None,
            cache_bytes: 64 * 1024 * 1024,
            queue_bytes_max: 64 * 1024 * 1024,
            open_timeout_ms: 120_000,
            inbox: Inbox::default(),
        }
    }
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
    /// Whether what is sent to a user waits for those of the user's devices that are away, true: on disk, if there is a
    /// store. Else it reaches who is connected.
    pub queue_sends: bool,
    /// Most entries that a channel keeps in memory, 1,000.
    pub history_entries_max: usize,
    /// Most bytes that a channel keeps in memory, 1 MiB.
    pub history_bytes_max: usize,
    /// Longest time that a channel keeps an entry, 2 min in milliseconds.
    pub history_age_ms_max: u64,
    /// In class durable: what a channel keeps on disk.
    pub stored: Stored,
    /// Largest data of a publication in bytes, 32 KiB.
    pub data_bytes_max: usize,
    /// What one session may publish and send in this namespace in a minute, 0 for no limit but that of the session.
    pub messages_per_minute: u32,
    /// What subscribers may be told of who is in a channel, `none`.
    pub presence: AttendanceName,
}

impl Default for Namespace {
    fn default() -> Self {
        Self {
            class: ClassName::Reliable,
            subscribe: AccessName::Granted,
            publish: AccessName::Granted,
            send: AccessName::Granted,
            queue_sends: true,
            history_entries_max: 1_000,
            history_bytes_max: 1024 * 1024,
            history_age_ms_max: 120_000,
            stored: Stored::default(),
            data_bytes_max: 32 * 1024,
            messages_per_minute: 0,
            presence: AttendanceName::None,
        }
    }
}

impl Config {
    /// Checks everything and turns it into the core's terms.
    pub(crate) fn rules(&self, has_store: bool) -> Result<Rules, Error> {
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
            let is_kept = has_store && (namespace.class == ClassName::Durable || namespace.queue_sends);
            if is_kept && namespace.data_bytes_max > STORED_DATA_BYTES_MAX {
                let text = format!("is more than the {STORED_DATA_BYTES_MAX} that are kept on disk in one piece");
                return Err(Error::new(ErrorKind::Config, format!("namespaces.{name}.data_bytes_max {text}")));
            }
            if namespace.class == ClassName::Durable && !has_store {
                let text = "is durable, and there is no directory to keep it in; set store.path, or another class";
                return Err(Error::new(ErrorKind::Config, format!("namespaces.{name}.class {text}")));
            }
            namespaces.push((name.as_str().into(), Arc::new(namespace.policy(has_store))));
        }
        Ok(Rules { namespaces, limits: self.for_sessions(), presence: self.presence.rules() })
    }

    /// The rules of users' inboxes. They keep nothing in memory: without a store a device whose outbox was full gets a
    /// gap.
    pub(crate) fn inbox_policy(&self, has_store: bool) -> Arc<Policy> {
        let Inbox { entries_max, bytes_max, age_ms_max, overflow, devices_max, device_ttl_ms } = self.store.inbox;
        let keep = Keep { entries_max, bytes_max, age_ms_max };
        let shelf = Shelf { keep, overflow: overflow.overflow(), devices_max, device_ttl_ms };
        let class = if has_store { Class::Durable } else { Class::Reliable };
        Arc::new(Policy { class, keep: Keep::NOTHING, shelf, ..Namespace::default().policy(has_store) })
    }

    pub(crate) const fn idempotency_window(&self) -> Window {
        Window { age_ms_max: self.times.idempotency_window_ms, keys_max: self.limits.idempotency_keys_max }
    }
}

impl Config {
    fn check(&self) -> Result<(), Error> {
        let Self { limits, times, store, .. } = self;
        let inbox = &store.inbox;
        let positive = [
            ("limits.connections_max", limits.connections_max as u64),
            ("limits.connections_per_user_max", limits.connections_per_user_max as u64),
            ("limits.channels_max", limits.channels_max as u64),
            ("limits.message_bytes_max", limits.message_bytes_max as u64),
            ("limits.outbox_bytes_max", limits.outbox_bytes_max as u64),
            ("limits.outbox_pieces_max", limits.outbox_pieces_max as u64),
            ("limits.questions_max", limits.questions_max as u64),
            ("limits.history_page_entries_max", limits.history_page_entries_max as u64),
            ("limits.history_page_bytes_max", limits.history_page_bytes_max as u64),
            ("limits.history_waiting_max", limits.history_waiting_max as u64),
            ("limits.users_paced_max", limits.users_paced_max as u64),
            ("limits.idempotency_keys_max", limits.idempotency_keys_max as u64),
            ("store.inbox.entries_max", inbox.entries_max as u64),
            ("store.inbox.bytes_max", inbox.bytes_max as u64),
            ("store.inbox.devices_max", inbox.devices_max as u64),
            ("store.queue_bytes_max", store.queue_bytes_max as u64),
            ("store.open_timeout_ms", store.open_timeout_ms),
            ("times.connect_timeout_ms", times.connect_timeout_ms),
            ("times.ping_interval_ms", times.ping_interval_ms),
            ("times.pong_timeout_ms", times.pong_timeout_ms),
            ("times.slow_timeout_ms", times.slow_timeout_ms),
            ("times.close_timeout_ms", times.close_timeout_ms),
            ("times.question_timeout_ms", times.question_timeout_ms),
            ("presence.tick_ms", self.presence.tick_ms),
            ("presence.watchers_max", self.presence.watchers_max as u64),
        ];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(Error::new(ErrorKind::Config, format!("{name} must be more than 0"))),
            None => Ok(()),
        }
    }

    const fn for_sessions(&self) -> SessionLimits {
        let Self { limits, times, presence, .. } = self;
        SessionLimits {
            idle_after_ms: presence.idle_after_ms,
            connect_timeout_ms: times.connect_timeout_ms,
            ping_interval_ms: times.ping_interval_ms,
            pong_timeout_ms: times.pong_timeout_ms,
            token_warning_ms: times.token_warning_ms,
            subscriptions_max: limits.subscriptions_max,
            questions_max: limits.questions_max,
            messages: Rate::per_minute(limits.session_messages_per_minute),
            others: Rate::per_minute(limits.others_per_minute),
        }
    }
}

impl Namespace {
    const fn policy(&self, has_store: bool) -> Policy {
        let Stored { entries_max, bytes_max, age_ms_max, overflow } = self.stored;
        Policy {
            class: match self.class {
                ClassName::Ephemeral => Class::Ephemeral,
                ClassName::Latest => Class::Latest,
                ClassName::Reliable => Class::Reliable,
                ClassName::Durable => Class::Durable,
            },
            send_class: match (self.queue_sends, has_store) {
                (false, _) => Class::Ephemeral,
                (true, false) => Class::Reliable,
                (true, true) => Class::Durable,
            },
            subscribe: self.subscribe.access(),
            publish: self.publish.access(),
            send: self.send.access(),
            keep: Keep {
                entries_max: self.history_entries_max,
                bytes_max: self.history_bytes_max,
                age_ms_max: self.history_age_ms_max,
            },
            shelf: Shelf {
                keep: Keep { entries_max, bytes_max, age_ms_max },
                overflow: overflow.overflow(),
                // Of inboxes alone.
                devices_max: 0,
                device_ttl_ms: 0,
            },
            data_bytes_max: self.data_bytes_max,
            rate: Rate::per_minute(self.messages_per_minute),
            attendance: match self.presence {
                AttendanceName::None => Attendance::None,
                AttendanceName::Count => Attendance::Count,
                AttendanceName::Members => Attendance::Members,
            },
        }
    }
}

impl OverflowName {
    const fn overflow(self) -> Overflow {
        match self {
            Self::DropOldest => Overflow::DropOldest,
            Self::Refuse => Overflow::Refuse,
        }
    }
}

impl AccessName {
    pub(crate) const fn access(self) -> Access {
        match self {
            Self::Host => Access::Host,
            Self::Granted => Access::Granted,
            Self::Everyone => Access::Everyone,
        }
    }
}

//! The rules of a namespace, and the limits of a session.

use crate::rate::Rate;
use std::sync::Arc;

/// What is promised about a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// At most once. Whoever cannot take it now is skipped.
    Ephemeral,
    /// The newest value for a key. Older values of that key are replaced.
    Latest,
    /// In order inside the history window; a receiver that fell behind resumes from its position, or gets a gap.
    Reliable,
    /// As reliable, and on disk before anybody gets it or is told that it is stored.
    Durable,
}

/// Who may do a thing in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// Only the host.
    Host,
    /// Users whose rights cover it, and those for whom the host says yes.
    Granted,
    /// Every user that is connected.
    Everyone,
}

/// What is told of who is in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Attendance {
    /// Nothing, and nothing is kept of it.
    None,
    /// How many users.
    Count,
    /// Which users.
    Members,
}

/// How much of a stream is kept in memory. What passes the first of the three goes, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Most entries.
    pub entries_max: usize,
    /// Most bytes of data, names and bookkeeping.
    pub bytes_max: usize,
    /// Longest time in milliseconds.
    pub age_ms_max: u64,
}

impl Keep {
    /// Nothing is kept.
    pub const NOTHING: Self = Self { entries_max: 0, bytes_max: 0, age_ms_max: 0 };
}

/// What happens to a publication when a stream holds as much on disk as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// The oldest entries go, and whoever still waited for them is told a gap.
    DropOldest,
    /// The publisher is refused.
    Refuse,
}

/// How much of a stream is kept on disk, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shelf {
    /// The bounds. Ages are counted on the wall clock, since they outlive the process.
    pub keep: Keep,
    /// What happens at the bounds in entries and bytes. Age always drops.
    pub overflow: Overflow,
    /// Of an inbox: most devices of a user. The one that was not seen for longest makes room.
    pub devices_max: usize,
    /// Of an inbox: a device that was not seen for this long, in milliseconds, holds no entries back.
    pub device_ttl_ms: u64,
}

/// The rules of one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What is promised to a channel's subscribers.
    pub class: Class,
    /// What is promised of an event that is sent to a user.
    pub send_class: Class,
    /// Who may subscribe.
    pub subscribe: Access,
    /// Who may publish.
    pub publish: Access,
    /// Who may send to a user.
    pub send: Access,
    /// What is kept of a channel. [`Class::Ephemeral`] keeps nothing, whatever stands here.
    pub keep: Keep,
    /// What is kept on disk, in class [`Class::Durable`].
    pub shelf: Shelf,
    /// Largest data of a publication in bytes.
    pub data_bytes_max: usize,
    /// What one session may publish and send in the namespace, beside [`SessionLimits::messages`].
    pub rate: Rate,
    /// What subscribers are told of each other.
    pub attendance: Attendance,
}

/// What a session is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Time for the `connect` command to come.
    pub connect_timeout_ms: u64,
    /// The server pings this often.
    pub ping_interval_ms: u64,
    /// Time for a sign of life after a ping.
    pub pong_timeout_ms: u64,
    /// A client that was not used for this long is idle; 0 is never.
    pub idle_after_ms: u64,
    /// How long before its token ends a session is told; 0 for never.
    pub token_warning_ms: u64,
    /// Most channels.
    pub subscriptions_max: usize,
    /// Most questions to the host that wait for an answer.
    pub questions_max: usize,
    /// `publish`, `send` and `call` together.
    pub messages: Rate,
    /// Everything else that comes in: other commands, control frames, and whatever is refused.
    pub others: Rate,
}

/// What presence is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresenceRules {
    /// Who may watch whom.
    pub watch: Access,
    /// How long a device counts as there after its connection was lost.
    pub grace_ms: u64,
    /// Longest text of a user in bytes.
    pub text_bytes_max: usize,
    /// Longest info of a user in a channel in bytes.
    pub info_bytes_max: usize,
    /// Most users that one session watches.
    pub watched_max: usize,
    /// Most sessions that watch one user.
    pub watchers_max: usize,
    /// Most users whose last time is remembered when nobody watches them and none of their devices is there.
    pub strangers_max: usize,
    /// Most members of a channel that are listed. Above it, they are counted, and some of them told.
    pub members_max: usize,
}

/// Namespaces by name, and the limits of their sessions: what a session needs to judge by.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Few, so they are searched one by one.
    pub namespaces: Vec<(Box<str>, Arc<Policy>)>,
    /// For each session.
    pub limits: SessionLimits,
    /// Of presence.
    pub presence: PresenceRules,
}

impl Rules {
    /// The rules of a namespace, if it was declared.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<&Arc<Policy>> {
        self.namespaces.iter().find(|(declared, _)| **declared == *name).map(|(_, policy)| policy)
    }
}

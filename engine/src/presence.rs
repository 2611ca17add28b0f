//! Everybody's presence behind its lock, and the host's look-ups.
//!
//! The lock comes after a session's and a cell's; under it nothing is locked but outboxes, and nothing is written. An
//! answer that tells how somebody is present is enqueued under it, so that no change overtakes it.

use crate::config;
use crate::fan::Fan;
use crate::outbox::Outbox;
use crate::random::random;
use crate::sync::lock;
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_core::policy::PresenceRules;
pub use tidings_core::presence::Change;
use tidings_core::presence::{Board, DeviceId};
use tidings_core::time::Now;
use tidings_proto::members::Members as MembersFrame;
use tidings_proto::payload::Data;
use tidings_proto::presence::StatusFrame;
pub use tidings_proto::presence::{Reason, Status};

/// How present a user is, as it is: who hides is [`Status::Invisible`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserPresence {
    /// Whose.
    pub user: String,
    /// How present.
    pub status: Status,
    /// Since when, in milliseconds since 1970; `None` where nothing is known of the user.
    pub since_ms: Option<u64>,
    /// Why.
    pub reason: Reason,
    /// Of who is offline: until when the last device was there, in milliseconds since 1970.
    pub last_seen_ms: Option<u64>,
    /// The user's own words.
    pub text: Option<String>,
}

impl UserPresence {
    fn new(frame: &StatusFrame<'_>) -> Self {
        Self {
            user: frame.user.to_owned(),
            status: frame.status,
            since_ms: frame.since,
            reason: frame.reason,
            last_seen_ms: frame.last_seen,
            text: frame.text.map(str::to_owned),
        }
    }
}

/// A user in a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelMember {
    /// The user's id.
    pub user: String,
    /// What the user says of itself there.
    pub info: Option<Data>,
    /// Since when the user is there, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Who is in a channel, or how many.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelPresence {
    /// How many users are in it.
    pub count: usize,
    /// Whether `members` are all of them.
    pub complete: bool,
    /// All of them, some, or none.
    pub members: Vec<ChannelMember>,
}

impl ChannelPresence {
    fn new(frame: MembersFrame<'_>) -> Self {
        let members = frame.members.iter().map(|member| ChannelMember {
            user: member.user.to_owned(),
            info: member.info.map(|info| info.to_data()),
            at_ms: member.at,
        });
        Self { count: frame.count, complete: frame.complete, members: members.collect() }
    }
}

/// Everybody's presence.
pub(crate) struct Presence {
    board: Mutex<Board<Arc<Outbox>>>,
}

impl Presence {
    pub(crate) fn new(rules: PresenceRules) -> Self {
        Self { board: Mutex::new(Board::new(rules, random(u64::from_ne_bytes))) }
    }

    pub(crate) fn board(&self) -> MutexGuard<'_, Board<Arc<Outbox>>> {
        lock(&self.board)
    }

    /// A session has lost its connection.
    pub(crate) fn lost(&self, device: DeviceId, now: Now) {
        self.board().lost(device, now);
    }

    /// A session's user has gone, or was sent away.
    pub(crate) fn left(&self, device: DeviceId, reason: Reason, now: Now) {
        self.board().left(device, reason, now);
    }

    /// A session is over.
    pub(crate) fn forget(&self, device: DeviceId) {
        self.board().forget(device);
    }

    pub(crate) fn is_online(&self, user: &str) -> bool {
        self.board().is_online(user)
    }

    pub(crate) fn of(&self, user: &str) -> UserPresence {
        UserPresence::new(&self.board().presence(user))
    }

    /// Of many in one go: all of one moment.
    pub(crate) fn of_many(&self, users: &[&str]) -> Vec<UserPresence> {
        let board = self.board();
        users.iter().map(|user| UserPresence::new(&board.presence(user))).collect()
    }

    pub(crate) fn in_channel(&self, channel: &str, lists: bool) -> ChannelPresence {
        ChannelPresence::new(self.board().members(channel, lists))
    }

    /// Delivers to a session what it had no room for.
    pub(crate) fn forward(&self, device: DeviceId, fan: &mut Fan) {
        let mut board = self.board();
        board.forward(device, fan);
        board.forward_rooms(device, fan);
    }
}

impl config::Presence {
    pub(crate) const fn rules(&self) -> PresenceRules {
        PresenceRules {
            watch: self.watch.access(),
            grace_ms: self.grace_ms,
            text_bytes_max: self.text_bytes_max,
            info_bytes_max: self.info_bytes_max,
            watched_max: self.watched_users_max,
            watchers_max: self.watchers_max,
            strangers_max: self.offline_users_max,
            members_max: self.members_max,
        }
    }
}

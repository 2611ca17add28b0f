//! The limits that a session, its user or the server can reach, by the names of their settings.

/// A limit that was reached. Counted by name, so the set is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Limit {
    /// Messages of one user in a minute, over all connections.
    MessagesPerMinute,
    /// Messages of one session in a minute.
    SessionMessagesPerMinute,
    /// Messages of one session in a minute in one namespace.
    NamespaceMessagesPerMinute,
    /// Everything else of one session in a minute.
    OthersPerMinute,
    /// Channels that a session is subscribed to.
    Subscriptions,
    /// Questions of one session that wait for the host.
    Questions,
    /// The data of one publication.
    DataBytes,
    /// Connections at once.
    Connections,
    /// Connections of one user at once.
    ConnectionsPerUser,
    /// Users whose pace is remembered.
    UsersPaced,
    /// Channels and inboxes in memory.
    Channels,
    /// What waits for one connection.
    Outbox,
    /// What waits for the disk.
    StoreQueue,
    /// Users that a session watches.
    WatchedUsers,
    /// Sessions that watch one user.
    Watchers,
    /// What a stream keeps on disk, where that refuses the publisher.
    Stored,
    /// Looks of a session at the past that wait for the disk.
    HistoryWaiting,
}

impl Limit {
    /// Every limit, in the order of their numbers.
    pub const ALL: [Self; 17] = [
        Self::MessagesPerMinute,
        Self::SessionMessagesPerMinute,
        Self::NamespaceMessagesPerMinute,
        Self::OthersPerMinute,
        Self::Subscriptions,
        Self::Questions,
        Self::DataBytes,
        Self::Connections,
        Self::ConnectionsPerUser,
        Self::UsersPaced,
        Self::Channels,
        Self::Outbox,
        Self::StoreQueue,
        Self::WatchedUsers,
        Self::Watchers,
        Self::Stored,
        Self::HistoryWaiting,
    ];

    /// Its number, for a table.
    #[must_use]
    pub const fn number(self) -> usize {
        self as usize
    }

    /// The name of its setting, for a metric's label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MessagesPerMinute => "limits.messages_per_minute",
            Self::SessionMessagesPerMinute => "limits.session_messages_per_minute",
            Self::NamespaceMessagesPerMinute => "namespaces.messages_per_minute",
            Self::OthersPerMinute => "limits.others_per_minute",
            Self::Subscriptions => "limits.subscriptions_max",
            Self::Questions => "limits.questions_max",
            Self::DataBytes => "namespaces.data_bytes_max",
            Self::Connections => "limits.connections_max",
            Self::ConnectionsPerUser => "limits.connections_per_user_max",
            Self::UsersPaced => "limits.users_paced_max",
            Self::Channels => "limits.channels_max",
            Self::Outbox => "limits.outbox_bytes_max",
            Self::StoreQueue => "store.queue_bytes_max",
            Self::WatchedUsers => "presence.watched_users_max",
            Self::Watchers => "presence.watchers_max",
            Self::Stored => "stored.overflow",
            Self::HistoryWaiting => "limits.history_waiting_max",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Limit;
    use std::collections::BTreeSet;

    #[test]
    fn each_has_a_number_and_a_name_of_its_own() {
        assert!(Limit::ALL.iter().enumerate().all(|(number, limit)| limit.number() == number));
        assert_eq!(Limit::ALL.iter().map(|limit| limit.name()).collect::<BTreeSet<_>>().len(), Limit::ALL.len());
    }
}

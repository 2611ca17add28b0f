//! What the engine counts.

use std::sync::atomic::{AtomicU64, Ordering};
use tidings_core::limit::Limit;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident, $metric:literal;)*) => {
        /// Counters that only rise. Added to once for each batch, never once for each delivery.
        #[derive(Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
            /// How often each limit was reached, by its number.
            limits: [Counter; Limit::ALL.len()],
        }

        /// What the engine has counted since it started, and what it holds now.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
        #[non_exhaustive]
        pub struct Stats {
            /// Connections open now.
            pub connections: u64,
            /// Channels in the directory now.
            pub channels: u64,
            /// Users whose inbox is in memory now: those connected, and with a store those who were sent to a moment ago.
            pub users: u64,
            /// Sessions that wait for their client to come back.
            pub parked: u64,
            /// Bytes that wait for the store.
            pub store_waiting_bytes: u64,
            /// Users whose pace is remembered: who has sent something within about a minute.
            pub users_paced: u64,
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            /// The counters' values; what is held now is filled in by the caller.
            pub(crate) fn read(&self) -> Stats {
                Stats { connections: 0, channels: 0, users: 0, parked: 0, store_waiting_bytes: 0, users_paced: 0, $($name: self.$name.value(),)* }
            }
        }

        /// Describes the metrics and hands the counters' values to the recorder that the host installed.
        pub(crate) fn record(stats: &Stats) {
            metrics::gauge!("tidings_connections").set(as_f64(stats.connections));
            metrics::gauge!("tidings_channels").set(as_f64(stats.channels));
            metrics::gauge!("tidings_users").set(as_f64(stats.users));
            metrics::gauge!("tidings_sessions_parked").set(as_f64(stats.parked));
            metrics::gauge!("tidings_store_waiting_bytes").set(as_f64(stats.store_waiting_bytes));
            metrics::gauge!("tidings_users_paced").set(as_f64(stats.users_paced));
            $(metrics::counter!($metric).absolute(stats.$name);)*
        }
    };
}

counters! {
    /// Connections that were opened.
    opened, "tidings_connections_opened_total";
    /// Connections that were refused because of `connections_max`, or because the engine shuts down.
    refused, "tidings_connections_refused_total";
    /// Sessions that were admitted by the host.
    admitted, "tidings_sessions_admitted_total";
    /// Sessions that the host did not admit.
    denied, "tidings_sessions_denied_total";
    /// Sessions that were ended because their token was revoked.
    revoked, "tidings_sessions_revoked_total";
    /// Connections that are over.
    closed, "tidings_connections_closed_total";
    /// Frames received from clients.
    frames_in, "tidings_frames_received_total";
    /// Commands answered by an error.
    errors, "tidings_errors_total";
    /// Publications placed, the host's and `send` included.
    published, "tidings_publications_total";
    /// Publications that were given a place on disk, behind the barrier.
    stored, "tidings_publications_stored_total";
    /// Publications that were known by their idempotency key and answered as before.
    duplicates, "tidings_publications_duplicate_total";
    /// Changes of users' presence, those of users that hide included.
    presence_changes, "tidings_presence_changes_total";
    /// Such changes, and changes of channels' members, as they were enqueued for a session each.
    presence_told, "tidings_presence_told_total";
    /// Sessions that were gone on with over another connection.
    resumed, "tidings_sessions_resumed_total";
    /// Times the store failed and had to be opened afresh.
    store_failures, "tidings_store_failures_total";
    /// Entries on disk that could not be read and were told as gaps.
    damaged, "tidings_store_damaged_total";
    /// Entries put on the way to a connection.
    delivered, "tidings_deliveries_total";
    /// Entries of ephemeral streams that a full connection did not get.
    skipped, "tidings_deliveries_skipped_total";
    /// Bytes handed to sockets.
    bytes_out, "tidings_bytes_sent_total";
    /// Times a connection was told to close because nothing drained from it.
    slow, "tidings_closed_slow_total";
    /// Times a connection was told to close because of a flood.
    flood, "tidings_closed_flood_total";
    /// Times a connection was told to close because it showed no life.
    lost, "tidings_closed_lost_total";
}

impl Counters {
    /// A limit was reached, so many times.
    pub(crate) fn reached(&self, limit: Limit, times: u64) {
        self.limits[limit.number()].add(times);
    }

    /// Hands how often each limit was reached to the recorder that the host installed.
    pub(crate) fn record_limits(&self) {
        for limit in Limit::ALL {
            let counter = metrics::counter!("tidings_limits_reached_total", "limit" => limit.name());
            counter.absolute(self.limits[limit.number()].value());
        }
    }
}

/// A number that rises.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        if more > 0 {
            self.0.fetch_add(more, Ordering::Relaxed);
        }
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge of connections is exact up to 2^53")]
const fn as_f64(number: u64) -> f64 {
    number as f64
}

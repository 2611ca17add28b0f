//! What the engine has counted.

use crate::border;
use crate::engine::{Needs, TidingsEngine};
use crate::memory::put_sized;
use crate::status::TidingsError;
use tidings::stats::Stats;

macro_rules! stats {
    ($($name:ident,)*) => {
        impl From<Stats> for TidingsStats {
            fn from(stats: Stats) -> Self {
                Self { size: 0, storing: 0, $($name: stats.$name,)* }
            }
        }

        #[cfg(test)]
        const NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}

/// What the engine has counted since it was started, and what it holds now. The caller sets `size` to
/// `sizeof(tidings_stats)`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct TidingsStats {
    /// `sizeof(tidings_stats)`, set by the caller.
    pub size: u32,
    /// 1 if the engine keeps things on disk and can do so now, else 0.
    pub storing: i32,
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
    /// Connections that were opened.
    pub opened: u64,
    /// Connections that were refused because of `connections_max`, or because the engine shuts down.
    pub refused: u64,
    /// Sessions that were admitted by the host.
    pub admitted: u64,
    /// Sessions that the host did not admit.
    pub denied: u64,
    /// Sessions that were ended because their token was revoked.
    pub revoked: u64,
    /// Connections that are over.
    pub closed: u64,
    /// Frames received from clients.
    pub frames_in: u64,
    /// Commands answered by an error.
    pub errors: u64,
    /// Publications placed, the host's and `send` included.
    pub published: u64,
    /// Publications that were given a place on disk, behind the barrier.
    pub stored: u64,
    /// Publications that were known by their idempotency key and answered as before.
    pub duplicates: u64,
    /// Changes of users' presence, those of users that hide included.
    pub presence_changes: u64,
    /// Such changes, and changes of channels' members, as they were enqueued for a session each.
    pub presence_told: u64,
    /// Sessions that were gone on with over another connection.
    pub resumed: u64,
    /// Times the store failed and had to be opened afresh.
    pub store_failures: u64,
    /// Entries on disk that could not be read and were told as gaps.
    pub damaged: u64,
    /// Entries put on the way to a connection.
    pub delivered: u64,
    /// Entries of ephemeral streams that a full connection did not get.
    pub skipped: u64,
    /// Bytes handed to sockets.
    pub bytes_out: u64,
    /// Times a connection was told to close because nothing drained from it.
    pub slow: u64,
    /// Times a connection was told to close because of a flood.
    pub flood: u64,
    /// Times a connection was told to close because it showed no life.
    pub lost: u64,
}

stats! {
    connections,
    channels,
    users,
    parked,
    store_waiting_bytes,
    users_paced,
    opened,
    refused,
    admitted,
    denied,
    revoked,
    closed,
    frames_in,
    errors,
    published,
    stored,
    duplicates,
    presence_changes,
    presence_told,
    resumed,
    store_failures,
    damaged,
    delivered,
    skipped,
    bytes_out,
    slow,
    flood,
    lost,
}

/// Tells what the engine has counted. The caller has set `stats->size`.
///
/// Thread: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_engine_stats(
    engine: Option<&TidingsEngine>,
    stats: *mut TidingsStats,
    error: *mut TidingsError,
) -> i32 {
    border::enter_if("tidings_engine_stats", engine, Needs::Whole, error, |engine| {
        let storing = engine.inner().is_storing().into();
        let told = TidingsStats { storing, ..engine.inner().stats().into() };
        // SAFETY: the caller's promise, and the struct is any bytes but for its size.
        unsafe { put_sized(stats, &told, "stats") }
    })
}

#[cfg(test)]
mod tests {
    use super::NAMES;
    use tidings::stats::Stats;

    #[test]
    fn nothing_that_is_counted_is_left_out() {
        let counted = serde_json::to_value(Stats::default()).unwrap();
        let mut counted: Vec<&str> = counted.as_object().unwrap().keys().map(String::as_str).collect();
        let mut named = NAMES.to_vec();
        counted.sort_unstable();
        named.sort_unstable();
        assert_eq!(named, counted);
    }
}

//! Row 16: receivers that stop reading.

use crate::support::daemon::Daemon;
use crate::support::neighbour::Neighbour;
use crate::support::session::Session;
use serde_json::json;

/// Published while nobody reads: more than the buffers of both kernels and the outbox hold.
const ENTRIES: u64 = 1_000;
const DATA_BYTES: usize = 30_000;

/// What the daemon may grow by: outboxes and history, and the allocator's own.
const GROWTH_KIB_MAX: u64 = 24 * 1024;

/// The same with a store: what waits for the disk, and what sled holds beside its cache while it writes.
const STORED_GROWTH_KIB_MAX: u64 = 96 * 1024;

fn settings(more: &str) -> String {
    format!(
        "[limits]\nmessages_per_minute = 0\nothers_per_minute = 0\noutbox_bytes_max = 131072\n[times]\n{more}\n\
         [namespaces.messaging]\nclass = \"reliable\"\nhistory_bytes_max = 1048576\n"
    )
}

/// Publishes to the channel until everything has found its place, and returns what the daemon grew by.
fn pour(daemon: &Daemon, channel: &str) -> u64 {
    let before_kib = daemon.memory_kib();
    let mut writer = Session::connect(daemon, "writer");
    let data = "x".repeat(DATA_BYTES);
    for at in 1..=ENTRIES {
        let publish = json!({"id": at, "publish": {"channel": channel, "event": "E", "data": data}});
        let answer = writer.ask(&publish);
        assert_eq!(answer["published"]["offset"], at, "{answer}");
    }
    daemon.memory_kib().saturating_sub(before_kib)
}

/// Reads on until the entry with the last offset. Returns the offsets that came and those that a gap told.
fn catch_up(reader: &mut Session) -> (Vec<u64>, Vec<(u64, u64)>) {
    let (mut entries, mut gaps) = (Vec::new(), Vec::new());
    loop {
        let frame = reader.next();
        if let Some(offset) = frame["entry"]["offset"].as_u64() {
            entries.push(offset);
            if offset == ENTRIES + 1 {
                return (entries, gaps);
            }
        } else if frame["gap"].is_object() {
            gaps.push((frame["gap"]["from"].as_u64().unwrap(), frame["gap"]["to"].as_u64().unwrap()));
        } else {
            panic!("{frame}");
        }
    }
}

/// One more entry, small, when the reader reads again.
fn publish_last(daemon: &Daemon, channel: &str) {
    let mut writer = Session::connect(daemon, "writer");
    let answer = writer.ask(&json!({"id": 1, "publish": {"channel": channel, "event": "E", "data": 1}}));
    assert_eq!(answer["published"]["offset"], ENTRIES + 1, "{answer}");
}

#[test]
fn in_an_ephemeral_channel_it_is_skipped() {
    let daemon = Daemon::start(&settings("slow_timeout_ms = 60000"));
    let neighbour = Neighbour::of(&daemon);
    let mut reader = Session::subscribe(&daemon, "mallory", "realtime:a");
    let grown_kib = pour(&daemon, "realtime:a");
    assert!(grown_kib < GROWTH_KIB_MAX, "{grown_kib} KiB more");
    daemon.wait_for_figure("tidings_deliveries_skipped_total", |skipped| skipped > 0);
    // It reads again: first what had left for it, then, with room in its outbox, what is new.
    let mut last = 0;
    while let Some(frame) = next_within_a_second(&mut reader) {
        let offset = frame["entry"]["offset"].as_u64().unwrap();
        assert!(offset > last, "in order: {offset} after {last}");
        last = offset;
    }
    assert!(last < ENTRIES, "something was skipped");
    publish_last(&daemon, "realtime:a");
    assert_eq!(reader.next()["entry"]["offset"], ENTRIES + 1);
    reader.assert_alive();
    neighbour.was_well();
}

fn next_within_a_second(session: &mut Session) -> Option<serde_json::Value> {
    session.client.socket.set_read_timeout(Some(std::time::Duration::from_secs(1))).unwrap();
    let mut byte = [0];
    let more = session.client.socket.peek(&mut byte).is_ok_and(|read| read > 0);
    session.client.socket.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    more.then(|| session.next())
}

#[test]
fn in_a_reliable_channel_it_catches_up_or_is_told_a_gap() {
    let daemon = Daemon::start(&settings("slow_timeout_ms = 60000"));
    let neighbour = Neighbour::of(&daemon);
    let mut reader = Session::subscribe(&daemon, "mallory", "messaging:a");
    let grown_kib = pour(&daemon, "messaging:a");
    assert!(grown_kib < GROWTH_KIB_MAX, "{grown_kib} KiB more");
    publish_last(&daemon, "messaging:a");
    let (entries, gaps) = catch_up(&mut reader);
    assert!(!gaps.is_empty(), "more was published than is kept");
    let mut next = 1;
    let mut gaps = gaps.into_iter().peekable();
    for offset in entries {
        while let Some((from, to)) = gaps.next_if(|(from, _)| *from == next) {
            assert!(to >= from);
            next = to + 1;
        }
        assert_eq!(offset, next, "nothing is dropped silently");
        next += 1;
    }
    assert_eq!(gaps.next(), None);
    reader.assert_alive();
    neighbour.was_well();
}

#[test]
fn in_a_durable_channel_it_gets_all_that_it_missed_from_the_disk() {
    let kept = "[namespaces.kept]\nclass = \"durable\"\n[namespaces.kept.stored]\nbytes_max = 67108864\n";
    let daemon =
        Daemon::start(&format!("{}{kept}[store]\ncache_bytes = 8388608\n", settings("slow_timeout_ms = 60000")));
    let neighbour = Neighbour::of(&daemon);
    let mut reader = Session::subscribe(&daemon, "mallory", "kept:a");
    let grown_kib = pour(&daemon, "kept:a");
    assert!(grown_kib < STORED_GROWTH_KIB_MAX, "{grown_kib} KiB more");
    publish_last(&daemon, "kept:a");
    let (entries, gaps) = catch_up(&mut reader);
    assert_eq!((entries, gaps), ((1..=ENTRIES + 1).collect(), vec![]));
    reader.assert_alive();
    neighbour.was_well();
}

#[test]
fn when_nothing_drains_for_too_long_it_is_closed() {
    let daemon = Daemon::start(&settings("slow_timeout_ms = 5000"));
    let neighbour = Neighbour::of(&daemon);
    let mut late = Session::subscribe(&daemon, "mallory", "messaging:a");
    let never = Session::subscribe(&daemon, "mallory", "messaging:a");
    pour(&daemon, "messaging:a");
    daemon.wait_for_figure("tidings_closed_slow_total", |slow| slow == 2);
    let close = late.expect_close(3002);
    assert_eq!(close["reason"], "slow");
    drop(late);
    // Who does not even read that is let go all the same.
    daemon.wait_for_figure("tidings_connections", |connections| connections == 2);
    drop(never);
    neighbour.was_well();
}

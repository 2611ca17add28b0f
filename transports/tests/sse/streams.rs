//! Streams while they are open, and how they end.

use crate::listener::Listener;
use crate::server::{Server, config};
use std::io::Write as _;
use std::net::Shutdown;
use std::time::{Duration, Instant};

#[test]
fn who_cannot_answer_is_pinged_and_stays() {
    let mut quick = config();
    quick.times.ping_interval_ms = 100;
    quick.times.pong_timeout_ms = 100;
    let server = Server::start(quick);
    let mut silent = Listener::get(server.address, "channel=messaging:a&token=alice", "");
    let began = Instant::now();
    for _ in 0..8 {
        silent.until_comment();
    }
    assert!(began.elapsed() >= Duration::from_millis(700), "not faster than it should: {:?}", began.elapsed());
    server.publish("messaging:a", 1);
    assert_eq!(silent.entries(1), [1]);
    assert_eq!(server.engine.stats().closed, 0);
}

#[test]
fn who_goes_is_waited_for() {
    let server = Server::start(config());
    let listener = Listener::get(server.address, "channel=messaging:a&token=alice", "");
    drop(listener);
    server.eventually("the session waits", |engine| (engine.stats().connections, engine.stats().parked) == (0, 1));
    let half = Listener::get(server.address, "token=alice", "");
    half.socket.shutdown(Shutdown::Write).unwrap();
    server.eventually("this one too", |engine| (engine.stats().connections, engine.stats().parked) == (0, 2));
}

#[test]
fn a_little_behind_the_request_is_read_away_and_a_lot_is_the_end() {
    let server = Server::start(config());
    let mut listener = Listener::get(server.address, "channel=messaging:a&token=alice", "");
    listener.socket.write_all(&[b'x'; 10_000]).unwrap();
    server.publish("messaging:a", 1);
    assert_eq!(listener.entries(1), [1]);
    let more = [b'x'; 16 * 1024];
    let began = Instant::now();
    while listener.socket.write_all(&more).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(10), "still read");
    }
    server.eventually("it is gone", |engine| engine.stats().connections == 0);
}

#[test]
fn a_shutdown_tells_when_to_come_back() {
    let mut spread = config();
    spread.times.comeback_spread_ms = 60_000;
    let server = Server::start(spread);
    let mut listener = Listener::get(server.address, "channel=messaging:a&token=alice", "");
    listener.expect("subscribed");
    server.publish("messaging:a", 1);
    let engine = server.engine.clone();
    let stopping = server.runtime().spawn(async move { engine.shutdown(Duration::from_secs(5)).await });
    assert_eq!(listener.entries(1), [1], "what waited comes before");
    let close = listener.expect("close");
    assert_eq!((&close["code"], &close["reason"]), (&3001.into(), &"shutdown".into()));
    assert_eq!(listener.reading.retry_ms, close["retry_after_ms"].as_u64());
    assert_eq!(listener.next(), None);
    drop(listener);
    assert_eq!(server.runtime().block_on(stopping).unwrap(), 0, "nobody is left");
    // A browser takes any other status for an end for good.
    let mut late = Listener::get(server.address, "token=alice", "");
    assert_eq!(late.status, 200);
    assert_eq!(late.expect("close")["code"], 3001);
    assert_eq!(late.reading.retry_ms, Some(5_000));
    assert_eq!(late.next(), None);
}

#[test]
fn who_reads_nothing_is_closed_as_slow_and_no_other_waits() {
    let mut slow = config();
    slow.times.slow_timeout_ms = 300;
    let server = Server::start(slow);
    let mut stuck = Listener::get(server.address, "channel=messaging:a&token=alice", "");
    let mut quick = Listener::get(server.address, "channel=messaging:a&token=bob", "");
    let data = tidings::Data::new(&"x".repeat(20_000)).unwrap();
    let began = Instant::now();
    let mut sent = 0;
    while server.engine.stats().slow == 0 {
        server.engine.publish("messaging:a", "E", &data).unwrap();
        sent += 1;
        quick.expect("entry");
        assert!(began.elapsed() < Duration::from_secs(20), "still open");
    }
    // It reads again: what it gets is in order, its last word is why, and its id tells no more than it got.
    let mut last = 0;
    let close = loop {
        let frame = stuck.next().expect("the close comes first");
        if let Some(offset) = frame["entry"]["offset"].as_u64() {
            assert_eq!(offset, last + 1);
            last = offset;
        } else if frame["close"].is_object() {
            break frame;
        }
    };
    assert_eq!(close["close"]["code"], 3002);
    assert!(last < sent);
    let told: u64 = stuck.reading.id.rsplit_once('-').unwrap().1.parse().unwrap();
    assert_eq!(told, last, "{}", stuck.reading.id);
}

#[test]
fn nothing_in_a_frame_breaks_out_of_its_event() {
    let server = Server::start(config());
    let mut listener = Listener::get(server.address, "channel=messaging:a&token=alice", "");
    let nasty = "a\r\nid: 0\r\rdata: {}\n\n\u{0}\u{2028}\u{feff}: x";
    let data = tidings::Data::new(nasty).unwrap();
    server.engine.publish("messaging:a", "E", &data).unwrap();
    assert_eq!(listener.expect("entry")["data"], nasty);
    assert!(listener.reading.id.ends_with("-1"));
    for event in ["a\nb", "a\rb", "a\0b", "a b", ""] {
        assert!(server.engine.publish("messaging:a", event, &data).is_err(), "{event:?}");
    }
}

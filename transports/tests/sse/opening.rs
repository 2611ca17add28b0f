//! How a stream begins.

use crate::listener::Listener;
use crate::server::{Server, config};

#[test]
fn an_address_is_all_that_is_needed() {
    let server = Server::start(config());
    let mut curl = Listener::get(server.address, "channel=messaging:a&channel=messaging:b&token=alice", "");
    assert_eq!(curl.status, 200);
    for (name, value) in [
        ("content-type", "text/event-stream; charset=utf-8"),
        ("cache-control", "no-cache, no-store, no-transform"),
        ("x-accel-buffering", "no"),
        ("connection", "close"),
        ("vary", "origin"),
    ] {
        assert_eq!(curl.header(name), Some(value), "{}", curl.head);
    }
    assert!(curl.header("date").is_some() && curl.header("access-control-allow-origin").is_none());
    let connected = curl.expect("connected");
    assert_eq!(connected["user"], "alice");
    for channel in ["messaging:a", "messaging:b"] {
        assert_eq!(curl.expect("subscribed")["channel"], channel);
    }
    server.publish("messaging:a", 1);
    server.publish("messaging:b", 2);
    server.send("alice", 3);
    let mut all = curl.entries(3);
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3]);
    let places: Vec<_> = curl.reading.id.split(',').map(|place| place.split_once('-').unwrap().1).collect();
    assert_eq!(places, ["1", "1", "1"], "the inbox and both channels: {}", curl.reading.id);
    assert!(curl.reading.id.starts_with(connected["inbox"]["epoch"].as_str().unwrap()));
}

#[test]
fn a_token_may_stand_in_a_header() {
    let server = Server::start(config());
    let mut curl = Listener::get(server.address, "", "Authorization: Bearer alice\r\n");
    assert_eq!(curl.expect("connected")["user"], "alice");
    server.send("alice", 1);
    assert_eq!(curl.entries(1), [1]);
}

#[test]
fn rights_that_only_the_host_knows_are_asked_for_before_the_stream_begins() {
    let server = Server::start(config());
    let mut guest = Listener::get(server.address, "channel=messaging:open&token=guest", "");
    assert_eq!(guest.expect("subscribed")["channel"], "messaging:open");
    let mut refused = Listener::get(server.address, "channel=messaging:open&channel=messaging:shut&token=guest", "");
    assert_eq!((refused.status, refused.error()), (403, "forbidden".into()));
    server.eventually("the refused session is gone", |engine| engine.stats().connections == 1);
}

#[test]
fn pages_of_allowed_origins_are_told_that_they_may() {
    let server = Server::start(config());
    let page = Listener::get(server.address, "token=alice", "Origin: https://page.example\r\n");
    assert_eq!((page.status, page.header("access-control-allow-origin")), (200, Some("https://page.example")));
    let mut refused = Listener::get(server.address, "token=stranger", "Origin: https://page.example\r\n");
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, Some("https://page.example")));
    assert_eq!(refused.error(), "unauthorized");
}

#[test]
fn a_stream_behind_other_answers_on_its_connection_begins_all_the_same() {
    let server = Server::start(config());
    let mut client = Listener::get(server.address, "token=stranger", "");
    assert_eq!(client.error(), "unauthorized");
    use std::io::Write as _;
    client.socket.write_all(b"GET /sse?token=alice HTTP/1.1\r\nHost: server.example\r\n\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        std::io::Read::read_exact(&mut client.socket, &mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 200 OK\r\n"));
    client.status = 200;
    assert_eq!(client.expect("connected")["user"], "alice");
}

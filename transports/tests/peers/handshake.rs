//! Rows 1 to 4: peers that don't get as far as a WebSocket.

use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use tidings_transports::{Limits, Origins};

use crate::support::{Client, Neighbour, Server, counted, upgrade_request};

#[test]
fn half_a_handshake_is_ended_in_time() {
    let mut limits = Limits::default();
    limits.handshake_timeout_ms = 400;
    let server = Server::start(limits);
    let neighbour = Neighbour::of(server.address);

    let mut silent = Client::connect(server.address);
    let mut half = Client::connect(server.address);
    half.send(b"GET / HTTP/1.1\r\nHost: server.example\r\nUpgr");
    for client in [&mut silent, &mut half] {
        assert!(client.expect_end() < Duration::from_secs(3));
    }

    // The time counts from the beginning, however steadily bytes trickle in.
    let mut slow = Client::connect(server.address);
    let began = Instant::now();
    for byte in upgrade_request("/", "").bytes().cycle() {
        if slow.socket.write_all(&[byte]).is_err() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(3), "still served");
        thread::sleep(Duration::from_millis(20));
    }
    assert!(began.elapsed() >= Duration::from_millis(300));
    neighbour.was_well();
}

#[test]
fn a_connection_without_a_further_request_is_ended_in_time() {
    let mut limits = Limits::default();
    limits.handshake_timeout_ms = 400;
    let server = Server::start(limits);
    let mut client = Client::connect(server.address);
    client.send(b"GET / HTTP/1.1\r\nHost: server.example\r\n\r\n");
    assert_eq!(client.response().status, 400);
    assert!(client.expect_end() < Duration::from_secs(3));
}

#[test]
fn headers_that_are_too_long_or_too_many_are_431() {
    let server = Server::start(Limits::default());
    let neighbour = Neighbour::of(server.address);
    let long = format!("X-Long: {}\r\n", "a".repeat(64 * 1024));
    let many: String = (0..500).map(|index| format!("X-{index}: a\r\n")).collect();
    for more in [long, many] {
        let mut client = Client::connect(server.address);
        client.send_while_taken(upgrade_request("/", &more).as_bytes());
        assert_eq!(client.response().status, 431);
        client.expect_end();
    }
    for (bytes, status) in [(15 * 1024, 101), (17 * 1024, 431)] {
        let mut client = Client::connect(server.address);
        let more = format!("X-Long: {}\r\n", "a".repeat(bytes));
        client.send_while_taken(upgrade_request("/", &more).as_bytes());
        assert_eq!(client.response().status, status);
    }
    let mut endless = Client::connect(server.address);
    endless.send(b"GET / HTTP/1.1\r\nX-Endless: ");
    endless.send_while_taken(&vec![b'a'; 8 * 1024 * 1024]);
    assert_eq!(endless.response().status, 431);
    endless.expect_end();
    neighbour.was_well();
}

#[test]
fn bad_upgrade_requests_are_told_what_is_wrong() {
    let server = Server::start(Limits::default());
    let neighbour = Neighbour::of(server.address);
    let good = upgrade_request("/", "");
    for (request, status, header) in [
        (good.replace("Sec-WebSocket-Key", "X-Key"), 400, ""),
        (good.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), 400, ""),
        (good.replace("dGhlIHNhbXBsZSBub25jZQ==", "not base64 at all!!"), 400, ""),
        (good.replace("Version: 13", "Version: 12"), 426, "\r\nsec-websocket-version: 13\r\n"),
        (good.replace("Version: 13", "Version: 8"), 426, "\r\nsec-websocket-version: 13\r\n"),
        (good.replace("Sec-WebSocket-Version: 13\r\n", ""), 426, "\r\nsec-websocket-version: 13\r\n"),
        (good.replace("GET", "POST"), 405, "\r\nallow: get\r\n"),
        (good.replace("GET", "PUT"), 405, "\r\nallow: get\r\n"),
        (good.replace("Connection: Upgrade\r\n", ""), 400, ""),
        (good.replace("Upgrade: websocket\r\n", ""), 400, ""),
        (good.replace("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\nabc"), 400, "\r\nconnection: close\r\n"),
    ] {
        let mut client = Client::connect(server.address);
        client.send(request.as_bytes());
        let response = client.response();
        assert_eq!(response.status, status, "{request}");
        assert!(response.head.contains(header), "{}", response.head);
        assert!(response.body.len() > 10 && response.body.ends_with('\n'), "{}", response.body);
    }
    // HTTP/1.0 has no upgrades, and hyper answers it in kind.
    let mut client = Client::connect(server.address);
    client.send(good.replace("HTTP/1.1", "HTTP/1.0").as_bytes());
    assert_eq!(client.response().status, 400);
    neighbour.was_well();
}

#[test]
fn other_origins_are_denied_before_the_upgrade() {
    let origins: Origins = "https://good.example,http://localhost:3000".parse().unwrap();
    let server = Server::start_for(Limits::default(), origins);
    // The neighbour sends no origin at all.
    let neighbour = Neighbour::of(server.address);
    let before = counted("tidings_ws_rejections_total", "origin");
    let bad = [
        "https://other.example",
        "https://good.example:444",
        "http://good.example",
        "null",
        "https://good.example.evil.example",
        "https://evilgood.example",
        "HTTPS://GOOD.EXAMPLE",
        "https://Good.example",
        "https://good.example/",
        "http://localhost",
        "*",
        "",
    ];
    for origin in bad {
        let mut client = Client::connect(server.address);
        client.send(upgrade_request("/", &format!("Origin: {origin}\r\n")).as_bytes());
        assert_eq!(client.response().status, 403, "{origin}");
    }
    assert_eq!(counted("tidings_ws_rejections_total", "origin") - before, bad.len() as u64);
    for origin in ["https://good.example", "http://localhost:3000"] {
        let mut client = Client::connect(server.address);
        client.send(upgrade_request("/", &format!("Origin: {origin}\r\n")).as_bytes());
        assert_eq!(client.response().status, 101);
    }
    neighbour.was_well();
}

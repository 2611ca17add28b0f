//! Rows 1 to 4: peers that do not get as far as a WebSocket.

use crate::support::client::{Client, upgrade_request};
use crate::support::daemon::Daemon;
use crate::support::neighbour::Neighbour;
use std::io::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

#[test]
fn slow_handshakes_end_in_time() {
    let daemon = Daemon::start("[http]\nhandshake_timeout_ms = 500\n[limits]\nmessages_per_minute = 0\n");
    let neighbour = Neighbour::of(&daemon);
    let mut half = Client::connect(daemon.address);
    half.send(b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgr");
    assert!(half.expect_end() < Duration::from_secs(3));
    let mut trickle = Client::connect(daemon.address);
    let began = Instant::now();
    for byte in upgrade_request("/ws", "").bytes().cycle() {
        if trickle.socket.write_all(&[byte]).is_err() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(3), "still served");
        sleep(Duration::from_millis(20));
    }
    neighbour.was_well();
}

#[test]
fn bad_requests_are_answered_by_status() {
    let daemon = Daemon::start("allowed_origin = \"https://good.example\"\n[limits]\nmessages_per_minute = 0\n");
    let neighbour = Neighbour::of(&daemon);
    let good = upgrade_request("/ws", "");
    let with = |more: &str| upgrade_request("/ws", more);
    let rows = [
        (with(&format!("X-Long: {}\r\n", "a".repeat(64 * 1024))), 431, ""),
        (with(&(0..500).map(|at| format!("X-{at}: a\r\n")).collect::<String>()), 431, ""),
        (good.replace("Sec-WebSocket-Key", "X-Key"), 400, ""),
        (good.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), 400, ""),
        (good.replace("Version: 13", "Version: 12"), 426, "sec-websocket-version: 13\r\n"),
        (good.replace("GET", "POST"), 405, "allow: get\r\n"),
        (good.replace("Upgrade: websocket\r\n", ""), 400, ""),
        (with("Sec-WebSocket-Protocol: graphql-ws\r\n"), 400, ""),
        (with("Origin: null\r\n"), 403, ""),
        (with("Origin: https://good.example.evil.example\r\n"), 403, ""),
        (with("Origin: https://GOOD.example\r\n"), 403, ""),
        (with("Origin: https://good.example:444\r\n"), 403, ""),
        (with("Origin: https://good.example\r\n"), 101, ""),
    ];
    for (request, status, header) in rows {
        let mut client = Client::connect(daemon.address);
        client.send_while_taken(request.as_bytes());
        let response = client.response();
        assert_eq!(response.status, status, "{}", &request[..request.len().min(400)]);
        assert!(response.head.contains(header), "{}", response.head);
    }
    let count = |reason: &str| daemon.figure(&format!("tidings_ws_rejections_total{{reason=\"{reason}\"}}"));
    assert_eq!((count("origin"), count("key"), count("websocket_version")), (4, 2, 1));
    neighbour.was_well();
}

#[test]
fn who_pipelines_requests_and_reads_no_answer_is_closed() {
    let daemon = Daemon::start("[http]\nwrite_timeout_ms = 500\n[limits]\nmessages_per_minute = 0\n");
    let neighbour = Neighbour::of(&daemon);
    let mut client = Client::connect(daemon.address);
    let requests = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1_000);
    let began = Instant::now();
    // Some megabytes of answers fit into the buffers of both ends; then nothing moves any more.
    while client.socket.write_all(&requests).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(20), "still served");
    }
    daemon.wait_for_figure("tidings_http_write_timeouts_total", |count| count == 1);
    // Whoever reads its answers, however many there are, is served.
    let mut reader = Client::connect(daemon.address);
    reader.send(&requests[..requests.len() / 100]);
    for _ in 0..10 {
        assert_eq!(reader.response().status, 200);
    }
    neighbour.was_well();
}

/// Row 35: only HTTP/1.1 is spoken, so floods of HTTP/2 end with its first line.
#[test]
fn http_2_is_not_spoken() {
    let daemon = Daemon::start("[limits]\nmessages_per_minute = 0\n");
    let neighbour = Neighbour::of(&daemon);
    let before_kib = daemon.memory_kib();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let empty_data = [0, 0, 0, 0, 0, 0, 0, 0, 1];
    let flood = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings, &empty_data.repeat(10_000)].concat();
    for _ in 0..50 {
        let mut client = Client::connect(daemon.address);
        client.send_while_taken(&flood);
        client.expect_gone_within(Duration::from_secs(4));
    }
    let mut upgrade = Client::connect(daemon.address);
    upgrade.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
    assert_eq!(upgrade.response().status, 200, "answered as HTTP/1.1");
    let grown_kib = daemon.memory_kib().saturating_sub(before_kib);
    assert!(grown_kib < 8 * 1024, "{grown_kib} KiB more");
    neighbour.was_well();
}

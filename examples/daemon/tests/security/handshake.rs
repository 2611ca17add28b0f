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

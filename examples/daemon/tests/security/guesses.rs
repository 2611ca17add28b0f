//! Row 36, and the pace of row 22: who brings what is not good, again and again, or asks too often.

use crate::support::SECRET;
use crate::support::api::{self, KEY, raw, request};
use crate::support::client::{Client, Response, upgrade_request};
use crate::support::daemon::Daemon;
use crate::support::neighbour::Neighbour;
use crate::support::session::Session;
use crate::support::tool::token;
use serde_json::json;
use std::io::Read as _;
use std::thread::sleep;
use std::time::Duration;

const LIMIT: &str = "tidings_limits_reached_total{limit=\"http.failed_auths_per_minute_per_address\"}";
const HOUSE: &str = "203.0.113.7";
const OTHER: &str = "203.0.113.8";

/// A daemon behind a proxy, where this many tries may fail.
fn daemon(failures: u32, more: &str) -> Daemon {
    let settings = format!(
        "[limits]\nmessages_per_minute = 0\n[http]\ntrusted_proxies = \"127.0.0.1\"\n\
         failed_auths_per_minute_per_address = {failures}\n{more}"
    );
    let environment = [("JWT_SECRET", SECRET), ("TIDINGS_API_KEY", KEY)];
    Daemon::start_with(&["--listen", "127.0.0.1:0"], &environment, &settings)
}

fn from(address: &str) -> String {
    format!("X-Forwarded-For: {address}\r\n")
}

/// What an upgrade from this address is answered, and the connection.
fn upgrade(daemon: &Daemon, address: &str) -> (Response, Session) {
    let mut client = Client::connect(daemon.address);
    client.send(upgrade_request("/ws", &from(address)).as_bytes());
    (client.response(), Session { client })
}

/// A session from this address, with this token.
fn connect(daemon: &Daemon, address: &str, token: &str) -> Session {
    let (response, mut session) = upgrade(daemon, address);
    assert_eq!(response.status, 101, "{response:?}");
    session.send(json!({"id": 1, "connect": {"token": token}}));
    session
}

/// The head of what a request from this address is answered.
fn head(daemon: &Daemon, address: &str, request: &str) -> String {
    let mut client = Client::connect(daemon.address);
    client.send_while_taken(request.replacen("Host: a\r\n", &format!("Host: a\r\n{}", from(address)), 1).as_bytes());
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(client.socket.read(&mut byte).unwrap(), 1, "{:?}", String::from_utf8_lossy(&head));
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

fn status(head: &str) -> u16 {
    head.strip_prefix("http/1.1 ").expect("an answer")[..3].parse().unwrap()
}

/// How long the answer says to wait.
#[track_caller]
fn wait_s(head: &str) -> u64 {
    assert_eq!(status(head), 429, "{head}");
    let wait = head.lines().find_map(|line| line.strip_prefix("retry-after: ")).expect("a time to wait");
    wait.trim().parse().unwrap()
}

fn stream(token: &str) -> String {
    format!("GET /sse?channel=realtime:a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// Everything by which somebody may prove who it is, each with what is good.
fn good_tries() -> Vec<String> {
    let token = token(&["--user", "alice"]);
    let ticket = format!("POST /api/v1/tickets HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    vec![
        stream(&token),
        request("GET", "/stats", KEY, None),
        request("GET", "/nowhere", KEY, None),
        request("POST", "/revocations", KEY, Some(&json!({"jti": "x"}))),
        ticket,
    ]
}

#[test]
fn an_address_that_brings_bad_tokens_is_held_everywhere_and_nobody_else() {
    let daemon = daemon(6, "");
    let neighbour = Neighbour::of(&daemon);
    let good = token(&["--user", "alice"]);
    let mut there = connect(&daemon, HOUSE, &good);
    assert!(there.next()["connected"].is_object());
    for at in 0..6 {
        let mut session = connect(&daemon, HOUSE, "made-up");
        assert_eq!(session.next()["error"]["code"], 2001, "{at}");
        session.expect_close(3500);
    }
    let (refused, _) = upgrade(&daemon, HOUSE);
    assert!((1..=10).contains(&wait_s(&refused.head)), "{refused:?}");
    assert!(refused.body.contains("not good"), "{refused:?}");
    for request in good_tries() {
        assert!((1..=10).contains(&wait_s(&head(&daemon, HOUSE, &request))), "{request}");
        let elsewhere = status(&head(&daemon, OTHER, &request));
        assert!(matches!(elsewhere, 200 | 201 | 404), "{elsewhere}: {request}");
    }
    daemon.wait_for_figure(LIMIT, |reached| reached == 6);
    let mut other = connect(&daemon, OTHER, &good);
    assert!(other.next()["connected"].is_object());
    // Who was in before stays, and this machine is never held.
    there.assert_alive();
    for _ in 0..8 {
        assert_eq!(raw(&daemon, &request("GET", "/stats", "made-up", None)).status, 401);
    }
    api::get(&daemon, "/stats");
    neighbour.was_well();
}

#[test]
fn bad_keys_count_with_bad_tokens_and_are_forgiven_in_time() {
    // One is forgiven every two seconds.
    let daemon = daemon(30, "");
    let secret = "0".repeat(32);
    let tries = [
        (request("GET", "/stats", "made-up", None), 401),
        (request("GET", "/nowhere", "made-up", None), 401),
        (request("POST", "/revocations", "made-up", None), 401),
        ("POST /api/v1/tickets HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer made-up\r\n\r\n".to_owned(), 401),
        (stream("made-up"), 401),
        (
            format!(
                "POST /sse HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTidings-Session: {secret}\r\nTidings-Secret: {secret}\r\n\
                 Content-Length: 0\r\n\r\n"
            ),
            403,
        ),
    ];
    // Who brings nothing has tried nothing.
    for _ in 0..40 {
        assert_eq!(status(&head(&daemon, HOUSE, "GET /api/v1/stats HTTP/1.1\r\nHost: a\r\n\r\n")), 401);
    }
    for (request, expected) in tries.iter().cycle().take(30) {
        assert_eq!(status(&head(&daemon, HOUSE, request)), *expected, "{request}");
    }
    let good = request("GET", "/stats", KEY, None);
    // A slow machine may have forgiven one by now.
    let mut refused = head(&daemon, HOUSE, &good);
    if status(&refused) == 200 {
        head(&daemon, HOUSE, &tries[0].0);
        refused = head(&daemon, HOUSE, &good);
    }
    let wait = wait_s(&refused);
    assert!((1..=2).contains(&wait), "{wait}");
    sleep(Duration::from_secs(wait));
    assert_eq!(status(&head(&daemon, HOUSE, &good)), 200, "when it was told to come");
    assert_eq!(status(&head(&daemon, HOUSE, &good)), 200, "what is good does not count");
}

#[test]
fn a_keys_holder_that_asks_too_often_is_told_when_to_come_back() {
    let daemon = daemon(600, "[api]\nrequests_per_minute_per_key = 60\n");
    let ask = || raw(&daemon, &request("GET", "/stats", KEY, None));
    let answers: Vec<_> = (0..200).map(|_| ask()).collect();
    assert!(answers[..60].iter().all(|answer| answer.status == 200));
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(refused.len() > 100, "{}", refused.len());
    for answer in &refused {
        assert!(answer.head.contains("retry-after: 1\r\n"), "{answer:?}");
        let error = &answer.body["error"];
        assert_eq!((&error["name"], &error["retry"]), (&json!("rate_limited"), &json!(true)), "{answer:?}");
        assert!((1..=1_000).contains(&error["retry_after_ms"].as_u64().unwrap()), "{answer:?}");
    }
    let counted = "tidings_limits_reached_total{limit=\"api.requests_per_minute_per_key\"}";
    daemon.wait_for_figure(counted, |reached| reached >= refused.len() as u64);
}

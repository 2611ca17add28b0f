//! Rows 4, 14, 22 and 32, over the HTTP API.

use crate::support::api::{KEY, get, raw, request};
use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::neighbour::Neighbour;
use crate::support::{SECRET, wait_until};
use serde_json::{Value, json};
use std::io::Write as _;
use std::time::{Duration, Instant};

const LESSER: &str = "a-key-that-may-read-the-figures-only";

fn daemon(more: &str) -> Daemon {
    let settings = format!(
        "allowed_origin = \"https://good.example\"\n[limits]\nmessages_per_minute = 0\n[api]\n{more}\n\
         [[api.keys]]\nname = \"reader\"\nkey = \"{LESSER}\"\nrights = [\"stats\", \"publish\", \"users\"]\n\
         channels = [\"messaging:mine-*\"]\nusers = [\"mine-*\"]\n"
    );
    let environment = [("JWT_SECRET", SECRET), ("TIDINGS_API_KEY", KEY)];
    Daemon::start_with(&["--listen", "127.0.0.1:0"], &environment, &settings)
}

fn publish(channel: &str) -> Value {
    json!({"channel": channel, "event": "E", "data": 1})
}

#[test]
fn nobody_calls_without_the_key_and_the_right() {
    let mut daemon = daemon("");
    let neighbour = Neighbour::of(&daemon);
    let body = publish("messaging:x");
    let good = request("POST", "/publish", KEY, Some(&body));
    let rows = [
        (good.replace(&format!("Authorization: Bearer {KEY}\r\n"), ""), 401, ""),
        (good.replace(KEY, &"x".repeat(KEY.len())), 401, ""),
        (good.replace(KEY, &KEY[1..]), 401, ""),
        (good.replace("Bearer", "Basic"), 401, ""),
        (good.replace("Host: a", &format!("Host: a\r\nAuthorization: Bearer {KEY}")), 401, ""),
        (format!("GET /api/v1/stats?key={KEY} HTTP/1.1\r\nHost: a\r\n\r\n"), 401, ""),
        ("GET /api/v1/nowhere HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 401, ""),
        (request("POST", "/publish", LESSER, Some(&body)), 403, "channels"),
        (request("POST", "/publish", LESSER, Some(&publish("nowhere:x"))), 403, "channels"),
        (request("GET", "/users/alice", LESSER, None), 403, "users"),
        (request("GET", "/users/mine-%2e%2e%2falice", LESSER, None), 200, ""),
        (request("GET", "/channels/messaging:mine-1", LESSER, None), 403, "`channels`"),
        (request("POST", "/users/mine-1/disconnect", LESSER, None), 403, "`disconnect`"),
        (request("POST", "/publish", LESSER, Some(&publish("messaging:mine-1"))), 200, ""),
        (good.replace("Host: a", "Host: a\r\nOrigin: https://evil.example"), 403, "origin"),
        (good.replace("Host: a", "Host: a\r\nOrigin: null"), 403, "origin"),
        (good.replace("Host: a", "Host: a\r\nOrigin: https://good.example"), 200, ""),
        (good.replace("Host: a", "Host: evil.example"), 200, ""),
    ];
    for (request, status, told) in rows {
        let answer = raw(&daemon, &request);
        assert_eq!(answer.status, status, "{request}: {answer:?}");
        let message = answer.body["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(told), "{request}: {answer:?}");
        assert!(!answer.body.to_string().contains(KEY), "{answer:?}");
    }
    assert!(daemon.figure("tidings_api_requests_total{route=\"/publish\",status=\"401\"}") >= 5);
    neighbour.was_well();
    daemon.signal(rustix::process::Signal::TERM);
    daemon.tool.wait();
    let printed = daemon.tool.printed().join("\n");
    assert!(!printed.contains(KEY) && !printed.contains(LESSER), "{printed}");
}

#[test]
fn a_server_without_a_key_says_how_to_set_one() {
    let daemon = Daemon::start("");
    let answer = raw(&daemon, &request("GET", "/stats", KEY, None));
    assert_eq!(answer.status, 401);
    assert!(answer.body["error"]["message"].as_str().unwrap().contains("TIDINGS_API_KEY"), "{answer:?}");
}

#[test]
fn bodies_are_bounded_in_bytes_and_in_time() {
    let daemon = daemon("body_timeout_ms = 700\nbody_bytes_max = 100000\n");
    let neighbour = Neighbour::of(&daemon);
    let before = daemon.memory_kib();
    let head = |more: &str| {
        format!(
            "POST /api/v1/publish HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n\
             Content-Type: application/json\r\n{more}\r\n"
        )
    };
    // A GiB that is announced is refused at once; one that comes in chunks, as soon as it is too large.
    let began = Instant::now();
    let answer = raw(&daemon, &head("Content-Length: 1073741824\r\n"));
    assert_eq!((answer.status, began.elapsed() < Duration::from_millis(600)), (413, true), "{answer:?}");
    let mut client = Client::connect(daemon.address);
    client.send(head("Transfer-Encoding: chunked\r\n").as_bytes());
    let chunk = format!("4000\r\n{}\r\n", "1".repeat(0x4000));
    for _ in 0..65_536 {
        if client.socket.write_all(chunk.as_bytes()).is_err() {
            break;
        }
    }
    wait_until("one was too large", || {
        daemon.figure("tidings_api_requests_total{route=\"/publish\",status=\"413\"}") == 2
    });
    // For ever: announced and never sent, and a chunk now and then.
    let mut silent = Client::connect(daemon.address);
    silent.send(head("Content-Length: 10\r\n").as_bytes());
    let mut slow = Client::connect(daemon.address);
    slow.send(head("Transfer-Encoding: chunked\r\n").as_bytes());
    let began = Instant::now();
    while slow.socket.write_all(b"1\r\n1\r\n").is_ok() && began.elapsed() < Duration::from_millis(1_500) {
        std::thread::sleep(Duration::from_millis(50));
    }
    for client in [&mut silent, &mut slow] {
        let response = client.response();
        assert_eq!(response.status, 408, "{response:?}");
        assert!(response.head.contains("connection: close"), "{}", response.head);
    }
    neighbour.was_well();
    wait_until("its memory is back", || daemon.memory_kib() < before + 16 * 1024);
}

#[test]
fn a_body_that_ends_twice_smuggles_nothing() {
    let daemon = daemon("");
    let hidden = request("POST", "/publish", KEY, Some(&publish("messaging:smuggled")));
    let good = publish("messaging:x").to_string();
    let chunked = format!("{:x}\r\n{good}\r\n0\r\n\r\n", good.len());
    let head = |more: &str| {
        format!(
            "POST /api/v1/publish HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n\
             Content-Type: application/json\r\n{more}\r\n"
        )
    };
    let long = chunked.len() + hidden.len();
    // A length beside the chunks: the chunks alone count, and nothing behind them is a request, whichever comes first.
    for fields in [
        format!("Content-Length: {long}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {long}\r\n"),
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n".to_owned(),
    ] {
        let mut client = Client::connect(daemon.address);
        client.send(format!("{}{chunked}{hidden}", head(&fields)).as_bytes());
        let response = client.response();
        assert!(response.head.contains("connection: close"), "{fields}: {}", response.head);
        client.expect_end();
    }
    // What no server agrees on is refused.
    for fields in [
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: 4, 4\r\n",
        "Content-Length : 4\r\n",
    ] {
        let mut client = Client::connect(daemon.address);
        client.send(format!("{}{chunked}{hidden}", head(fields)).as_bytes());
        let response = client.response();
        assert_eq!(response.status, 400, "{fields}: {response:?}");
        client.expect_end();
    }
    assert_eq!(get(&daemon, "/channels/messaging:smuggled")["position"]["offset"], 0);
}

#[test]
fn names_in_addresses_are_literal() {
    let daemon = daemon("");
    for (path, name) in [
        ("/users/%2e%2e", ".."),
        ("/users/.%2A", ".*"),
        ("/users/a%7Cb", "a|b"),
        ("/users/%252e", "%2e"),
        ("/users/a%2Fdisconnect", "a/disconnect"),
        ("/users/+", "+"),
        ("/users/%C3%AB", "ë"),
    ] {
        assert_eq!(get(&daemon, path)["user"], name);
    }
    for (path, status) in [
        ("/users/%0a", 400),
        ("/users/%00", 400),
        ("/users/%zz", 400),
        ("/users/%ff", 400),
        ("/users/", 400),
        ("/users//x", 404),
        ("/users/../stats", 404),
        ("/channels/messaging:*", 400),
        ("/channels/messaging:%0d%0a", 400),
        ("/channels/none:x", 404),
        ("/sessions/x", 400),
        ("/stats?key=x", 400),
        ("/channels/messaging:x/history?limit=0", 400),
        ("/channels/messaging:x/history?since_epoch=00000000000000ab", 422),
    ] {
        let answer = raw(&daemon, &request("GET", path, KEY, None));
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
}

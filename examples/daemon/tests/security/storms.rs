//! Rows 5 and 17: connections that say nothing, and too many of them.

use crate::support::client::{Client, upgrade_request};
use crate::support::daemon::Daemon;
use crate::support::neighbour::Neighbour;
use crate::support::session::{PING, Session};
use crate::support::tool::token;
use crate::support::wait_until;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;
use std::thread::sleep;
use std::time::{Duration, Instant};

#[test]
fn who_does_not_connect_is_closed_in_time() {
    let daemon = Daemon::start("[limits]\nmessages_per_minute = 0\n[times]\nconnect_timeout_ms = 600\n");
    let neighbour = Neighbour::of(&daemon);
    let began = Instant::now();
    let mut silent = Session::open(&daemon);
    let mut pinging = Session::open(&daemon);
    let mut failing = Session::open(&daemon);
    assert_eq!(failing.error_to(json!({"id": 1, "subscribe": {"channel": "messaging:a"}})), "state");
    while began.elapsed() < Duration::from_millis(300) {
        pinging.client.send_frame(PING, b"");
        failing.send("{}");
        sleep(Duration::from_millis(20));
    }
    for session in [&mut silent, &mut pinging, &mut failing] {
        let close = session.expect_close(3501);
        assert_eq!(close["reason"], "connect_timeout");
    }
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    neighbour.was_well();
}

#[test]
fn above_the_total_there_is_503_and_a_time_to_come_back() {
    let settings = "[limits]\nmessages_per_minute = 0\nconnections_max = 20\n[http]\nconnections_spare = 5\n";
    let daemon = Daemon::start(settings);
    let neighbour = Neighbour::of(&daemon);
    let mut sessions: Vec<_> = (0..18).map(|at| Session::connect(&daemon, &format!("user-{at}"))).collect();
    let upgrade = || {
        let mut client = Client::connect(daemon.address);
        client.send_while_taken(upgrade_request("/ws", "Connection: close\r\n").as_bytes());
        client.response()
    };
    let response = upgrade();
    assert_eq!(response.status, 503);
    assert!(response.head.contains("retry-after: 5"), "{}", response.head);
    // Health is still told.
    let mut health = Client::connect(daemon.address);
    health.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(health.response().status, 200);
    drop(health);
    // Above what is spared for that, connections are refused before anything is read.
    // One more each time, because a connection that was answered may hold its seat a moment longer.
    let mut idle = Vec::new();
    wait_until("no seat is left", || {
        idle.push(Client::connect(daemon.address));
        let mut client = Client::connect(daemon.address);
        client.send_while_taken(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        client.response().status == 503
    });
    for session in &mut sessions {
        session.assert_alive();
    }
    neighbour.was_well();
    drop((idle, sessions));
    wait_until("there is room again", || upgrade().status == 101);
}

#[test]
fn one_user_has_a_limit_of_its_own() {
    let daemon = Daemon::start("[limits]\nmessages_per_minute = 0\nconnections_per_user_max = 3\n");
    let neighbour = Neighbour::of(&daemon);
    let mut held: Vec<_> = (0..3).map(|_| Session::connect(&daemon, "mallory")).collect();
    let token = token(&["--user", "mallory"]);
    for _ in 0..20 {
        let mut one_more = Session::open(&daemon);
        let answer = one_more.ask(&json!({"id": 1, "connect": {"token": token}}));
        assert_eq!(answer["error"]["name"], "limit", "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains("connections_per_user_max"), "{answer}");
        let close = one_more.expect_close(3004);
        assert!(close["retry_after_ms"].is_u64(), "{close}");
    }
    for session in &mut held {
        session.assert_alive();
    }
    drop(held);
    daemon.wait_for_figure("tidings_connections", |connections| connections == 2);
    Session::connect(&daemon, "mallory").assert_alive();
    neighbour.was_well();
}

#[test]
fn without_file_descriptors_nobody_is_dropped_and_newcomers_wait() {
    let daemon = Daemon::start("[limits]\nmessages_per_minute = 0\n");
    let neighbour = Neighbour::of(&daemon);
    let mut sessions: Vec<_> = (0..5).map(|at| Session::connect(&daemon, &format!("user-{at}"))).collect();
    let open = std::fs::read_dir(format!("/proc/{}/fd", daemon.tool.id())).unwrap().count() as u64;
    let pid = Pid::from_raw(daemon.tool.id().cast_signed());
    // The daemon has taken over what this process may at most.
    let limit = Rlimit { current: Some(open), maximum: getrlimit(Resource::Nofile).maximum };
    let before = prlimit(pid, Resource::Nofile, limit).unwrap();
    // The kernel takes it, and the daemon cannot.
    let mut waiting = Client::connect(daemon.address);
    waiting.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    for _ in 0..20 {
        for session in &mut sessions {
            session.assert_alive();
        }
        sleep(Duration::from_millis(20));
    }
    prlimit(pid, Resource::Nofile, before).unwrap();
    assert_eq!(waiting.response().status, 200, "served as soon as there is room");
    daemon.wait_for_figure("tidings_http_accept_errors_total", |errors| errors > 0);
    neighbour.was_well();
}

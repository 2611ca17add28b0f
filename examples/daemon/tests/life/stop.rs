//! Stopping.

use crate::support::daemon::Daemon;
use crate::support::session::Session;
use rustix::process::Signal;

#[test]
fn it_drains_and_tells_each_client_when_to_come_back() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut daemon = Daemon::start("[times]\ncomeback_spread_ms = 3000\n");
        let mut sessions: Vec<_> = (0..8).map(|at| Session::connect(&daemon, &format!("user-{at}"))).collect();
        daemon.signal(signal);
        let mut times: Vec<_> = sessions
            .iter_mut()
            .map(|session| {
                let close = session.expect_close(3001);
                assert_eq!(close["reason"], "shutdown");
                close["retry_after_ms"].as_u64().unwrap()
            })
            .collect();
        drop(sessions);
        assert!(times.iter().all(|time| *time < 3_000), "{times:?}");
        times.dedup();
        assert!(times.len() > 1, "spread: {times:?}");
        assert_eq!(daemon.tool.wait().code(), Some(0));
        let printed = daemon.tool.printed().join("\n");
        assert!(printed.contains("stopping: 8 connections to close"), "{printed}");
        assert!(printed.contains("stopped: all connections are closed"), "{printed}");
    }
}

#[test]
fn while_it_drains_it_is_not_ready_and_takes_nobody() {
    let mut daemon = Daemon::start("[times]\nclose_timeout_ms = 60000\n");
    // It reads the close and does not answer, so the drain goes on.
    let mut session = Session::connect(&daemon, "alice");
    let mut health = crate::support::client::Client::connect(daemon.address);
    daemon.signal(Signal::TERM);
    assert!(session.next()["close"].is_object());
    health.send(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    let response = health.response();
    assert_eq!((response.status, &*response.body), (503, "shutting down\n"));
    assert!(response.head.contains("retry-after:"), "{}", response.head);
    health.send(crate::support::client::upgrade_request("/ws", "").as_bytes());
    assert_eq!(health.response().status, 503);
    daemon.tool.wait_for_line("stopping: 1 connections left");
    drop(session);
    assert_eq!(daemon.tool.wait().code(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut daemon = Daemon::start("[http]\ndrain_timeout_ms = 600000\n[times]\nclose_timeout_ms = 600000\n");
    let mut session = Session::connect(&daemon, "alice");
    daemon.signal(Signal::INT);
    assert!(session.next()["close"].is_object());
    daemon.signal(Signal::INT);
    assert_eq!(daemon.tool.wait().code(), Some(130));
}

#[test]
fn patience_ends() {
    let mut daemon = Daemon::start("[http]\ndrain_timeout_ms = 300\n[times]\nclose_timeout_ms = 600000\n");
    let session = Session::connect(&daemon, "alice");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.tool.wait().code(), Some(0));
    daemon.tool.wait_for_line("1 connections did not close in time");
    drop(session);
}

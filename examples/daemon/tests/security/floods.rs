//! Row 9: floods.

use crate::support::client::client_frame;
use crate::support::daemon::Daemon;
use crate::support::neighbour::Neighbour;
use crate::support::session::{BINARY, PING, PONG, Session, TEXT};
use serde_json::json;

/// More of them than the limit is closed with 3502.
const FLOOD: usize = 20_000;

#[test]
fn floods_of_what_costs_nothing_are_ended() {
    let daemon = Daemon::start("[limits]\nmessages_per_minute = 0\nothers_per_minute = 1000\n");
    let neighbour = Neighbour::of(&daemon);
    let before_kib = daemon.memory_kib();
    let bad_channel = br#"{"id":1,"unsubscribe":{"channel":"messaging:none"}}"#;
    let floods: [(&str, u8, &[u8]); 8] = [
        ("pings", PING, b""),
        ("long pings", PING, &[b'p'; 125]),
        ("pongs", PONG, b""),
        ("empty texts", TEXT, b""),
        ("empty binaries", BINARY, b""),
        ("nonsense", TEXT, b"nonsense"),
        ("commands that fail", TEXT, bad_channel),
        ("pings of the protocol", TEXT, br#"{"id":1,"ping":{}}"#),
    ];
    for (what, first, payload) in floods {
        let mut session = Session::connect(&daemon, "mallory");
        session.client.send_while_taken(&client_frame(first, payload).repeat(FLOOD));
        let close = session.expect_close(3502);
        assert_eq!(close["reason"], "flood", "{what}");
    }
    // Before `connect` as after it.
    let mut nobody = Session::open(&daemon);
    nobody.client.send_while_taken(&client_frame(PING, b"").repeat(FLOOD));
    nobody.expect_close(3502);
    daemon.wait_for_figure("tidings_closed_flood_total", |floods| floods == 9);
    let grown_kib = daemon.memory_kib().saturating_sub(before_kib);
    assert!(grown_kib < 16 * 1024, "{grown_kib} KiB more");
    neighbour.was_well();
}

#[test]
fn too_many_messages_are_refused_and_then_ended() {
    let daemon = Daemon::start("[limits]\nmessages_per_minute = 50\nothers_per_minute = 100\n");
    let mut session = Session::connect(&daemon, "mallory");
    let publish = json!({"id": 7, "publish": {"channel": "messaging:a", "event": "E", "data": 1}});
    for _ in 0..50 {
        let answer = session.ask(&publish);
        assert!(answer["published"].is_object(), "{answer}");
    }
    let answer = session.ask(&publish);
    assert_eq!(answer["error"]["name"], "rate_limited", "{answer}");
    assert!(answer["error"]["retry_after_ms"].as_u64().unwrap() > 0, "{answer}");
    session.client.send_while_taken(&client_frame(TEXT, publish.to_string().as_bytes()).repeat(1_000));
    session.expect_close(3502);
}

#[test]
fn many_commands_in_one_message_are_as_many() {
    let daemon = Daemon::start("[limits]\nmessages_per_minute = 0\nothers_per_minute = 1000\n");
    let neighbour = Neighbour::of(&daemon);
    let mut session = Session::connect(&daemon, "mallory");
    for _ in 0..4 {
        session.client.send_while_taken(&client_frame(TEXT, "{}\n".repeat(1_000).as_bytes()));
    }
    session.expect_close(3502);
    neighbour.was_well();
}

//! Rows 14, 15 and 32: names, rights, and as many of them as a peer can think of.

use crate::support::client::client_frame;
use crate::support::daemon::Daemon;
use crate::support::neighbour::Neighbour;
use crate::support::session::{Session, TEXT};
use crate::support::tool::token;
use serde_json::{Value, json};

const UNLIMITED: &str = "messages_per_minute = 0\nothers_per_minute = 0\n";

fn subscribe(channel: &str) -> Value {
    json!({"id": 1, "subscribe": {"channel": channel}})
}

fn publish(channel: &str) -> Value {
    json!({"id": 1, "publish": {"channel": channel, "event": "E", "data": 1}})
}

#[test]
fn what_is_no_name_is_no_name_anywhere() {
    let daemon = Daemon::start(&format!("[limits]\nmessage_bytes_max = 2097152\n{UNLIMITED}"));
    let mut session = Session::connect(&daemon, "mallory");
    let long = format!("messaging:{}", "x".repeat(1024 * 1024));
    let longer_than_may_be = format!("messaging:{}", "x".repeat(119));
    let names = [
        "",
        ":",
        "messaging",
        "messaging:",
        ":a",
        "messaging:*",
        "*",
        "messaging:a b",
        "messaging:a\nb",
        "messaging:\u{0}",
        "messaging:caf\u{e9}",
        "messaging:cafe\u{301}",
        "messaging:\u{202e}a",
        "messaging:a\r\n",
        "\u{ff4d}essaging:a",
        &long,
        &longer_than_may_be,
    ];
    for name in names {
        let shown = &name[..name.len().min(40)];
        assert_eq!(session.error_to(subscribe(name)), "bad_request", "{shown:?}");
        assert_eq!(session.error_to(publish(name)), "bad_request", "{shown:?}");
    }
    // A namespace that was not declared does not exist, however it is written.
    for name in ["Messaging:a", "MESSAGING:a", "messaging.:a", "..:a", "other:a"] {
        assert_eq!(session.error_to(subscribe(name)), "bad_request", "{name}");
    }
    for user in ["", "a\nb", "\u{0}", &"x".repeat(129)] {
        let send = json!({"id": 1, "send": {"user": user, "namespace": "messaging", "event": "E", "data": 1}});
        assert_eq!(session.error_to(send), "bad_request", "{user:?}");
    }
    for event in ["", "a b", "a\"b", "a\\b", "a\nb", "caf\u{e9}", &"x".repeat(65)] {
        let event = json!({"id": 1, "publish": {"channel": "messaging:a", "event": event, "data": 1}});
        assert_eq!(session.error_to(&event), "bad_request", "{event}");
    }
    session.assert_alive();
}

#[test]
fn names_that_look_alike_are_others() {
    let daemon = Daemon::start(&format!("[limits]\n{UNLIMITED}"));
    let mut reader = Session::subscribe(&daemon, "alice", "messaging:lobby");
    let mut writer = Session::connect(&daemon, "mallory");
    for name in [
        "messaging:Lobby",
        "messaging:LOBBY",
        "messaging:lobby.",
        "messaging:lobby/",
        "messaging:./lobby",
        "messaging:..",
        "messaging:lobby%20",
        "messaging:l%6fbby",
        "messaging:.obby",
        "messaging:lobby:",
        "messaging:lobby|a",
    ] {
        let answer = writer.ask(&publish(name));
        assert_eq!(answer["published"]["offset"], 1, "{name}: {answer}");
    }
    writer.ask(&publish("messaging:lobby"));
    let entry = reader.next();
    assert_eq!((&entry["entry"]["offset"], &entry["entry"]["from"]), (&json!(1), &json!("mallory")), "{entry}");
    reader.assert_alive();
}

#[test]
fn rights_are_literal_and_do_not_tell_what_exists() {
    let daemon = Daemon::start(&format!("[limits]\n{UNLIMITED}"));
    let _alice = Session::subscribe(&daemon, "alice", "messaging:secret");
    let rights = [
        "--user",
        "mallory",
        "--sub",
        "messaging:a.c",
        "--sub",
        "messaging:x|secret",
        "--pub",
        "messaging:a.c",
        "--send",
        "b.b",
    ];
    let mut session = Session::connect_with(&daemon, &token(&rights));
    let mut told = Vec::new();
    for name in
        ["messaging:secret", "messaging:nothing", "messaging:abc", "messaging:x", "notifications:a", "realtime:a"]
    {
        for command in [subscribe(name), publish(name)] {
            let answer = session.ask(&command);
            assert_eq!(answer["error"]["name"], "forbidden", "{name}: {answer}");
            told.push(answer);
        }
    }
    for user in ["alice", "nobody", "bob"] {
        let send = json!({"id": 1, "send": {"user": user, "namespace": "messaging", "event": "E", "data": 1}});
        told.push(session.ask(&send));
    }
    told.dedup();
    assert_eq!(told.len(), 1, "one wording: {told:?}");
    assert!(session.ask(&publish("messaging:a.c"))["published"].is_object());
    // Only the host publishes notifications, whatever a token says.
    let mut all = Session::connect(&daemon, "mallory");
    assert_eq!(all.error_to(publish("notifications:alice")), "forbidden");
    assert!(all.ask(&subscribe("notifications:alice"))["subscribed"].is_object());
}

#[test]
fn subscriptions_end_at_their_limit() {
    let daemon = Daemon::start(&format!("[limits]\n{UNLIMITED}"));
    let neighbour = Neighbour::of(&daemon);
    let mut session = Session::connect(&daemon, "mallory");
    let before_kib = daemon.memory_kib();
    for at in 0..10_000 {
        let answer = session.ask(&subscribe(&format!("messaging:{at}")));
        if at < 1_000 {
            assert!(answer["subscribed"].is_object(), "{at}: {answer}");
        } else {
            assert_eq!(answer["error"]["name"], "limit", "{at}: {answer}");
            assert!(answer["error"]["message"].as_str().unwrap().contains("subscriptions_max"), "{answer}");
        }
    }
    let grown_kib = daemon.memory_kib().saturating_sub(before_kib);
    assert!(grown_kib < 8 * 1024, "{grown_kib} KiB more");
    assert_eq!(session.error_to(subscribe("messaging:0")), "state");
    neighbour.was_well();
}

#[test]
fn channels_end_at_their_limit() {
    let daemon = Daemon::start(&format!("[limits]\nchannels_max = 2000\n{UNLIMITED}"));
    let neighbour = Neighbour::of(&daemon);
    let mut session = Session::connect(&daemon, "mallory");
    assert!(session.ask(&publish("messaging:0"))["published"].is_object());
    let commands = |from: usize, to: usize| -> Vec<u8> {
        let one = |at| publish(&format!("messaging:{at}")).to_string();
        (from..to).flat_map(|at| client_frame(TEXT, one(at).as_bytes())).collect()
    };
    let mut refused = 0;
    let mut before_kib = 0;
    // A hundred times as many names as there may be channels, in portions so that the answers are read.
    for portion in 0..200 {
        session.client.send(&commands(portion * 1_000, (portion + 1) * 1_000));
        for _ in 0..1_000 {
            let answer = session.next();
            if answer["error"].is_object() {
                assert_eq!(answer["error"]["name"], "limit", "{answer}");
                assert!(answer["error"]["message"].as_str().unwrap().contains("channels_max"), "{answer}");
                refused += 1;
            }
        }
        if portion == 10 {
            before_kib = daemon.memory_kib();
        }
    }
    assert!(refused >= 198_000 - 10, "{refused} refused");
    let grown_kib = daemon.memory_kib().saturating_sub(before_kib);
    assert!(grown_kib < 8 * 1024, "{grown_kib} KiB more");
    // Those that are there go on.
    assert!(session.ask(&publish("messaging:0"))["published"].is_object());
    neighbour.was_well();
}

#[test]
fn the_past_is_for_whom_the_channel_is() {
    let daemon = Daemon::start("");
    let mut writer = Session::connect(&daemon, "alice");
    for at in 0..3 {
        assert!(writer.ask(&publish("messaging:secret"))["published"].is_object(), "{at}");
    }
    let mut mallory = Session::connect_with(&daemon, &token(&["--user", "mallory", "--sub", "messaging:own-*"]));
    let history = |body: &Value| json!({"id": 1, "history": body});
    let refused = mallory.ask(&history(&json!({"channel": "messaging:secret"})));
    assert_eq!(refused["error"]["name"], "forbidden");
    // Whether there is such a channel is not told.
    assert_eq!(mallory.ask(&history(&json!({"channel": "messaging:nothing"}))), refused);
    let epoch = "00000000000000ab";
    for body in [
        json!({"channel": "messaging:own-*"}),
        json!({"channel": "messaging"}),
        json!({"channel": "other:a"}),
        json!({"channel": "messaging:own-a", "inbox": true}),
        json!({"inbox": "alice"}),
        json!({"inbox": true, "user": "alice", "channel": "messaging:secret"}),
        json!({"channel": "messaging:own-a", "limit": 0}),
        json!({"channel": "messaging:own-a", "limit": -1}),
        json!({"channel": "messaging:own-a", "since": {"epoch": epoch}}),
        json!({"channel": "messaging:own-a", "since": {"epoch": epoch, "offset": 1}, "before": {"epoch": epoch, "offset": 9}}),
        json!({}),
    ] {
        assert_eq!(mallory.error_to(history(&body)), "bad_request", "{body}");
    }
    // Another's inbox has no name that could be asked for: it is always one's own.
    let own = mallory.ask(&history(&json!({"inbox": true, "user": "alice"})));
    assert_eq!(own["history"]["entries"], json!([]), "{own}");
    let beyond =
        json!({"channel": "messaging:own-a", "since": {"epoch": epoch, "offset": u64::MAX}, "limit": u64::MAX});
    assert!(mallory.ask(&history(&beyond))["history"].is_object());
    let before = json!({"channel": "messaging:own-a", "before": {"epoch": epoch, "offset": 0}});
    assert!(mallory.ask(&history(&before))["history"].is_object());
    mallory.assert_alive();
}

//! What a client may try with presence, and what it gets.

use crate::support::daemon::Daemon;
use crate::support::session::Session;
use crate::support::tool::token;
use serde_json::{Value, json};

const MEMBERS: &str =
    "[namespaces.room]\npresence = \"members\"\nclass = \"reliable\"\n[limits]\nmessages_per_minute = 0\n";

fn watch(users: &[String]) -> Value {
    json!({ "id": 7, "watch": { "users": users } })
}

#[test]
fn presence_without_the_right_is_forbidden_and_tells_nothing() {
    let daemon = Daemon::start(MEMBERS);
    let _bob = Session::connect(&daemon, "bob");
    let mut alice = Session::connect_with(&daemon, &token(&["--user", "alice", "--watch", "carol*"]));
    let there = alice.error_to(watch(&["bob".into()]));
    let nowhere = alice.error_to(watch(&["nobody".into()]));
    assert_eq!((&*there, &*nowhere), ("forbidden", "forbidden"), "whether the user exists is not told");
    let some = alice.ask(&watch(&["bob".into(), "carol-1".into(), "alice".into()]));
    assert_eq!(some["watching"], json!({ "watched": 2, "refused": ["bob"] }));
    assert_eq!(alice.next()["status"]["user"], "carol-1");
    assert_eq!(alice.next()["status"]["user"], "alice");
    alice.assert_alive();

    // Of a channel, its subscribers alone are told.
    assert_eq!(alice.error_to(json!({ "id": 8, "members": { "channel": "room:1" } })), "state");
    assert_eq!(alice.error_to(json!({ "id": 8, "info": { "channel": "room:1", "info": 1 } })), "state");
    let mut narrow = Session::connect_with(&daemon, &token(&["--user", "dave", "--sub", "room:2"]));
    let subscribe = json!({ "id": 8, "subscribe": { "channel": "room:1", "presence": true } });
    assert_eq!(narrow.error_to(subscribe), "forbidden");
    narrow.assert_alive();
}

#[test]
fn names_that_are_none_and_lists_that_are_too_long() {
    let daemon = Daemon::start("[limits]\nmessages_per_minute = 0\n");
    let mut alice = Session::connect(&daemon, "alice");
    for name in ["", "a\nb", "\u{2028}", &"u".repeat(129)] {
        assert_eq!(alice.error_to(watch(&[name.to_owned()])), "bad_request", "{name:?}");
    }
    let names = |from: usize, to: usize| (from..to).map(|at| format!("user-{at}")).collect::<Vec<_>>();
    assert_eq!(alice.error_to(watch(&names(0, 1_025))), "bad_request");
    // Ten thousand, a thousand at a time: a thousand of them are watched.
    let watched = alice.ask(&watch(&names(0, 1_000)));
    assert_eq!(watched["watching"]["watched"], 1_000);
    for _ in 0..1_000 {
        assert_eq!(alice.next()["status"]["status"], "offline");
    }
    let before_kib = daemon.memory_kib();
    for thousand in 1..10 {
        let error = alice.ask(&watch(&names(thousand * 1_000, thousand * 1_000 + 1_000)));
        assert_eq!(error["error"]["name"], "limit", "{error}");
        assert!(error["error"]["message"].as_str().unwrap().starts_with("watched_users_max:"), "{error}");
    }
    assert!(daemon.memory_kib() < before_kib + 4_096);
    let words = json!({ "id": 9, "presence": { "text": "x".repeat(257) } });
    assert_eq!(alice.error_to(words), "too_large");
    let elsewhere = json!({ "id": 9, "subscribe": { "channel": "messaging:a", "presence": true } });
    assert_eq!(alice.error_to(elsewhere), "bad_request");
    alice.assert_alive();
}

#[test]
fn a_flood_of_statuses_is_held_to_the_rate_of_messages() {
    let daemon = Daemon::start("");
    let mut alice = Session::connect(&daemon, "alice");
    let mut refused = 0;
    for at in 0..250 {
        let status = if at % 2 == 0 { "away" } else { "online" };
        let answer = alice.ask(&json!({ "id": 3, "presence": { "status": status } }));
        refused += usize::from(answer["error"]["name"] == "rate_limited");
    }
    assert!((20..=50).contains(&refused), "{refused}");
}

#[test]
fn members_in_both_codecs() {
    let daemon = Daemon::start(MEMBERS);
    let mut alice = Session::connect(&daemon, "alice");
    alice.ask(&json!({ "id": 2, "subscribe": { "channel": "room:1", "info": { "color": "red" } } }));
    let mut bob = Session::open_msgpack(&daemon);
    let token = token(&["--user", "bob"]);
    let mut ask = |command: Value| {
        bob.client.send_frame(crate::support::session::BINARY, &rmp_serde::to_vec_named(&command).unwrap());
        let frame = bob.client.frame().unwrap();
        rmp_serde::from_slice::<Value>(&frame.payload).unwrap()
    };
    ask(json!({ "id": 1, "connect": { "token": token } }));
    ask(json!({ "id": 2, "subscribe": { "channel": "room:1", "presence": true, "info": [1, 2] } }));
    let members = loop {
        let frame = rmp_serde::from_slice::<Value>(&bob.client.frame().unwrap().payload).unwrap();
        if frame["members"].is_object() {
            break frame["members"].clone();
        }
    };
    assert_eq!(members["members"][0]["info"], json!({ "color": "red" }));
    assert_eq!(members["members"][1]["info"], json!([1, 2]));
}

//! What is kept, as clients see it over real sockets: over a kill, in both codecs, from the disk and from memory.

use crate::support::SECRET;
use crate::support::daemon::Daemon;
use crate::support::session::{BINARY, PING, PONG, Session};
use crate::support::tool::token;
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

const ENVIRONMENT: [(&str, &str); 2] = [("JWT_SECRET", SECRET), ("RATE_LIMIT_MESSAGES_PER_MINUTE", "0")];

fn on(data: &Path) -> Daemon {
    let settings = "[namespaces.chat]\nclass = \"reliable\"\n";
    Daemon::start_with(&["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()], &ENVIRONMENT, settings)
}

/// Asks for a part, over whatever codec `ask` speaks, until there is no more. The data, from the oldest to the newest.
fn walk(ask: &mut dyn FnMut(&Value) -> Value, stream: &Value, forward: bool) -> Vec<u64> {
    let mut all: Vec<u64> = Vec::new();
    let mut position = forward.then(|| json!({ "epoch": "0000000000000000", "offset": 0 }));
    loop {
        let mut body = stream.clone();
        body["limit"] = json!(7);
        if let Some(position) = &position {
            body[if forward { "since" } else { "before" }] = position.clone();
        }
        let mut answer = ask(&json!({ "id": 9, "history": body }));
        assert_eq!(answer["id"], 9, "{answer}");
        let history = answer["history"].take();
        let data = history["entries"].as_array().unwrap().iter().map(|entry| entry["data"].as_u64().unwrap());
        if forward {
            all.extend(data);
        } else {
            all.splice(..0, data.collect::<Vec<_>>());
        }
        if history["more"] == false {
            return all;
        }
        let edge = &history[if forward { "to" } else { "from" }];
        position = Some(json!({ "epoch": history["epoch"], "offset": edge }));
    }
}

#[test]
fn all_that_is_kept_is_seen_by_parts_over_a_kill_and_in_both_codecs() {
    let folder = TempDir::new().unwrap();
    let first = on(folder.path());
    let mut alice = Session::connect(&first, "alice");
    for at in 1..=30 {
        let publish = json!({ "channel": "messaging:a", "event": "E", "data": at, "wait": "stored" });
        assert!(alice.ask(&json!({ "id": 3, "publish": publish }))["published"].is_object());
        let send = json!({ "user": "bob", "namespace": "messaging", "event": "E", "data": at, "wait": "stored" });
        assert!(alice.ask(&json!({ "id": 4, "send": send }))["sent"].is_object());
    }
    first.kill();
    let second = on(folder.path());
    let mut alice = Session::connect(&second, "alice");
    for at in 1..=30 {
        let publish = json!({ "channel": "chat:a", "event": "E", "data": at });
        assert!(alice.ask(&json!({ "id": 3, "publish": publish }))["published"].is_object());
    }
    let mut bob = Session::connect(&second, "bob");
    let mut packed = Session::open_msgpack(&second);
    let mut ask_packed = |command: &Value| {
        packed.client.send_frame(BINARY, &rmp_serde::to_vec_named(command).unwrap());
        loop {
            let frame = packed.client.frame().unwrap();
            let value = rmp_serde::from_slice::<Value>(&frame.payload);
            match value {
                _ if frame.first == PING || frame.first == PONG => {}
                // What the inbox holds comes by itself.
                Ok(value) if value["id"].is_null() => {}
                value => return value.unwrap(),
            }
        }
    };
    assert!(
        ask_packed(&json!({ "id": 1, "connect": { "token": token(&["--user", "bob"]) } }))["connected"].is_object()
    );
    let mut ask = |command: &Value| {
        bob.send(command);
        loop {
            let answer = bob.next();
            if !answer["id"].is_null() {
                return answer;
            }
        }
    };
    let all: Vec<u64> = (1..=30).collect();
    for stream in [json!({ "channel": "messaging:a" }), json!({ "channel": "chat:a" }), json!({ "inbox": true })] {
        for forward in [true, false] {
            assert_eq!(walk(&mut ask, &stream, forward), all, "{stream}");
            assert_eq!(walk(&mut ask_packed, &stream, forward), all, "{stream}, packed");
        }
    }
}

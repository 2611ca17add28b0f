//! The HTTP API, call by call, beside clients that are connected.

use crate::support::SECRET;
use crate::support::api::{KEY, get, post, raw, request};
use crate::support::daemon::Daemon;
use crate::support::session::Session;
use crate::support::tool::{Tool, call, token};
use serde_json::{Value, json};
use tempfile::TempDir;

fn on(folder: &TempDir) -> Daemon {
    let environment = [("JWT_SECRET", SECRET), ("TIDINGS_API_KEY", KEY)];
    let data = folder.path().join("data");
    Daemon::start_with(&["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()], &environment, "")
}

/// A connected user, and the session's id.
fn connect(daemon: &Daemon, user: &str, device: &str) -> (Session, String, Value) {
    let mut session = Session::open(daemon);
    let told = session.ask(&json!({"id": 1, "connect": {"token": token(&["--user", user]), "device": device}}));
    let id = told["connected"]["session"].as_str().unwrap().to_owned();
    (session, id, told["connected"].clone())
}

#[test]
fn what_was_published_stored_is_in_the_history_after_a_kill() {
    let folder = TempDir::new().unwrap();
    let daemon = on(&folder);
    let mut bob = Session::subscribe(&daemon, "bob", "messaging:a");
    let publication =
        json!({"channel": "messaging:a", "event": "E", "data": {"n": 1}, "wait": "stored", "idempotency_key": "k"});
    let first = post(&daemon, "/publish", &publication);
    assert_eq!((&first["offset"], &first["level"]), (&1.into(), &"stored".into()));
    let entry = bob.next();
    assert_eq!((&entry["entry"]["data"], entry["entry"].get("from")), (&json!({"n": 1}), None), "{entry}");
    let batch = json!({"publications": [
        {"channel": "messaging:a", "event": "E", "data": 2, "wait": "stored"},
        {"channel": "none:a", "event": "E"},
        {"channel": "realtime:a", "event": "E", "key": "no"},
        {"channel": "messaging:a", "event": "E", "data": "x".repeat(40_000)},
        {"channel": "messaging:a", "event": "E", "data": 3, "wait": "stored"},
    ]});
    let results = post(&daemon, "/publish/batch", &batch)["results"].clone();
    let codes: Vec<_> = results.as_array().unwrap().iter().map(|result| result["error"]["name"].clone()).collect();
    assert_eq!(codes, [json!(null), json!("not_found"), json!("bad_request"), json!("too_large"), json!(null)]);
    assert_eq!(results[4]["published"]["offset"], 3);
    daemon.kill();
    let daemon = on(&folder);
    assert_eq!(post(&daemon, "/publish", &publication), first, "the key is known again");
    let page = get(&daemon, "/channels/messaging%3Aa/history?since_offset=1&limit=1");
    assert_eq!(
        (&page["entries"][0]["data"], &page["more"], &page["next"]["offset"]),
        (&2.into(), &true.into(), &2.into())
    );
    let next = format!("since_epoch={}&since_offset=2", page["next"]["epoch"].as_str().unwrap());
    let page = get(&daemon, &format!("/channels/messaging:a/history?{next}"));
    assert_eq!((page["entries"].as_array().unwrap().len(), &page["more"]), (1, &false.into()));
    let channel = get(&daemon, "/channels/messaging:a");
    assert_eq!(
        (&channel["class"], &channel["members"], &channel["position"]),
        (&"durable".into(), &0.into(), &page["position"])
    );
}

#[test]
fn what_waits_for_who_is_away_is_seen_and_goes_when_it_is_acknowledged() {
    let folder = TempDir::new().unwrap();
    let daemon = on(&folder);
    let sent = post(&daemon, "/send", &json!({"users": ["alice", "bob"], "event": "E", "data": 1, "wait": "stored"}));
    assert_eq!(sent, json!({"users": 2, "level": "stored", "full": []}));
    let sent = post(
        &daemon,
        "/send",
        &json!({"users": ["alice"], "namespace": "messaging", "event": "E", "idempotency_key": "k"}),
    );
    assert_eq!((&sent["sessions"], &sent["level"]), (&0.into(), &"accepted".into()));
    let until_two = || loop {
        let alice = get(&daemon, "/users/alice");
        if alice["inbox"]["depth"] == 2 {
            break alice;
        }
    };
    let alice = until_two();
    assert_eq!((&alice["inbox"]["oldest"]["offset"], alice["sessions"].as_array().unwrap().len()), (&1.into(), 0));
    assert!(alice["inbox"]["bytes"].as_u64().unwrap() > 0 && alice["inbox"]["oldest"]["at"].as_u64().unwrap() > 0);
    let (mut phone, id, told) = connect(&daemon, "alice", "phone");
    for offset in 1..=2 {
        assert_eq!(phone.next()["entry"]["offset"], offset);
    }
    phone.send(json!({"ack": {"stream": told["inbox"]["stream"], "offset": 1}}));
    phone.assert_alive();
    let alice = get(&daemon, "/users/alice");
    assert_eq!(alice["inbox"]["depth"], 1);
    assert_eq!(alice["devices"][0]["waiting"], 1);
    let session = &alice["sessions"][0];
    assert_eq!(
        (&session["session"], &session["device"], &session["state"]),
        (&json!(id), &json!("phone"), &json!("connected"))
    );
}

#[test]
fn sessions_are_subscribed_unsubscribed_and_ended() {
    let folder = TempDir::new().unwrap();
    let daemon = on(&folder);
    let (mut alice, id, told) = connect(&daemon, "alice", "desk");
    let channel = json!({"channel": "notifications:news"});
    assert_eq!(post(&daemon, &format!("/sessions/{id}/subscribe"), &channel), json!({"changed": true}));
    assert_eq!(alice.next()["subscribed"]["channel"], "notifications:news");
    assert_eq!(post(&daemon, &format!("/sessions/{id}/subscribe"), &channel), json!({"changed": false}));
    assert_eq!(get(&daemon, "/channels/notifications:news")["members"], 1);
    assert_eq!(get(&daemon, &format!("/sessions/{id}"))["channels"], json!(["notifications:news"]));
    post(&daemon, "/publish", &json!({"channel": "notifications:news", "event": "E"}));
    assert_eq!(alice.next()["entry"]["event"], "E");
    assert_eq!(post(&daemon, &format!("/sessions/{id}/unsubscribe"), &channel), json!({"changed": true}));
    assert_eq!(alice.next()["unsubscribed"]["channel"], "notifications:news");
    assert_eq!(post(&daemon, &format!("/sessions/{id}/disconnect"), &Value::Null), json!({"session": id}));
    alice.expect_close(3504);
    let gone = raw(&daemon, &request("GET", &format!("/sessions/{id}"), KEY, None));
    assert_eq!((gone.status, &gone.body["error"]["name"]), (404, &json!("not_found")));
    // It cannot be resumed, nor can another that waits when its user is disconnected.
    let resume = |held: &Value| {
        let mut session = Session::open(&daemon);
        let resume = json!({"session": held["session"], "secret": held["secret"]});
        let told = session.ask(&json!({"id": 1, "connect": {"token": token(&["--user", "alice"]), "resume": resume}}));
        told["connected"]["resumed"].clone()
    };
    assert_eq!(resume(&told), false);
    let (other, _, held) = connect(&daemon, "bob", "phone");
    drop(other);
    daemon.wait_for_figure("tidings_sessions_parked", |parked| parked >= 1);
    assert_eq!(post(&daemon, "/users/bob/disconnect", &Value::Null), json!({"disconnected": 1}));
    assert_eq!(get(&daemon, "/users/bob")["sessions"], json!([]));
    let _ = held;
}

#[test]
fn figures_and_the_document_are_there_and_tell_no_secret() {
    let folder = TempDir::new().unwrap();
    let daemon = on(&folder);
    let stats = get(&daemon, "/stats");
    assert_eq!((&stats["storing"], &stats["engine"]["connections"]), (&true.into(), &0.into()));
    assert!(!stats.to_string().contains(KEY));
    let document = raw(&daemon, "GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((document.status, &document.body["info"]["title"]), (200, &json!("Tidings")));
    let wrong = raw(&daemon, &request("PUT", "/publish", KEY, None));
    assert_eq!((wrong.status, wrong.head.contains("allow: post")), (405, true), "{wrong:?}");
    let preflight = "OPTIONS /api/v1/publish HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\n\r\n";
    assert_eq!(raw(&daemon, preflight).status, 403);
}

#[test]
fn a_start_without_settings_prints_a_call_that_works() {
    let mut daemon = Daemon::start_with(&["--listen", "127.0.0.1:0"], &[], "");
    let line = daemon.tool.wait_for_line("curl http://");
    let key = line.split("Bearer ").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    let data = line.rsplit("-d '").next().unwrap().trim_end_matches('\'');
    let body: Value = serde_json::from_str(data).unwrap();
    let answer = raw(&daemon, &request("POST", "/publish", &key, Some(&body)));
    assert_eq!((answer.status, &answer.body["offset"]), (200, &json!(1)), "{answer:?}");
}

#[test]
fn a_key_is_made_with_its_hash_and_the_server_takes_either() {
    let made = call(&["key"], &[]);
    assert_eq!(made.code, Some(0));
    let word = |name: &str| {
        let line = made.printed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{}", made.printed)).trim().to_owned()
    };
    let (key, hash) = (word("key"), word("key_sha256"));
    assert_ne!(call(&["key"], &[]).printed, made.printed);
    let settings = format!("[[api.keys]]\nname = \"a\"\nkey_sha256 = \"{hash}\"\nrights = [\"stats\"]\n");
    let daemon = Daemon::start(&settings);
    assert_eq!(raw(&daemon, &request("GET", "/stats", &key, None)).status, 200);
    let shown = Tool::start(&["config"], &[("TIDINGS_API_KEY", &key)]);
    let mut shown = shown;
    shown.wait();
    let printed = shown.printed().join("\n");
    assert!(printed.contains("(hidden)") && !printed.contains(&key), "{printed}");
}

#[test]
fn who_is_there_is_told_to_the_host_as_it_is() {
    let environment = [("JWT_SECRET", SECRET), ("TIDINGS_API_KEY", KEY)];
    let settings = "[namespaces.room]\npresence = \"members\"\n";
    let daemon = Daemon::start_with(&["--listen", "127.0.0.1:0"], &environment, settings);
    let (mut alice, ..) = connect(&daemon, "alice", "phone");
    alice.ask(&json!({"id": 2, "presence": {"status": "busy", "text": "in a call"}}));
    alice.ask(&json!({"id": 3, "subscribe": {"channel": "room:1", "info": {"color": "red"}}}));
    let one = get(&daemon, "/users/alice/presence");
    assert_eq!((&one["status"], &one["text"]), (&"busy".into(), &"in a call".into()));
    // Who is busy as soon as they have come was told of once, as having come.
    assert!(one["reason"] == "set" || one["reason"] == "connected", "{one}");
    assert!(one["since"].is_u64() && one.get("last_seen").is_none(), "{one}");
    let many = post(&daemon, "/presence", &json!({"users": ["nobody", "alice"]}));
    assert_eq!(many["users"][0], json!({"user": "nobody", "status": "offline", "reason": "never"}));
    assert_eq!(many["users"][1]["status"], "busy");
    let room = get(&daemon, "/channels/room:1/presence");
    assert_eq!((&room["count"], &room["complete"]), (&1.into(), &true.into()));
    assert_eq!((&room["members"][0]["user"], &room["members"][0]["info"]), (&"alice".into(), &json!({"color": "red"})));
    assert_eq!(get(&daemon, "/channels/room:1/presence?list=false")["members"], json!([]));

    alice.ask(&json!({"id": 4, "presence": {"status": "invisible"}}));
    assert_eq!(get(&daemon, "/users/alice/presence")["status"], "invisible");
    assert_eq!(get(&daemon, "/channels/room:1/presence")["count"], 0);
}

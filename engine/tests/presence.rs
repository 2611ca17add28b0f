//! Who is there: over sessions in the process, with the times shortened.

mod common;

use bytes::Bytes;
use common::{Frame, Names, answer, config, connect, connect_with, engine, eventually, next, so_far};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tidings::config::{AccessName, AttendanceName, Config};
use tidings::host::{Admission, ConnectAsk, Denial, Host, HostEvent};
use tidings::local::Local;
use tidings::presence::{Reason, Status};
use tidings::{Engine, Grants};
use tokio::time::{sleep, timeout};

const GRACE_MS: u64 = 400;

fn quick() -> Config {
    let mut config = config();
    config.presence.grace_ms = GRACE_MS;
    config.presence.tick_ms = 20;
    for namespace in config.namespaces.values_mut() {
        namespace.presence = AttendanceName::Members;
    }
    config
}

async fn watch(local: &Local, id: u64, users: &[&str]) -> Frame {
    local.send(&json!({ "id": id, "watch": { "users": users } }).to_string());
    answer(local, id).await
}

/// The next change, or the next state that is told, of a user, in a few words.
async fn status(local: &Local) -> String {
    let frame = next(local).await;
    let status = &frame["status"];
    assert!(status["user"].is_string(), "{frame}");
    assert!(status["status"] == "offline" || status["since"].as_u64().is_some(), "{frame}");
    let word = |name: &str| status[name].as_str().unwrap_or_default().to_owned();
    format!("{} {} {}", word("user"), word("status"), word("reason"))
}

/// Waits until the watcher's users were told as they are: who asks before a tick is told the same again with it.
async fn told(engine: &Engine, changes: u64) {
    eventually("the changes are told", || engine.stats().presence_changes >= changes).await;
}

async fn is_silent(local: &Local, ms: u64) -> bool {
    timeout(Duration::from_millis(ms), local.receive()).await.is_err()
}

/// Goes on with a session.
async fn resume(engine: &Engine, connected: &Frame) -> (Local, Frame) {
    let Frame::Object(connected) = &connected["connected"] else { panic!("{connected}") };
    let fields = format!(r#","resume":{{"session":{},"secret":{}}}"#, connected["session"], connected["secret"]);
    connect_with(engine, connected["user"].as_str().unwrap(), &fields).await
}

#[tokio::test]
async fn a_watcher_gets_the_state_at_once_and_then_changes() {
    let engine = engine(quick());
    let bob = connect(&engine, "bob").await;
    let told = watch(&bob, 2, &["alice", "carol"]).await;
    assert_eq!(told["watching"], json!({ "watched": 2 }));
    assert_eq!(status(&bob).await, "alice offline never");
    assert_eq!(status(&bob).await, "carol offline never");

    let alice = connect(&engine, "alice").await;
    assert_eq!(status(&bob).await, "alice online connected");
    alice.send(r#"{"id":5,"presence":{"status":"busy","text":"in a call"}}"#);
    let own = answer(&alice, 5).await;
    assert_eq!((&own["presence"]["status"], &own["presence"]["text"]), (&json!("busy"), &json!("in a call")));
    assert_eq!(status(&bob).await, "alice busy set");
    alice.send(r#"{"presence":{"status":"online","text":""}}"#);
    assert_eq!(status(&bob).await, "alice online set");
    alice.send(r#"{"activity":{"active":false}}"#);
    assert_eq!(status(&bob).await, "alice idle idle");
    alice.send(r#"{"id":6,"ping":{}}"#);
    assert!(is_silent(&bob, 100).await, "a ping is no use");
    alice.send(r#"{"id":7,"subscribe":{"channel":"messaging:a"}}"#);
    assert_eq!(status(&bob).await, "alice online active");

    bob.send(r#"{"id":8,"unwatch":{"users":["alice"]}}"#);
    assert_eq!(next(&bob).await["unwatched"], json!({ "watched": 1 }));
    alice.port().leave(Bytes::new());
    assert!(is_silent(&bob, 100).await);
}

#[tokio::test]
async fn a_lost_link_waits_for_the_grace_period_and_a_goodbye_does_not() {
    let engine = engine(quick());
    let bob = connect(&engine, "bob").await;
    let alice = connect(&engine, "alice").await;
    told(&engine, 2).await;
    watch(&bob, 2, &["alice"]).await;
    assert_eq!(status(&bob).await, "alice online connected");
    let lost = Instant::now();
    drop(alice);
    assert_eq!(status(&bob).await, "alice offline lost");
    let waited_ms = lost.elapsed().as_millis() as u64;
    // The engine reads its clock once for all that it takes up together, and counts in whole milliseconds.
    assert!((GRACE_MS - 20..GRACE_MS + 2_000).contains(&waited_ms), "{waited_ms} ms");

    let alice = connect(&engine, "alice").await;
    assert_eq!(status(&bob).await, "alice online connected");
    let left = Instant::now();
    alice.port().leave(Bytes::new());
    assert_eq!(status(&bob).await, "alice offline left");
    assert!(left.elapsed() < Duration::from_millis(GRACE_MS));

    let alice = connect(&engine, "alice").await;
    assert_eq!(status(&bob).await, "alice online connected");
    assert!(engine.disconnect_user("alice") >= 1);
    assert_eq!(status(&bob).await, "alice offline ended");
    drop(alice);
}

#[tokio::test]
async fn who_comes_back_in_time_was_never_away_and_goes_on_watching() {
    let engine = engine(quick());
    let bob = connect(&engine, "bob").await;
    let (alice, connected) = connect_with(&engine, "alice", "").await;
    told(&engine, 2).await;
    watch(&alice, 2, &["bob", "friend"]).await;
    watch(&bob, 2, &["alice"]).await;
    assert_eq!(status(&bob).await, "alice online connected");
    drop(alice);
    let (alice, again) = resume(&engine, &connected).await;
    assert_eq!(again["connected"]["resumed"], true);
    assert_eq!(next(&alice).await, json!({ "watching": { "watched": 2 } }));
    let mut told = [status(&alice).await, status(&alice).await];
    told.sort();
    assert_eq!(told, ["bob online connected", "friend offline never"]);
    // Taken over while it lives.
    let (alice_too, _) = resume(&engine, &again).await;
    next(&alice_too).await;
    drop(alice);
    sleep(Duration::from_millis(GRACE_MS + 200)).await;
    assert_eq!(so_far(&bob).await, Vec::<Frame>::new());
    assert!(engine.is_user_online("alice"));
    drop(alice_too);
    assert_eq!(status(&bob).await, "alice offline lost");
}

#[tokio::test]
async fn online_with_the_first_device_and_offline_with_the_last() {
    let engine = engine(quick());
    let bob = connect(&engine, "bob").await;
    watch(&bob, 2, &["alice"]).await;
    status(&bob).await;
    let phone = connect(&engine, "alice").await;
    assert_eq!(status(&bob).await, "alice online connected");
    let laptop = connect(&engine, "alice").await;
    phone.send(r#"{"activity":{"active":false}}"#);
    phone.port().leave(Bytes::new());
    assert!(is_silent(&bob, 100).await);
    drop(laptop);
    assert_eq!(status(&bob).await, "alice offline lost");
}

#[tokio::test]
async fn who_may_watch_whom() {
    let engine = engine(quick());
    let guest = connect(&engine, "guest").await;
    let told = watch(&guest, 2, &["guest"]).await;
    assert_eq!(told["watching"]["watched"], 1, "oneself");
    assert_eq!(status(&guest).await, "guest online connected");
    let refused = watch(&guest, 3, &["bob"]).await;
    assert_eq!(refused["error"]["name"], "forbidden", "{refused}");
    let some = watch(&guest, 4, &["friend-1", "bob"]).await;
    assert_eq!(some["watching"], json!({ "watched": 2, "refused": ["bob"] }), "the host decides");
    assert_eq!(status(&guest).await, "friend-1 offline never");
    let bad = watch(&guest, 5, &["a\u{1}"]).await;
    assert_eq!(bad["error"]["name"], "bad_request");

    let mut closed = quick();
    closed.presence.watch = AccessName::Host;
    let engine = common::engine(closed);
    let alice = connect(&engine, "alice").await;
    assert_eq!(watch(&alice, 2, &["bob"]).await["error"]["name"], "forbidden");
    let mut open = quick();
    open.presence.watch = AccessName::Everyone;
    open.presence.watched_users_max = 3;
    let engine = common::engine(open);
    let guest = connect(&engine, "guest").await;
    assert_eq!(watch(&guest, 2, &["a", "b", "c", "d"]).await["error"]["name"], "limit");
    assert_eq!(watch(&guest, 3, &["a", "b", "c"]).await["watching"]["watched"], 3);
}

#[tokio::test]
async fn a_resumed_session_watches_only_whom_it_still_may() {
    struct Once(Mutex<bool>);
    impl Host for Once {
        async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
            let first = std::mem::take(&mut *self.0.lock().unwrap());
            let grants = if first { Grants::all() } else { Grants::default() };
            Ok(Admission::new(ask.token).grants(grants))
        }
    }
    let engine = Engine::start(quick(), Once(Mutex::new(true))).unwrap();
    let (alice, connected) = connect_with(&engine, "alice", "").await;
    told(&engine, 1).await;
    watch(&alice, 2, &["bob", "alice"]).await;
    drop(alice);
    let (alice, _) = resume(&engine, &connected).await;
    assert_eq!(next(&alice).await, json!({ "watching": { "watched": 1, "refused": ["bob"] } }));
    assert_eq!(status(&alice).await, "alice online connected");
    assert!(is_silent(&alice, 100).await);
}

#[tokio::test]
async fn who_hides_is_offline_to_others_from_the_first_moment() {
    let engine = engine(quick());
    let bob = connect(&engine, "bob").await;
    watch(&bob, 2, &["alice"]).await;
    status(&bob).await;
    let (alice, _) = connect_with(&engine, "alice", r#","presence":{"status":"invisible"}"#).await;
    watch(&alice, 2, &["alice"]).await;
    assert_eq!(status(&alice).await, "alice invisible connected");
    assert!(is_silent(&bob, 100).await);
    assert_eq!(engine.presence("alice").status, Status::Invisible);
    alice.send(r#"{"id":3,"presence":{"status":"online"}}"#);
    assert_eq!(status(&bob).await, "alice online connected");
    alice.send(r#"{"id":4,"presence":{"status":"invisible"}}"#);
    assert_eq!(status(&bob).await, "alice offline left");
    drop(alice);
    sleep(Duration::from_millis(GRACE_MS + 100)).await;
    assert_eq!(so_far(&bob).await, Vec::<Frame>::new());
}

#[tokio::test]
async fn idle_comes_by_itself() {
    let mut config = quick();
    config.presence.idle_after_ms = 300;
    let engine = engine(config);
    let bob = connect(&engine, "bob").await;
    watch(&bob, 2, &["alice"]).await;
    status(&bob).await;
    let began = Instant::now();
    let alice = connect(&engine, "alice").await;
    assert_eq!(status(&bob).await, "alice online connected");
    assert_eq!(status(&bob).await, "alice idle idle");
    assert!(began.elapsed() >= Duration::from_millis(300));
    for _ in 0..2 {
        alice.send(r#"{"activity":{"active":true}}"#);
        assert_eq!(status(&bob).await, "alice online active");
        assert_eq!(status(&bob).await, "alice idle idle");
    }
}

/// Tells what it hears of users.
struct Listening(Arc<Mutex<Vec<String>>>);

impl Host for Listening {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        Names.connect(ask).await
    }

    fn event(&self, event: HostEvent) {
        if let HostEvent::Presence(change) = event {
            assert!(change.since_ms > 0);
            let line = format!("{} {} {}", change.user, change.status.name(), change.reason.name());
            self.0.lock().unwrap().push(line);
        }
    }
}

#[tokio::test]
async fn the_host_asks_about_one_and_about_many_and_hears_of_changes() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let engine = Engine::start(quick(), Listening(Arc::clone(&heard))).unwrap();
    assert!(!engine.is_user_online("alice"));
    assert_eq!(engine.presence("alice").reason, Reason::Never);
    let alice = connect(&engine, "alice").await;
    assert!(engine.is_user_online("alice"), "at once");
    alice.send(r#"{"presence":{"status":"away","text":"lunch"}}"#);
    let many = engine.presence_of(&["bob", "alice"]);
    assert_eq!((many[0].status, many[1].status), (Status::Offline, Status::Away));
    assert_eq!(many[1].text.as_deref(), Some("lunch"));
    drop(alice);
    eventually("alice is offline", || !engine.is_user_online("alice")).await;
    let gone = engine.presence("alice");
    assert!(gone.reason == Reason::Lost && gone.last_seen_ms < gone.since_ms, "{gone:?}");
    eventually("the host hears of it", || heard.lock().unwrap().len() == 2).await;
    assert_eq!(*heard.lock().unwrap(), ["alice away connected", "alice offline lost"]);
}

#[tokio::test]
async fn ten_thousand_reconnects_within_the_grace_period_are_no_event() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mut config = quick();
    config.presence.grace_ms = 15_000;
    let engine = Engine::start(config, Listening(Arc::clone(&heard))).unwrap();
    let watcher = connect(&engine, "watcher").await;
    let users: Vec<String> = (0..100).map(|at| format!("user-{at}")).collect();
    watch(&watcher, 2, &users.iter().map(String::as_str).collect::<Vec<_>>()).await;
    so_far(&watcher).await;
    let mut devices = Vec::new();
    for user in &users {
        devices.push(connect_with(&engine, user, "").await);
    }
    eventually("all are online", || heard.lock().unwrap().len() == 101).await;
    so_far(&watcher).await;
    for round in 0..100 {
        for (at, user) in users.iter().enumerate() {
            let (local, connected) = devices.swap_remove(at);
            drop(local);
            // Half of them go on with their session, the others begin a new one.
            let new =
                if round % 2 == 0 { resume(&engine, &connected).await } else { connect_with(&engine, user, "").await };
            devices.push(new);
            let last = devices.len() - 1;
            devices.swap(at, last);
        }
    }
    sleep(Duration::from_millis(200)).await;
    assert_eq!(heard.lock().unwrap().len(), 101, "no event at all");
    assert_eq!(so_far(&watcher).await, Vec::<Frame>::new());
    assert_eq!(engine.stats().resumed, 5_000);
}

#[tokio::test]
async fn a_watcher_that_does_not_read_gets_the_newest_state_when_it_does() {
    let mut config = quick();
    config.limits.outbox_bytes_max = 4_000;
    config.limits.outbox_pieces_max = 16;
    let engine = engine(config);
    let bob = connect(&engine, "bob").await;
    let users: Vec<String> = (0..20).map(|at| format!("user-{at}")).collect();
    watch(&bob, 2, &users.iter().map(String::as_str).collect::<Vec<_>>()).await;
    so_far(&bob).await;
    let mut devices = Vec::new();
    for user in &users {
        devices.push(connect(&engine, user).await);
    }
    // More than the pipe and the outbox hold, of which the newest counts.
    let before = engine.stats().presence_changes;
    let text = "x".repeat(200);
    let mut rounds = 0;
    while rounds < 60 {
        for device in &devices {
            let words = format!("{rounds} {text}");
            device.send(&json!({ "presence": { "status": "busy", "text": words } }).to_string());
            device.discard();
        }
        rounds += 1;
        sleep(Duration::from_millis(30)).await;
    }
    for device in &devices {
        device.send(r#"{"presence":{"status":"away","text":"the last"}}"#);
    }
    assert!(engine.stats().presence_changes > before + 100);
    let mut last = std::collections::BTreeMap::new();
    let deadline = Instant::now() + Duration::from_secs(20);
    while last.len() < users.len() || last.values().any(|text| *text != "the last") {
        assert!(Instant::now() < deadline, "{last:?}");
        let frame = next(&bob).await;
        assert!(frame["close"].is_null(), "{frame}");
        let text = frame["status"]["text"].as_str().unwrap_or_default().to_owned();
        last.insert(frame["status"]["user"].as_str().unwrap().to_owned(), text);
    }
}

async fn join(local: &Local, id: u64, fields: &str) -> Frame {
    local.send(&format!(r#"{{"id":{id},"subscribe":{{"channel":"messaging:room"{fields}}}}}"#));
    answer(local, id).await
}

fn users(frame: &Frame, name: &str) -> Vec<String> {
    let members = frame[name]["members"].as_array().unwrap_or_else(|| panic!("{frame}"));
    members.iter().map(|member| member["user"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn who_is_in_a_channel() {
    let engine = engine(quick());
    let alice = connect(&engine, "alice").await;
    join(&alice, 2, r#","info":{"cursor":[1,2]}"#).await;
    let bob = connect(&engine, "bob").await;
    join(&bob, 2, r#","presence":true"#).await;
    let told = next(&bob).await;
    assert_eq!(users(&told, "members"), ["alice", "bob"]);
    assert_eq!(told["members"]["members"][0]["info"]["cursor"][1], 2);
    assert_eq!((&told["members"]["count"], &told["members"]["complete"]), (&json!(2), &json!(true)));
    // What was told ahead of the tick is told to all with it; alice is in it unless a tick came between.
    let joined = users(&next(&bob).await, "joined");
    assert!(joined.contains(&"bob".to_owned()) && joined.len() <= 2, "{joined:?}");

    let (alice_too, connected) = connect_with(&engine, "alice", "").await;
    join(&alice_too, 2, "").await;
    alice.send(r#"{"id":3,"info":{"channel":"messaging:room","info":"elsewhere"}}"#);
    assert_eq!(next(&alice).await["info"]["channel"], "messaging:room");
    let updated = next(&bob).await;
    assert_eq!(users(&updated, "updated"), ["alice"]);
    assert_eq!(updated["updated"]["members"][0]["info"], "elsewhere");

    alice.send(r#"{"id":4,"unsubscribe":{"channel":"messaging:room"}}"#);
    assert!(is_silent(&bob, 100).await, "the other device is there");
    drop(alice_too);
    let (alice_too, _) = resume(&engine, &connected).await;
    sleep(Duration::from_millis(GRACE_MS + 100)).await;
    assert_eq!(so_far(&bob).await, Vec::<Frame>::new());
    drop(alice_too);
    let left = next(&bob).await;
    assert_eq!((users(&left, "left"), &left["left"]["members"][0]["reason"]), (vec!["alice".into()], &json!("lost")));

    let presence = engine.channel_presence("messaging:room", true);
    assert_eq!((presence.count, &*presence.members[0].user), (1, "bob"));
    bob.send(r#"{"id":9,"members":{"channel":"messaging:room","list":false}}"#);
    let counted = next(&bob).await;
    assert_eq!(
        counted["members"],
        json!({ "channel": "messaging:room", "count": 1, "complete": false, "members": [] })
    );
    alice.send(r#"{"id":9,"members":{"channel":"messaging:room"}}"#);
    assert_eq!(answer(&alice, 9).await["error"]["name"], "state", "for subscribers alone");
}

#[tokio::test]
async fn a_resumed_session_is_told_of_its_channels_again() {
    let engine = engine(quick());
    let (bob, connected) = connect_with(&engine, "bob", "").await;
    join(&bob, 2, r#","presence":true,"info":7"#).await;
    drop(bob);
    eventually("bob is offline", || !engine.is_user_online("bob")).await;
    assert_eq!(engine.channel_presence("messaging:room", true).count, 0);
    let (bob, _) = resume(&engine, &connected).await;
    assert!(next(&bob).await["subscribed"].is_object());
    let told = next(&bob).await;
    assert_eq!((users(&told, "members"), &told["members"]["members"][0]["info"]), (vec!["bob".into()], &json!(7)));
}

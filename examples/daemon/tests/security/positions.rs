//! Rows 18 to 20: sessions, positions and keys that are another's, or that never were.

use crate::support::daemon::Daemon;
use crate::support::neighbour::Neighbour;
use crate::support::session::Session;
use crate::support::tool::token;
use serde_json::{Value, json};

const UNLIMITED: &str = "[limits]\nmessages_per_minute = 0\nothers_per_minute = 0\n";

/// Connects with this `resume`, and returns what `connected` holds.
fn resume(daemon: &Daemon, user: &str, resume: &Value) -> (Session, Value) {
    let mut session = Session::open(daemon);
    let token = token(&["--user", user]);
    let mut answer = session.ask(&json!({"id": 1, "connect": {"token": token, "device": "phone", "resume": resume}}));
    assert!(answer["connected"].is_object(), "{answer}");
    (session, answer["connected"].take())
}

fn publish(session: &mut Session, channel: &str, data: u64, key: Option<&str>) -> Value {
    let mut command = json!({"id": 3, "publish": {"channel": channel, "event": "E", "data": data}});
    if let Some(key) = key {
        command["publish"]["idempotency_key"] = key.into();
    }
    loop {
        let answer = session.ask(&command);
        if answer.get("id").is_some() {
            return answer;
        }
    }
}

#[test]
fn nobody_goes_on_with_a_session_of_another() {
    let daemon = Daemon::start(UNLIMITED);
    let neighbour = Neighbour::of(&daemon);
    let (mut alice, connected) = resume(&daemon, "alice", &Value::Null);
    let subscribed = alice.ask(&json!({"id": 2, "subscribe": {"channel": "messaging:secret"}}));
    assert!(subscribed["subscribed"].is_object(), "{subscribed}");
    let (id, secret) = (connected["session"].as_str().unwrap(), connected["secret"].as_str().unwrap());
    let guess = "0".repeat(secret.len());
    let almost = format!("{}{}", &secret[..secret.len() - 1], if secret.ends_with('0') { "1" } else { "0" });
    let tries = [
        ("another user with id and secret", "mallory", id, secret),
        ("the user with a guess", "alice", id, guess.as_str()),
        ("the user with one digit wrong", "alice", id, almost.as_str()),
        ("another user with a guess", "mallory", id, guess.as_str()),
        ("a session that never was", "alice", guess.as_str(), secret),
    ];
    for (what, user, id, secret) in tries {
        let (mut other, connected) = resume(&daemon, user, &json!({"session": id, "secret": secret}));
        assert_eq!(connected["resumed"], false, "{what}");
        assert_ne!(connected["session"], id, "{what}");
        // It has none of the channels: what is published there does not come.
        publish(&mut alice, "messaging:secret", 1, None);
        other.assert_alive();
    }
    for form in [json!({"session": "x", "secret": secret}), json!({"session": id}), json!([id, secret])] {
        let mut session = Session::open(&daemon);
        let connect = json!({"id": 1, "connect": {"token": token(&["--user", "alice"]), "resume": form}});
        assert_eq!(session.error_to(&connect), "bad_request", "{connect}");
    }
    drop(alice);
    neighbour.was_well();
}

#[test]
fn positions_that_never_were_are_gaps_and_show_nothing_that_is_not_the_users() {
    let daemon = Daemon::start(UNLIMITED);
    let neighbour = Neighbour::of(&daemon);
    let mut writer = Session::connect(&daemon, "writer");
    for data in 1..=3 {
        assert!(publish(&mut writer, "messaging:a", data, None)["published"].is_object());
    }
    let subscribe = |epoch: &str, offset: u64| json!({"id": 2, "subscribe": {"channel": "messaging:a", "since": {"epoch": epoch, "offset": offset}}});
    let mut reader = Session::subscribe(&daemon, "reader", "messaging:a");
    reader.send(json!({"id": 5, "unsubscribe": {"channel": "messaging:a"}}));
    reader.next();
    let told = reader.ask(&subscribe("0000000000000001", 2));
    let epoch = told["subscribed"]["epoch"].as_str().unwrap().to_owned();
    let rows =
        [("0000000000000001", 0), ("ffffffffffffffff", u64::MAX), (epoch.as_str(), 4), (epoch.as_str(), u64::MAX)];
    for (epoch, offset) in rows {
        let mut session = Session::connect(&daemon, "mallory");
        let answer = session.ask(&subscribe(epoch, offset));
        assert_eq!(answer["subscribed"]["recovered"], "gap", "{epoch} {offset}: {answer}");
        let gap = session.next();
        assert!(gap["gap"].is_object(), "{epoch} {offset}: {gap}");
    }
    // Without the right a position is worth nothing, however good it is.
    let mut stranger = Session::connect_with(&daemon, &token(&["--user", "mallory", "--sub", "messaging:other"]));
    assert_eq!(stranger.error_to(subscribe(&epoch, 1)), "forbidden");
    let positions = json!([{"channel": "messaging:a", "epoch": epoch, "offset": 0}]);
    let form = json!({"session": "0".repeat(32), "secret": "0".repeat(32), "positions": positions});
    let (mut session, connected) = resume(&daemon, "mallory", &form);
    assert_eq!(connected["resumed"], false);
    session.assert_alive();
    neighbour.was_well();
}

#[test]
fn acknowledgements_of_what_was_never_given_move_nothing() {
    let daemon = Daemon::start(UNLIMITED);
    let neighbour = Neighbour::of(&daemon);
    let mut writer = Session::connect(&daemon, "writer");
    let (mut alice, connected) = resume(&daemon, "alice", &Value::Null);
    let inbox = connected["inbox"]["stream"].as_u64().unwrap();
    let send = |writer: &mut Session, data: u64| {
        let body = json!({"user": "alice", "namespace": "messaging", "event": "E", "data": data, "wait": "stored"});
        let answer = writer.ask(&json!({"id": 1, "send": body}));
        assert!(answer["sent"].is_object(), "{answer}");
    };
    for data in 1..=5 {
        send(&mut writer, data);
        assert_eq!(alice.next()["entry"]["offset"], data);
    }
    let (mut mallory, _) = resume(&daemon, "mallory", &Value::Null);
    for (stream, offset) in [(inbox, 5), (inbox + 1, 1), (inbox, u64::MAX), (u64::from(u32::MAX), 1)] {
        mallory.send(json!({"ack": {"stream": stream, "offset": offset}}));
        mallory.send(json!({"read": {"stream": stream, "offset": offset}}));
    }
    mallory.assert_alive();
    for offset in [3, 1, 0, 6, u64::MAX] {
        alice.send(json!({"ack": {"stream": inbox, "offset": offset}}));
    }
    alice.assert_alive();
    drop(alice);
    // The device stands where it truly was: behind 3, not behind what it never got, nor where it went back to.
    let mut session = Session::open(&daemon);
    let token = token(&["--user", "alice"]);
    let answer = session.ask(&json!({"id": 1, "connect": {"token": token, "device": "phone"}}));
    assert_eq!(answer["connected"]["inbox"]["delivered"], 3, "{answer}");
    assert_eq!(session.next()["entry"]["offset"], 4);
    assert_eq!(session.next()["entry"]["offset"], 5);
    neighbour.was_well();
}

#[test]
fn a_key_used_twice_is_answered_as_before_and_counted() {
    let daemon = Daemon::start(UNLIMITED);
    let neighbour = Neighbour::of(&daemon);
    let mut reader = Session::subscribe(&daemon, "reader", "realtime:a");
    let mut writer = Session::connect(&daemon, "writer");
    let first = publish(&mut writer, "realtime:a", 1, Some("k"));
    for data in 2..=4 {
        assert_eq!(publish(&mut writer, "realtime:a", data, Some("k"))["published"], first["published"]);
    }
    // The same key of somebody else is another.
    let mut other = Session::connect(&daemon, "other");
    assert_eq!(publish(&mut other, "realtime:a", 9, Some("k"))["published"]["offset"], 2);
    let got = [reader.next(), reader.next()].map(|frame| frame["entry"]["data"].clone());
    assert_eq!(got, [json!(1), json!(9)]);
    daemon.wait_for_figure("tidings_publications_duplicate_total", |duplicates| duplicates == 3);
    neighbour.was_well();
}

#[test]
fn keys_without_end_take_no_more_memory_than_their_limit() {
    let daemon = Daemon::start(&format!("{UNLIMITED}idempotency_keys_max = 1000\n"));
    let neighbour = Neighbour::of(&daemon);
    let mut writer = Session::connect(&daemon, "mallory");
    let mut before_kib = 0;
    for at in 0..20_000 {
        let key = format!("{at:0>128}");
        writer.send(json!({"publish": {"channel": "realtime:a", "event": "E", "data": 1, "idempotency_key": key}}));
        if at == 4_000 {
            writer.assert_alive();
            before_kib = daemon.memory_kib();
        }
    }
    writer.assert_alive();
    let grown_kib = daemon.memory_kib().saturating_sub(before_kib);
    assert!(grown_kib < 4 * 1024, "{grown_kib} KiB more");
    neighbour.was_well();
}

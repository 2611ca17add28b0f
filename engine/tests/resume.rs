//! A session outlives its connection, and goes on over another.

mod common;

use common::store::{Bench, durable, engine_on};
use common::{
    Frame, answer, config, connect_with, data, engine, entries, eventually, next, offsets, publish, so_far, subscribe,
};
use std::time::Duration;
use tidings::config::Config;
use tidings::host::{Admission, ConnectAsk, Denial, Host, SubscribeAsk};
use tidings::local::Local;
use tidings::{Code, Engine, Grants};
use tokio::time::timeout;

const LOBBY: &str = "messaging:lobby";

/// What a client keeps of its session.
struct Held(Frame);

impl Held {
    fn of(connected: &Frame) -> Self {
        assert!(!connected["connected"].is_null(), "{connected}");
        Self(connected["connected"].clone())
    }

    fn id(&self) -> &Frame {
        &self.0["session"]
    }

    /// The fields of a `connect` that goes on with it.
    fn resume(&self, positions: &str) -> String {
        let (session, secret) = (&self.0["session"], &self.0["secret"]);
        format!(r#","resume":{{"session":{session},"secret":{secret},"positions":[{positions}]}}"#)
    }
}

async fn arrive(engine: &Engine, user: &str) -> (Local, Held) {
    let (local, told) = connect_with(engine, user, "").await;
    (local, Held::of(&told))
}

async fn go_on(engine: &Engine, user: &str, held: &Held, positions: &str) -> (Local, Held) {
    let (local, told) = connect_with(engine, user, &held.resume(positions)).await;
    (local, Held::of(&told))
}

fn position(channel: &str, epoch: &Frame, offset: u64) -> String {
    format!(r#"{{"channel":"{channel}","epoch":{epoch},"offset":{offset}}}"#)
}

fn publish_all(engine: &Engine, channel: &str, texts: std::ops::RangeInclusive<u64>) {
    for text in texts {
        engine.publish(channel, "E", &data(&text.to_string())).unwrap();
    }
}

async fn code(local: &Local) -> Frame {
    loop {
        let frame = next(local).await;
        if !frame["close"].is_null() {
            return frame["close"]["code"].clone();
        }
    }
}

async fn goes_on_in(engine: Engine) {
    let (local, held) = arrive(&engine, "alice").await;
    let lobby = subscribe(&local, LOBBY).await["subscribed"].take();
    let other = subscribe(&local, "messaging:other").await["subscribed"].take();
    subscribe(&local, "messaging:left").await;
    local.send(r#"{"id":3,"unsubscribe":{"channel":"messaging:left"}}"#);
    answer(&local, 3).await;
    publish_all(&engine, LOBBY, 1..=10);
    publish_all(&engine, "messaging:other", 1..=10);
    entries(&local, 20).await;
    // Of the one it names a position, of the other it has acknowledged.
    local.send(&format!(r#"{{"ack":{{"stream":{},"offset":7}}}}"#, other["stream"]));
    so_far(&local).await;
    drop(local);
    eventually("it waits", || engine.stats().parked == 1).await;
    publish_all(&engine, LOBBY, 11..=12);

    let named = [position(LOBBY, &lobby["epoch"], 4), position("messaging:never", &lobby["epoch"], 1)].join(",");
    let (local, again) = go_on(&engine, "alice", &held, &named).await;
    assert_eq!((&again.0["resumed"], again.id()), (&true.into(), held.id()));
    publish_all(&engine, LOBBY, 13..=13);
    let mut subscribed = Vec::new();
    let (mut in_lobby, mut in_other) = (Vec::new(), Vec::new());
    while in_lobby.last() != Some(&13) || in_other.last() != Some(&10) {
        let frame = next(&local).await;
        assert!(frame["gap"].is_null() && frame["error"].is_null(), "{frame}");
        if let Some(channel) = frame["subscribed"]["channel"].as_str() {
            assert_eq!(frame["subscribed"]["recovered"], "complete");
            assert!(frame["id"].is_null());
            subscribed.push(channel.to_owned());
        }
        let of_lobby = frame["entry"]["stream"] == lobby["stream"];
        let found = if of_lobby { &mut in_lobby } else { &mut in_other };
        found.extend(frame["entry"]["offset"].as_u64());
    }
    subscribed.sort_unstable();
    assert_eq!(subscribed, [LOBBY, "messaging:other"]);
    assert_eq!(in_lobby, (5..=13).collect::<Vec<_>>(), "exactly what followed");
    assert_eq!(in_other, (8..=10).collect::<Vec<_>>());
    assert!(so_far(&local).await.is_empty());
    assert_eq!((engine.stats().resumed, engine.stats().parked), (1, 0));

    // Nothing acknowledged since and nothing named: from where it was joined.
    drop(local);
    eventually("it waits", || engine.stats().parked == 1).await;
    let (local, _) = go_on(&engine, "alice", &held, "").await;
    let frames = so_far(&local).await;
    assert_eq!(offsets(&frames).len(), 9 + 3, "{frames:?}");
}

#[tokio::test]
async fn a_session_goes_on_exactly_where_its_client_stands() {
    goes_on_in(engine(config())).await;
    goes_on_in(engine_on(durable(), &Bench::new())).await;
}

#[tokio::test]
async fn the_inbox_goes_on_from_the_position_named() {
    let engine = engine_on(durable(), &Bench::new());
    let (local, held) = arrive(&engine, "alice").await;
    for text in 1..=5 {
        engine.broadcast_to_user("alice", "E", &data(&text.to_string())).unwrap();
    }
    entries(&local, 5).await;
    drop(local);
    let named = format!(r#"{{"inbox":true,"epoch":{},"offset":3}}"#, held.0["inbox"]["epoch"]);
    let (local, again) = go_on(&engine, "alice", &held, &named).await;
    assert_eq!((&again.0["inbox"]["delivered"], &again.0["inbox"]["recovered"]), (&3.into(), &"complete".into()));
    assert_eq!(entries(&local, 2).await, [(4, "4".to_owned()), (5, "5".to_owned())]);
    assert!(so_far(&local).await.is_empty());
}

#[tokio::test]
async fn a_connection_that_is_half_open_is_fenced_and_its_end_changes_nothing() {
    let engine = engine(config());
    let (old, held) = arrive(&engine, "alice").await;
    subscribe(&old, LOBBY).await;
    let (new, again) = go_on(&engine, "alice", &held, "").await;
    assert_eq!(again.id(), held.id());
    assert_eq!(next(&new).await["subscribed"]["channel"], LOBBY);
    // Whatever the old one says now is not heard.
    old.send(&publish(5, LOBBY, "from the dead", ""));
    assert_eq!(code(&old).await, 3505);
    drop(old);
    eventually("it is gone", || engine.stats().connections == 1).await;
    assert_eq!((engine.stats().parked, engine.sessions_of("alice")), (0, 1));
    publish_all(&engine, LOBBY, 1..=1);
    assert_eq!(entries(&new, 1).await, [(1, "1".to_owned())]);
    // Twice in a row, the second while the first lives.
    let (third, again) = go_on(&engine, "alice", &again, "").await;
    assert_eq!(code(&new).await, 3505);
    drop(new);
    assert_eq!((again.id(), &again.0["resumed"]), (held.id(), &true.into()));
    assert_eq!(next(&third).await["subscribed"]["channel"], LOBBY);
    assert!(engine.disconnect_session(held.id().as_str().unwrap().parse().unwrap()));
    assert_eq!(code(&third).await, 3504);
}

#[tokio::test]
async fn the_late_end_of_a_first_connection_does_not_bring_back_what_its_second_has_ended() {
    let engine = engine(config());
    let (first, held) = arrive(&engine, "alice").await;
    let (second, again) = go_on(&engine, "alice", &held, "").await;
    assert_eq!(again.0["resumed"], true);
    let id = held.id().as_str().unwrap().parse().unwrap();
    assert!(engine.disconnect_session(id));
    assert_eq!(code(&second).await, 3504);
    drop(second);
    drop(first);
    assert!(!engine.disconnect_session(id));
    assert_eq!((engine.stats().parked, engine.stats().connections), (0, 0));
    assert_eq!(go_on(&engine, "alice", &held, "").await.1.0["resumed"], false);
    // The same of one that never had a second.
    let (first, held) = arrive(&engine, "alice").await;
    let id = held.id().as_str().unwrap().parse().unwrap();
    assert!(engine.disconnect_session(id) && !engine.disconnect_session(id));
    drop(first);
    assert_eq!(go_on(&engine, "alice", &held, "").await.1.0["resumed"], false);
}

#[tokio::test]
async fn who_cannot_prove_a_session_gets_a_new_one() {
    let mut config = config();
    config.times.resume_window_ms = 300;
    let engine = engine(config);
    let (local, held) = arrive(&engine, "alice").await;
    subscribe(&local, LOBBY).await;
    drop(local);
    let wrong = Held(serde_json::json!({"session": held.id(), "secret": "00000000000000000000000000000001"}));
    let unknown = Held(serde_json::json!({"session": "00000000000000000000000000000001", "secret": held.0["secret"]}));
    for (user, held) in [("alice", &wrong), ("alice", &unknown), ("bob", &held)] {
        let (local, told) = go_on(&engine, user, held, "").await;
        assert_eq!((&told.0["resumed"], told.0["user"].as_str()), (&false.into(), Some(user)));
        assert_ne!(told.id(), held.id());
        assert!(so_far(&local).await.is_empty(), "it is subscribed to nothing");
        assert!(engine.disconnect_user(user) > 0);
    }
    eventually("its time is over", || engine.stats().parked == 0).await;
    let (_local, told) = go_on(&engine, "alice", &held, "").await;
    assert_eq!(told.0["resumed"], false);
}

#[tokio::test]
async fn a_session_that_was_ended_for_good_does_not_come_back() {
    let mut flooded = config();
    flooded.limits.others_per_minute = 20;
    for (config, expected) in [(config(), 3504), (flooded, 3502)] {
        let engine = engine(config);
        let (local, held) = arrive(&engine, "alice").await;
        if expected == 3504 {
            assert_eq!(engine.disconnect_user("alice"), 1);
        } else {
            (0..100).for_each(|_| local.send(r#"{"ping":{}}"#));
        }
        assert_eq!(code(&local).await, expected);
        for _ in 0..2 {
            assert_eq!(go_on(&engine, "alice", &held, "").await.1.0["resumed"], false);
        }
        drop(local);
        assert_eq!(go_on(&engine, "alice", &held, "").await.1.0["resumed"], false);
    }
}

#[tokio::test]
async fn one_that_was_too_slow_may_come_back() {
    let engine = engine(config());
    let (local, held) = arrive(&engine, "alice").await;
    subscribe(&local, LOBBY).await;
    local.port().close(Code::Slow);
    assert_eq!(engine.stats().parked, 1);
    let (new, again) = go_on(&engine, "alice", &held, "").await;
    assert_eq!(again.0["resumed"], true);
    assert_eq!(next(&new).await["subscribed"]["channel"], LOBBY);
    drop(local);
    assert_eq!((engine.stats().parked, engine.stats().connections), (0, 1));
}

#[tokio::test]
async fn as_many_wait_as_connections_may_be_open() {
    let mut config = config();
    config.limits.connections_max = 4;
    let engine = engine(config);
    let mut held = Vec::new();
    for number in 0..10 {
        let (local, told) = arrive(&engine, &format!("user{number}")).await;
        held.push(told);
        drop(local);
    }
    assert_eq!(engine.stats().parked, 4);
    let (_local, told) = go_on(&engine, "user0", &held[0], "").await;
    assert_eq!(told.0["resumed"], true);
    let (_local, told) = go_on(&engine, "user9", &held[9], "").await;
    assert_eq!(told.0["resumed"], false, "there was no room for it");
    assert_eq!(engine.stats().parked, 3);
}

#[tokio::test]
async fn nobody_takes_the_places_of_others_that_wait() {
    let mut config = config();
    config.limits.connections_per_user_max = 2;
    let engine = engine(config);
    let mut held = Vec::new();
    for _ in 0..5 {
        let (local, told) = arrive(&engine, "mallory").await;
        held.push(told);
        drop(local);
    }
    assert_eq!(engine.stats().parked, 2);
    for (held, waits) in held.iter().rev().zip([true, true, false, false, false]) {
        let (_local, told) = go_on(&engine, "mallory", held, "").await;
        assert_eq!(told.0["resumed"], waits);
    }
}

#[tokio::test]
async fn what_followed_a_position_of_another_epoch_is_not_lost_by_a_resume_without_positions() {
    let engine = engine(config());
    let (alice, held) = arrive(&engine, "alice").await;
    publish_all(&engine, LOBBY, 1..=3);
    let since = r#""since":{"epoch":"0000000000000001","offset":9}"#;
    alice.send(&format!(r#"{{"id":2,"subscribe":{{"channel":"{LOBBY}",{since}}}}}"#));
    assert_eq!(answer(&alice, 2).await["subscribed"]["recovered"], "gap");
    drop(alice);
    let (alice, held) = go_on(&engine, "alice", &held, "").await;
    assert_eq!(held.0["resumed"], true);
    assert_eq!(next(&alice).await["subscribed"]["recovered"], "complete");
    for offset in 1..=3 {
        assert_eq!(next(&alice).await["entry"]["offset"], offset);
    }
}

/// Whom it admits may subscribe where it says so, each time anew and after a while.
struct Changing(std::sync::atomic::AtomicBool);

impl Host for &'static Changing {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        let pattern = if self.0.load(std::sync::atomic::Ordering::SeqCst) { "messaging:*" } else { "messaging:lobby" };
        let grants = Grants { subscribe: vec![common::pattern(pattern)], ..Grants::all() };
        Ok(Admission::new(ask.token).grants(grants))
    }

    async fn subscribe(&self, ask: SubscribeAsk) -> Result<(), Denial> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if ask.channel.starts_with("chat:") { Ok(()) } else { Err(Denial::forbidden()) }
    }
}

fn durable_without_store() -> Config {
    let mut config = config();
    config.namespaces.insert("chat".to_owned(), config.namespaces["messaging"].clone());
    config
}

#[tokio::test]
async fn rights_are_judged_anew() {
    static HOST: Changing = Changing(std::sync::atomic::AtomicBool::new(true));
    let engine = Engine::start(durable_without_store(), &HOST).unwrap();
    let (local, held) = arrive(&engine, "alice").await;
    subscribe(&local, LOBBY).await;
    subscribe(&local, "messaging:secret").await;
    drop(local);
    HOST.0.store(false, std::sync::atomic::Ordering::SeqCst);
    let (local, _) = go_on(&engine, "alice", &held, "").await;
    let (mut refused, mut joined) = (0, Vec::new());
    while refused + joined.len() < 2 {
        let frame = next(&local).await;
        assert!(frame["id"].is_null());
        refused += usize::from(frame["error"]["code"] == 2003);
        joined.extend(frame["subscribed"]["channel"].as_str().map(str::to_owned));
    }
    assert_eq!(joined, [LOBBY]);
    publish_all(&engine, "messaging:secret", 1..=1);
    publish_all(&engine, LOBBY, 1..=1);
    assert_eq!(offsets(&so_far(&local).await), [1], "of the lobby alone");
}

#[tokio::test]
async fn channels_that_the_host_is_still_asked_about_are_not_lost_by_another_resume() {
    static HOST: Changing = Changing(std::sync::atomic::AtomicBool::new(true));
    let engine = Engine::start(durable_without_store(), &HOST).unwrap();
    let (local, held) = arrive(&engine, "alice").await;
    for channel in ["chat:one", "chat:two", LOBBY] {
        subscribe(&local, channel).await;
    }
    // Over a live connection, over one that was lost, and over one that is half open, before the host has answered.
    for drops in [false, true, false] {
        let (hasty, told) = go_on(&engine, "alice", &held, "").await;
        assert_eq!(told.0["resumed"], true);
        if drops {
            drop(hasty);
        } else {
            std::mem::forget(hasty);
        }
    }
    let (new, _) = go_on(&engine, "alice", &held, "").await;
    let mut joined = Vec::new();
    while joined.len() < 3 {
        joined.extend(next(&new).await["subscribed"]["channel"].as_str().map(str::to_owned));
    }
    joined.sort_unstable();
    assert_eq!(joined, ["chat:one", "chat:two", LOBBY]);
    assert!(so_far(&new).await.is_empty());
}

#[tokio::test]
async fn a_channel_that_was_forgotten_is_recalled_where_it_stood() {
    let mut config = config();
    config.times.channel_idle_ms = 0;
    config.namespaces.get_mut("messaging").unwrap().history_age_ms_max = 1;
    let engine = engine(config);
    let (local, _) = arrive(&engine, "alice").await;
    let told = subscribe(&local, LOBBY).await["subscribed"].take();
    publish_all(&engine, LOBBY, 1..=3);
    entries(&local, 3).await;
    drop(local);
    eventually("it is forgotten", || engine.stats().channels == 0).await;
    let (local, _) = arrive(&engine, "alice").await;
    let again = common::subscribe_since(&local, LOBBY, &told["epoch"], 3).await["subscribed"].take();
    assert_eq!(
        (&again["recovered"], &again["epoch"], &again["offset"]),
        (&"complete".into(), &told["epoch"], &3.into())
    );
    publish_all(&engine, LOBBY, 4..=4);
    assert_eq!(entries(&local, 1).await, [(4, "4".to_owned())]);
}

/// One client that goes on with a session whenever it is thrown out. Returns how often it had it.
async fn insist(engine: Engine, user: String, held: Frame, turns: u32) -> u32 {
    let held = Held(held);
    let mut had = 0;
    for turn in 0..turns {
        let (local, told) = connect_with(&engine, &user, &held.resume("")).await;
        let resumed = told["connected"]["resumed"] == true;
        // It may have been thrown out before it was told anything.
        assert!(resumed || !told["close"].is_null(), "{told}");
        had += u32::from(resumed);
        (0..3).for_each(|_| local.send(&publish(7, LOBBY, "x", "")));
        if turn % 3 == 0 {
            tokio::task::yield_now().await;
        }
        if turn % 2 == 0 {
            drop(local);
        } else {
            local.discard();
            std::mem::forget(local);
        }
    }
    had
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_want_the_same_session_leave_one_that_is_whole() {
    let mut config = config();
    config.limits.connections_per_user_max = 10_000;
    config.limits.outbox_bytes_max = 1 << 20;
    let engine = engine(config);
    let mut sessions = Vec::new();
    for user in ["alice", "bob"] {
        let (local, held) = arrive(&engine, user).await;
        subscribe(&local, LOBBY).await;
        subscribe(&local, "messaging:other").await;
        drop(local);
        sessions.push((user, held));
    }
    let clients: Vec<_> = (0..16)
        .map(|number| {
            let (user, held) = &sessions[number % 2];
            tokio::spawn(insist(engine.clone(), (*user).to_owned(), held.0.clone(), 25))
        })
        .collect();
    let mut had = 0;
    for client in clients {
        had += timeout(Duration::from_secs(30), client).await.expect("nobody waits for ever").unwrap();
    }
    assert!(had > 0);
    for (user, held) in &sessions {
        let (local, told) = go_on(&engine, user, held, "").await;
        assert_eq!((&told.0["resumed"], told.id()), (&true.into(), held.id()));
        let mut joined: Vec<String> = Vec::new();
        while joined.len() < 2 {
            joined.extend(next(&local).await["subscribed"]["channel"].as_str().map(str::to_owned));
        }
        joined.sort_unstable();
        assert_eq!(joined, [LOBBY, "messaging:other"], "no channel is lost");
        assert_eq!(engine.sessions_of(user), 1, "one of them lives");
        drop(local);
    }
    assert_eq!(engine.stats().parked, 2);
}

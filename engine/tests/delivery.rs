//! From publishers to receivers, through a running engine without sockets.

mod common;

use common::{config, connect, data, engine, next, subscribe};
use tidings::config::{ClassName, Config};
use tidings::local::Local;
use tidings::{Data, Engine};

fn classes() -> Config {
    let mut config = config();
    let mut latest = config.namespaces["messaging"].clone();
    latest.class = ClassName::Latest;
    config.namespaces.insert("latest".to_owned(), latest);
    config.limits.outbox_bytes_max = 32 * 1024;
    config
}

fn offsets_of(frame: &serde_json::Value) -> Option<u64> {
    frame["entry"]["offset"].as_u64()
}

/// Publishes until far more was published than the pipe and the outbox of one receiver hold.
fn flood(engine: &Engine, channel: &str, count: usize) {
    let big = Data::new(&"x".repeat(1_000)).unwrap();
    for _ in 0..count {
        engine.publish(channel, "E", &big).unwrap();
    }
}

async fn drain_until(local: &Local, last: u64) -> (Vec<u64>, Vec<(u64, u64)>) {
    let (mut offsets, mut gaps) = (Vec::new(), Vec::new());
    loop {
        let frame = next(local).await;
        if let Some(offset) = offsets_of(&frame) {
            offsets.push(offset);
            if offset == last {
                return (offsets, gaps);
            }
        } else {
            let gap = &frame["gap"];
            gaps.push((gap["from"].as_u64().unwrap(), gap["to"].as_u64().unwrap()));
        }
    }
}

#[tokio::test]
async fn every_subscriber_has_every_entry_in_order() {
    let engine = engine(config());
    let mut locals = Vec::new();
    for at in 0..50 {
        let local = connect(&engine, &format!("user{at}")).await;
        assert_eq!(subscribe(&local, "messaging:lobby").await["subscribed"]["recovered"], "none");
        locals.push(local);
    }
    for at in 0..100 {
        let frame = format!(r#"{{"publish":{{"channel":"messaging:lobby","event":"E","data":{at}}}}}"#);
        locals[at % 50].send(&frame);
    }
    for local in &locals {
        for at in 0..100_u64 {
            let frame = next(local).await;
            assert_eq!(frame["entry"]["data"], at);
            assert_eq!(frame["entry"]["offset"], at + 1);
            assert_eq!(frame["entry"]["from"], format!("user{}", at % 50));
        }
    }
    assert_eq!(engine.stats().delivered, 5_000);
}

#[tokio::test]
async fn a_position_gets_exactly_what_followed() {
    let engine = engine(config());
    let alice = connect(&engine, "alice").await;
    let at = subscribe(&alice, "messaging:lobby").await;
    let epoch = at["subscribed"]["epoch"].as_str().unwrap().to_owned();
    for number in 1..=10 {
        engine.publish("messaging:lobby", "E", &Data::new(&number).unwrap()).unwrap();
    }
    drop(alice);
    let alice = connect(&engine, "alice").await;
    alice.send(&format!(
        r#"{{"id":2,"subscribe":{{"channel":"messaging:lobby","since":{{"epoch":"{epoch}","offset":4}}}}}}"#
    ));
    assert_eq!(next(&alice).await["subscribed"]["recovered"], "complete");
    engine.publish("messaging:lobby", "E", &data("live")).unwrap();
    let (offsets, gaps) = drain_until(&alice, 11).await;
    assert_eq!(offsets, (5..=11).collect::<Vec<_>>());
    assert!(gaps.is_empty());
}

#[tokio::test]
async fn another_epoch_is_a_gap_and_then_all_that_is_kept() {
    let engine = engine(config());
    for number in 1..=3 {
        engine.publish("messaging:lobby", "E", &Data::new(&number).unwrap()).unwrap();
    }
    let alice = connect(&engine, "alice").await;
    alice.send(r#"{"id":2,"subscribe":{"channel":"messaging:lobby","since":{"epoch":"00000000000000aa","offset":2}}}"#);
    assert_eq!(next(&alice).await["subscribed"]["recovered"], "gap");
    assert_eq!(next(&alice).await["gap"]["reason"], "epoch");
    assert_eq!(drain_until(&alice, 3).await.0, [1, 2, 3]);
}

#[tokio::test]
async fn who_reads_late_is_brought_forward_from_the_history() {
    let engine = engine(classes());
    let slow = connect(&engine, "slow").await;
    subscribe(&slow, "messaging:lobby").await;
    flood(&engine, "messaging:lobby", 500);
    assert!(slow.port().waiting_bytes() <= 32 * 1024, "the outbox keeps its limit");
    let (offsets, gaps) = drain_until(&slow, 500).await;
    assert_eq!(offsets, (1..=500).collect::<Vec<_>>());
    assert!(gaps.is_empty());
}

#[tokio::test]
async fn what_the_history_keeps_no_longer_is_a_gap() {
    let mut config = classes();
    config.namespaces.get_mut("messaging").unwrap().history_entries_max = 50;
    let engine = engine(config);
    let slow = connect(&engine, "slow").await;
    subscribe(&slow, "messaging:lobby").await;
    flood(&engine, "messaging:lobby", 500);
    let (offsets, gaps) = drain_until(&slow, 500).await;
    let missing: u64 = gaps.iter().map(|(from, to)| to + 1 - from).sum();
    assert_eq!(gaps.len(), 1);
    assert_eq!(missing + offsets.len() as u64, 500, "every offset is delivered or told");
    assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]));
}

#[tokio::test]
async fn an_ephemeral_channel_skips_whoever_is_full_and_counts_it() {
    let engine = engine(classes());
    let slow = connect(&engine, "slow").await;
    subscribe(&slow, "realtime:cursor").await;
    flood(&engine, "realtime:cursor", 500);
    let skipped = engine.stats().skipped;
    assert!(skipped > 0);
    for _ in 0..500 - skipped {
        assert!(offsets_of(&next(&slow).await).is_some());
    }
    engine.publish("realtime:cursor", "E", &data("again")).unwrap();
    assert_eq!(next(&slow).await["entry"]["offset"], 501);
}

#[tokio::test]
async fn the_latest_class_brings_the_newest_value_of_each_key() {
    let engine = engine(classes());
    let slow = connect(&engine, "slow").await;
    let writer = connect(&engine, "writer").await;
    subscribe(&slow, "latest:prices").await;
    let big = "x".repeat(1_000);
    for number in 0..500 {
        let key = number % 5;
        writer.send(&format!(
            r#"{{"publish":{{"channel":"latest:prices","event":"E","key":"k{key}","data":[{number},"{big}"]}}}}"#
        ));
    }
    let mut newest = [0; 5];
    let mut frames = 0;
    while newest.iter().any(|value| *value < 495) {
        let value = next(&slow).await["entry"]["data"][0].as_u64().unwrap();
        let key = usize::try_from(value % 5).unwrap();
        assert!(value >= newest[key]);
        newest[key] = value;
        frames += 1;
    }
    assert!(frames < 500, "older values were replaced");
}

#[tokio::test]
async fn an_event_to_a_user_reaches_all_of_its_sessions_and_nobody_else() {
    let engine = engine(config());
    let (phone, desk, other) =
        (connect(&engine, "alice").await, connect(&engine, "alice").await, connect(&engine, "bob").await);
    assert_eq!(engine.broadcast_to_user("alice", "notification:new", &data("hi")).unwrap(), 2);
    assert_eq!(engine.broadcast_to_user("nobody", "notification:new", &data("hi")).unwrap(), 0);
    other.send(r#"{"id":7,"send":{"user":"alice","namespace":"realtime","event":"E","data":1}}"#);
    assert_eq!(next(&other).await["sent"]["sessions"], 2);
    for local in [&phone, &desk] {
        assert_eq!(next(local).await["entry"]["event"], "notification:new");
        assert_eq!(next(local).await["entry"]["from"], "bob");
    }
    other.send(r#"{"id":8,"ping":{}}"#);
    assert_eq!(next(&other).await["id"], 8, "bob got nothing in between");
}

#[tokio::test]
async fn a_session_that_is_closed_for_being_slow_receives_nothing_more() {
    let mut config = classes();
    config.times.slow_timeout_ms = 100;
    let engine = engine(config);
    let slow = connect(&engine, "slow").await;
    subscribe(&slow, "messaging:lobby").await;
    flood(&engine, "messaging:lobby", 500);
    while engine.stats().slow == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(engine.sessions_of("slow"), 0);
    assert_eq!(engine.broadcast_to_user("slow", "E", &data("x")).unwrap(), 0);
    let delivered = engine.stats().delivered;
    engine.publish("messaging:lobby", "E", &data("x")).unwrap();
    assert_eq!(engine.stats().delivered, delivered);
}

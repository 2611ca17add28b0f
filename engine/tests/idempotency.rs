//! The same key from the same publisher is the same publication, whatever happens in between.

mod common;

use common::store::{Bench, durable, engine_in, engine_on};
use common::{
    Frame, STORED, answer, config, connect, data, engine, entries, eventually, next, publish, so_far, subscribe,
};
use std::time::Duration;
use tidings::message::Message;
use tidings::{Engine, Level};

const LOBBY: &str = "messaging:lobby";
const KEYED: &str = r#","idempotency_key":"k""#;
const KEYED_STORED: &str = r#","wait":"stored","idempotency_key":"k""#;

fn place(frame: &Frame) -> (Option<u64>, Option<&str>) {
    (frame["published"]["offset"].as_u64(), frame["published"]["level"].as_str())
}

#[tokio::test]
async fn one_that_is_repeated_while_under_way_waits_for_the_same_outcome() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let (phone, desk) = (connect(&engine, "alice").await, connect(&engine, "alice").await);
    let bob = connect(&engine, "bob").await;
    subscribe(&bob, LOBBY).await;
    bench.hold_syncs();
    phone.send(&publish(10, LOBBY, "one", KEYED_STORED));
    eventually("the sync has begun", || bench.is_syncing()).await;
    desk.send(&publish(11, LOBBY, "one", KEYED));
    assert_eq!(place(&next(&desk).await), (Some(1), Some("accepted")));
    desk.send(&publish(12, LOBBY, "one", KEYED_STORED));
    // Whatever else it says: the answer is about the first, and comes when the first is stored.
    desk.send(&publish(13, "messaging:other", "two", KEYED_STORED));
    desk.send(
        r#"{"id":14,"send":{"user":"bob","namespace":"messaging","event":"E","wait":"stored","idempotency_key":"k"}}"#,
    );
    assert!(so_far(&desk).await.is_empty());
    assert!(so_far(&phone).await.is_empty() && so_far(&bob).await.is_empty());
    bench.release_syncs();
    assert_eq!(place(&answer(&phone, 10).await), (Some(1), Some("stored")));
    for id in 12..=14 {
        let told = next(&desk).await;
        assert_eq!((&told["id"], place(&told)), (&id.into(), (Some(1), Some("stored"))));
    }
    bob.send(&publish(10, LOBBY, "bob's", KEYED_STORED));
    assert_eq!(place(&answer(&bob, 10).await).0, Some(2), "another's key is another key");
    assert_eq!(engine.stats().duplicates, 4);
    let host = engine.publish_message(LOBBY, &Message::new("E", &data("host")).idempotency_key("k")).unwrap();
    assert_eq!(host.position.offset, 3);
    let again = engine.publish_stored(LOBBY, &Message::new("E", &data("host")).idempotency_key("k")).await.unwrap();
    assert_eq!((again.position, again.level), (host.position, Level::Stored));
    eventually("all are counted", || engine.stats().stored == 3).await;
}

#[tokio::test]
async fn a_send_that_is_repeated_as_something_else_is_not_called_stored_early() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let alice = connect(&engine, "alice").await;
    bench.hold_syncs();
    alice.send(
        r#"{"id":10,"send":{"user":"bob","namespace":"messaging","event":"E","wait":"stored","idempotency_key":"k"}}"#,
    );
    eventually("the sync has begun", || bench.is_syncing()).await;
    alice.send(&publish(11, LOBBY, "x", KEYED_STORED));
    alice.send(r#"{"id":12,"send":{"user":"carol","namespace":"messaging","event":"E","wait":"stored","idempotency_key":"k"}}"#);
    assert!(so_far(&alice).await.is_empty(), "nothing is stored yet");
    bench.release_syncs();
    for id in 10..=12 {
        let told = next(&alice).await;
        assert_eq!((&told["id"], &told["sent"]["level"]), (&Frame::from(id), &Frame::from("stored")));
    }
    assert_eq!(engine.stats().published, 1);
}

#[tokio::test]
async fn what_is_in_memory_alone_is_never_called_stored() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let alice = connect(&engine, "alice").await;
    alice.send(&publish(10, "chat:x", "one", KEYED));
    assert_eq!(place(&next(&alice).await), (Some(1), Some("accepted")));
    alice.send(&publish(11, LOBBY, "one", KEYED_STORED));
    assert_eq!(place(&next(&alice).await), (Some(1), Some("accepted")));
    alice.send(&publish(12, LOBBY, "now", r#","class":"ephemeral","idempotency_key":"e""#));
    assert_eq!(place(&next(&alice).await), (Some(0), Some("accepted")));
    alice.send(&publish(13, LOBBY, "now", r#","wait":"stored","idempotency_key":"e""#));
    assert_eq!(place(&next(&alice).await), (Some(0), Some("accepted")));
}

#[tokio::test]
async fn a_key_of_what_nobody_got_is_answered_again() {
    for engine in [engine(config()), engine_on(durable(), &Bench::new())] {
        let alice = connect(&engine, "alice").await;
        for id in 10..13 {
            let send = r#""send":{"user":"nobody","namespace":"messaging","event":"E","class":"ephemeral","idempotency_key":"k"}"#;
            alice.send(&format!(r#"{{"id":{id},{send}}}"#));
            assert_eq!(next(&alice).await["sent"]["sessions"], 0);
        }
        assert_eq!(engine.stats().duplicates, 2);
    }
}

#[tokio::test]
async fn one_that_failed_leaves_its_key_free_to_all_who_waited() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let (phone, desk) = (connect(&engine, "alice").await, connect(&engine, "alice").await);
    bench.hold_syncs();
    eventually("the devices are written", || bench.is_syncing()).await;
    phone.send(&publish(10, LOBBY, "one", KEYED_STORED));
    desk.send(&publish(10, LOBBY, "one", KEYED_STORED));
    bench.faulty.fail_next_write();
    bench.release_syncs();
    for local in [&phone, &desk] {
        assert_eq!(next(local).await["error"]["code"], 2008);
    }
    eventually("the store is open again", || engine.is_storing()).await;
    for local in [&phone, &desk] {
        local.send(&publish(11, LOBBY, "one", KEYED_STORED));
        assert_eq!(place(&next(local).await), (Some(1), Some("stored")));
    }
    assert_eq!(engine.stats().stored, 1);
}

#[tokio::test]
async fn what_a_failed_sync_left_on_disk_answers_for_its_key() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let (alice, bob) = (connect(&engine, "alice").await, connect(&engine, "bob").await);
    subscribe(&bob, LOBBY).await;
    bench.faulty.fail_next_sync();
    // Tries again as fast as it can, while the store is opened afresh and its keys are read.
    let mut id = 10;
    loop {
        alice.send(&publish(id, LOBBY, "one", KEYED_STORED));
        let told = answer(&alice, id).await;
        if told["error"].is_null() {
            assert_eq!(place(&told), (Some(1), Some("stored")));
            break;
        }
        assert_eq!(told["error"]["code"], 2008);
        id += 1;
    }
    eventually("the store is open again", || engine.is_storing()).await;
    alice.send(&publish(5, LOBBY, "two", STORED));
    assert_eq!(place(&answer(&alice, 5).await).0, Some(2));
    assert_eq!(entries(&bob, 2).await, [(1, "one".to_owned()), (2, "two".to_owned())]);
}

async fn restarts(start: impl Fn() -> Engine) {
    let engine = start();
    let alice = connect(&engine, "alice").await;
    alice.send(&publish(10, LOBBY, "one", KEYED_STORED));
    assert_eq!(place(&answer(&alice, 10).await).0, Some(1));
    alice.send(&publish(11, "chat:x", "memory", r#","idempotency_key":"m""#));
    assert_eq!(place(&answer(&alice, 11).await).0, Some(1));
    let message = data("host");
    let host = Message::new("E", &message).idempotency_key("h");
    let sent = Message::new("E", &message).idempotency_key("s");
    let first = engine.publish_stored(LOBBY, &host).await.unwrap();
    engine.send_stored("carol", &sent).await.unwrap();
    drop(alice);
    engine.shutdown(Duration::from_secs(5)).await;
    drop(engine);

    let engine = start();
    let alice = connect(&engine, "alice").await;
    alice.send(&publish(10, LOBBY, "one", KEYED_STORED));
    assert_eq!(place(&answer(&alice, 10).await), (Some(1), Some("stored")));
    assert_eq!(engine.publish_stored(LOBBY, &host).await.unwrap(), first);
    assert_eq!(engine.send_stored("carol", &sent).await.unwrap().sessions, 0);
    assert_eq!((engine.stats().duplicates, engine.stats().published), (3, 0));
    // What was in memory alone is gone with its key, and so is the place that the key stood for.
    alice.send(&publish(11, "chat:x", "memory", r#","idempotency_key":"m""#));
    assert_eq!(place(&answer(&alice, 11).await).0, Some(1));
    assert_eq!(engine.stats().published, 1);
    drop(alice);
    engine.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn keys_of_what_was_stored_survive_a_restart() {
    let bench = Bench::new();
    restarts(|| engine_on(durable(), &bench)).await;
    let directory = tempfile::tempdir().unwrap();
    restarts(|| engine_in(durable(), directory.path())).await;
}

#[tokio::test]
async fn when_its_window_is_over_a_key_is_new() {
    let mut config = durable();
    config.times.idempotency_window_ms = 50;
    let bench = Bench::new();
    let engine = engine_on(config.clone(), &bench);
    let alice = connect(&engine, "alice").await;
    let begun = std::time::Instant::now();
    let mut id = 10;
    loop {
        alice.send(&publish(id, LOBBY, "one", KEYED_STORED));
        let told = answer(&alice, id).await;
        if place(&told).0 == Some(2) {
            assert!(begun.elapsed() >= Duration::from_millis(50), "not before");
            break;
        }
        assert_eq!(place(&told), (Some(1), Some("stored")));
        assert!(begun.elapsed() < Duration::from_secs(5), "the window does not end");
        id += 1;
    }
    drop(alice);
    engine.shutdown(Duration::from_secs(5)).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    let engine = engine_on(config, &bench);
    let alice = connect(&engine, "alice").await;
    alice.send(&publish(10, LOBBY, "one", KEYED_STORED));
    assert_eq!(place(&answer(&alice, 10).await).0, Some(3));
}

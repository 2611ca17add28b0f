//! What an engine says of a store that it cannot use, and what a damaged one costs.

mod common;

use common::store::{Bench, durable, engine_in, engine_on};
use common::{connect, connect_with, data, entries, eventually, next, subscribe, subscribe_since};
use std::ops::ControlFlow;
use std::time::Duration;
use tidings::Engine;
use tidings::config::Config;
use tidings::error::ErrorKind;
use tidings::message::Message;
use tidings_store::store::Store;

fn refused(config: Config) -> (ErrorKind, String) {
    let error = Engine::start(config, common::Names).unwrap_err();
    (error.kind(), error.to_string())
}

#[tokio::test]
async fn a_start_is_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let mut config = durable();
    config.store.path = Some(file);
    let (kind, text) = refused(config);
    assert_eq!(kind, ErrorKind::Store);
    assert!(text.contains("directory"), "{text}");

    let path = directory.path().join("store");
    let engine = engine_in(durable(), &path);
    let mut config = durable();
    config.store.path = Some(path.clone());
    let (kind, text) = refused(config);
    assert_eq!(kind, ErrorKind::Store);
    assert!(text.contains("stop the process"), "{text}");
    engine.shutdown(Duration::from_secs(5)).await;
    // A configuration that cannot be leaves the store free.
    let mut config = durable();
    config.store.path = Some(path.clone());
    config.limits.questions_max = 0;
    assert_eq!(refused(config).0, ErrorKind::Config);
    engine_in(durable(), &path).shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_no_store_takes_in_one_piece_may_not_be_allowed() {
    let mut config = durable();
    config.limits.message_bytes_max = 1 << 20;
    config.namespaces.get_mut("messaging").unwrap().data_bytes_max = 124 * 1024;
    let largest = config.clone();
    config.namespaces.get_mut("messaging").unwrap().data_bytes_max += 1;
    let bench = Bench::new();
    let again = bench.clone();
    let error = Engine::start_with_store(config, common::Names, move || again.open()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("namespaces.messaging.data_bytes_max"), "{error}");
    let engine = engine_on(largest, &bench);
    let text = data(&"x".repeat(124 * 1024 - 2));
    let event = "E".repeat(64);
    engine.publish_stored("messaging:lobby", &Message::new(&event, &text)).await.unwrap();
    assert_eq!(engine.stats().store_failures, 0);
}

#[tokio::test]
async fn one_damaged_head_does_not_keep_the_store_closed() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let alice = connect(&engine, "alice").await;
    subscribe(&alice, "messaging:lobby").await;
    for text in ["one", "two"] {
        engine.publish_stored("messaging:lobby", &Message::new("E", &data(text))).await.unwrap();
    }
    entries(&alice, 2).await;
    let mut head = Vec::new();
    let find = &mut |key: &[u8], _: &[u8]| {
        if key.ends_with(b"messaging:lobby") {
            head = key.to_vec();
        }
        ControlFlow::Continue(())
    };
    bench.memory().scan(&[0], &[0xff], find).unwrap();
    assert!(bench.memory().damage(&head, |value| value[5] ^= 4));
    bench.faulty.fail_next_write();
    engine.publish_stored("messaging:other", &Message::new("E", &data("lost"))).await.unwrap_err();
    eventually("the store is open again", || engine.is_storing()).await;
    let at = engine.publish_stored("messaging:lobby", &Message::new("E", &data("three"))).await.unwrap();
    assert_eq!(at.position.offset, 3);
    assert_eq!(entries(&alice, 1).await, [(3, "three".to_owned())]);
    // It is written again from what memory has.
    let told = {
        let epoch = at.position.epoch.to_string();
        drop(alice);
        engine.shutdown(Duration::from_secs(5)).await;
        serde_json::Value::from(epoch)
    };
    let engine = engine_on(durable(), &bench);
    let alice = connect(&engine, "alice").await;
    let again = subscribe_since(&alice, "messaging:lobby", &told, 0).await;
    assert_eq!(again["subscribed"]["recovered"], "complete");
    assert_eq!(entries(&alice, 3).await[2], (3, "three".to_owned()));
}

#[tokio::test]
async fn positions_of_the_future_and_of_other_lives_are_gaps() {
    let engine = engine_on(durable(), &Bench::new());
    for text in ["one", "two"] {
        engine.publish_stored("messaging:lobby", &Message::new("E", &data(text))).await.unwrap();
        engine.send_stored("alice", &Message::new("E", &data(text))).await.unwrap();
    }
    let local = connect(&engine, "reader").await;
    let told = subscribe(&local, "messaging:lobby").await["subscribed"].take();
    for (epoch, offset, reason) in [
        (told["epoch"].clone(), 3, "future"),
        ("00000000000000aa".into(), 1, "epoch"),
        (told["epoch"].clone(), u64::MAX, "future"),
    ] {
        local.send(r#"{"unsubscribe":{"channel":"messaging:lobby"}}"#);
        next(&local).await;
        assert_eq!(subscribe_since(&local, "messaging:lobby", &epoch, offset).await["subscribed"]["recovered"], "gap");
        assert_eq!(next(&local).await["gap"]["reason"], reason);
        assert_eq!(entries(&local, 2).await[0].0, 1, "all that is kept");
    }
    for (epoch, offset) in [("00000000000000aa", 1), ("ffffffffffffffff", u64::MAX)] {
        let since = format!(r#","since":{{"epoch":"{epoch}","offset":{offset}}}"#);
        let (alice, told) = connect_with(&engine, "alice", &since).await;
        assert_eq!(told["connected"]["inbox"]["recovered"], "gap");
        assert_eq!(next(&alice).await["gap"]["reason"], "epoch");
        assert_eq!(entries(&alice, 2).await[0].0, 1);
    }
}

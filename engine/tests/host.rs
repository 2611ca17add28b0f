//! Questions to the host, limits, and the end of things.

mod common;

use common::{config, connect, data, engine, next, subscribe};
use std::time::Duration;
use tidings::error::ErrorKind;

#[tokio::test]
async fn the_host_decides_where_rights_do_not_say() {
    let engine = engine(config());
    let guest = connect(&engine, "guest1").await;
    assert_eq!(subscribe(&guest, "messaging:shut").await["error"]["name"], "forbidden");
    assert_eq!(subscribe(&guest, "messaging:open").await["id"], 2);
    guest.send(r#"{"id":3,"publish":{"channel":"messaging:open","event":"E","data":1}}"#);
    let mut frames = [next(&guest).await, next(&guest).await];
    frames.sort_by_key(|frame| frame["id"].as_u64());
    assert_eq!(frames[0]["entry"]["data"], 1);
    assert_eq!(frames[1]["published"]["offset"], 1);
    guest.send(r#"{"id":4,"call":{"method":"echo","data":[1,2]}}"#);
    assert_eq!(next(&guest).await["result"], serde_json::json!([1, 2]));
}

#[tokio::test]
async fn silence_and_a_panic_are_a_no_for_one_session_alone() {
    let mut config = config();
    config.times.question_timeout_ms = 50;
    let engine = engine(config);
    let (guest, other) = (connect(&engine, "guest1").await, connect(&engine, "guest2").await);
    guest.send(r#"{"id":5,"subscribe":{"channel":"messaging:stuck"}}"#);
    assert_eq!(subscribe(&other, "messaging:open").await["subscribed"]["offset"], 0);
    assert_eq!(next(&guest).await["error"]["name"], "timeout");
    guest.send(r#"{"id":6,"subscribe":{"channel":"messaging:boom"}}"#);
    assert_eq!(next(&guest).await["error"]["name"], "internal");
    assert_eq!(subscribe(&guest, "messaging:open").await["subscribed"]["offset"], 0);
}

#[tokio::test]
async fn a_refused_token_and_silence_close_the_connection() {
    let mut config = config();
    config.times.connect_timeout_ms = 100;
    let engine = engine(config);
    let refused = engine.connect_local().unwrap();
    refused.send(r#"{"id":1,"connect":{"token":""}}"#);
    assert_eq!(next(&refused).await["error"]["name"], "unauthorized");
    assert_eq!(next(&refused).await["close"]["code"], 3500);
    assert_eq!(refused.receive().await, None);
    let silent = engine.connect_local().unwrap();
    assert_eq!(next(&silent).await["close"]["code"], 3501);
    assert_eq!(silent.receive().await, None);
}

#[tokio::test]
async fn who_answers_pings_stays_and_who_does_not_is_lost() {
    let mut config = config();
    config.times.ping_interval_ms = 100;
    config.times.pong_timeout_ms = 300;
    let engine = engine(config);
    let (live, lost) = (connect(&engine, "live").await, connect(&engine, "lost").await);
    for _ in 0..6 {
        assert_eq!(next(&live).await["ping"], serde_json::json!({}));
        live.send(r#"{"pong":{}}"#);
    }
    assert_eq!(next(&lost).await["ping"], serde_json::json!({}));
    assert_eq!(next(&lost).await["close"]["code"], 3003);
    assert_eq!(engine.sessions_of("live"), 1);
}

#[tokio::test]
async fn limits_are_named() {
    let mut config = config();
    config.limits.connections_max = 3;
    config.limits.connections_per_user_max = 1;
    config.limits.subscriptions_max = 1;
    config.limits.channels_max = 1;
    let engine = engine(config);
    let alice = connect(&engine, "alice").await;
    let again = engine.connect_local().unwrap();
    again.send(r#"{"id":1,"connect":{"token":"alice"}}"#);
    let error = next(&again).await;
    assert!(error["error"]["message"].as_str().unwrap().starts_with("connections_per_user_max"), "{error}");
    assert_eq!(next(&again).await["close"]["code"], 3004);
    let bob = connect(&engine, "bob").await;
    assert_eq!(engine.connect_local().unwrap_err().kind(), ErrorKind::Limit);
    subscribe(&alice, "messaging:a").await;
    let error = subscribe(&alice, "messaging:b").await;
    assert!(error["error"]["message"].as_str().unwrap().starts_with("subscriptions_max"), "{error}");
    let error = subscribe(&bob, "messaging:b").await;
    assert!(error["error"]["message"].as_str().unwrap().starts_with("channels_max"), "{error}");
    assert_eq!(engine.publish("messaging:b", "E", &data("x")).unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(engine.publish("other:b", "E", &data("x")).unwrap_err().kind(), ErrorKind::Input);
}

#[tokio::test]
async fn a_disconnected_user_is_told_and_gone() {
    let engine = engine(config());
    let alice = connect(&engine, "alice").await;
    subscribe(&alice, "messaging:lobby").await;
    assert_eq!(engine.disconnect_user("alice"), 1);
    assert_eq!(next(&alice).await["close"]["code"], 3504);
    assert_eq!(alice.receive().await, None);
    drop(alice);
    assert_eq!(engine.sessions_of("alice"), 0);
    assert_eq!(engine.stats().connections, 0);
    assert_eq!(engine.stats().users, 0);
}

#[tokio::test]
async fn a_user_may_have_the_name_of_a_channel() {
    let engine = engine(config());
    let alice = connect(&engine, "messaging:lobby").await;
    subscribe(&alice, "messaging:lobby").await;
    drop(alice);
    assert_eq!(engine.stats().users, 0);
    let position = engine.publish("messaging:lobby", "E", &data("x")).unwrap().position;
    assert_eq!(position.offset, 1);
    assert_eq!(engine.sessions_of("messaging:lobby"), 0);
}

#[tokio::test]
async fn shutting_down_tells_everyone_when_to_come_back() {
    let engine = engine(config());
    let mut locals = Vec::new();
    for at in 0..20 {
        locals.push(connect(&engine, &format!("user{at}")).await);
    }
    let stopping = {
        let engine = engine.clone();
        tokio::spawn(async move { engine.shutdown(Duration::from_secs(10)).await })
    };
    let mut times = Vec::new();
    for local in locals {
        let close = next(&local).await;
        assert_eq!(close["close"]["code"], 3001);
        times.push(close["close"]["retry_after_ms"].as_u64().unwrap());
        assert_eq!(local.receive().await, None);
    }
    assert_eq!(stopping.await.unwrap(), 0);
    times.dedup();
    assert!(times.len() > 10, "spread, not all at once: {times:?}");
    assert_eq!(engine.connect_local().unwrap_err().kind(), ErrorKind::Stopped);
    assert_eq!(engine.publish("messaging:a", "E", &data("x")).unwrap_err().kind(), ErrorKind::Stopped);
}

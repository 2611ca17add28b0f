//! Rates over sessions: of a user, wherever it comes from, and never of the host.

mod common;

use common::{config, connect, data, engine, next};
use serde_json::Value;
use std::time::Instant;
use tidings::local::Local;
use tokio::time::{Duration, sleep};

/// One message a second after the first sixty.
const PER_MINUTE: u32 = 60;

async fn publish(local: &Local) -> Value {
    local.send(r#"{"id":7,"publish":{"channel":"messaging:a","event":"E","data":1}}"#);
    next(local).await
}

#[tokio::test]
async fn a_user_has_one_budget_over_all_devices_and_comebacks() {
    let mut config = config();
    config.limits.messages_per_minute = PER_MINUTE;
    let engine = engine(config);
    let began = Instant::now();
    let mut taken = 0;
    let mut refused = 0;
    for _ in 0..5 {
        let devices = [connect(&engine, "alice").await, connect(&engine, "alice").await];
        for device in devices.iter().cycle().take(40) {
            let answer = publish(device).await;
            if answer["published"].is_object() {
                taken += 1;
            } else {
                assert_eq!(answer["error"]["code"], 2006, "{answer}");
                assert!((1..=1_000).contains(&answer["error"]["retry_after_ms"].as_u64().unwrap()), "{answer}");
                refused += 1;
            }
        }
    }
    let given_back = began.elapsed().as_secs() + 1;
    assert!((60..=60 + given_back).contains(&taken), "{taken} taken, {refused} refused");
    let bob = connect(&engine, "bob").await;
    assert!(publish(&bob).await["published"].is_object(), "others have budgets of their own");
    assert!(engine.stats().users_paced >= 2);
}

#[tokio::test]
async fn who_waits_as_told_is_let_through() {
    let mut config = config();
    config.limits.messages_per_minute = PER_MINUTE;
    let engine = engine(config);
    let alice = connect(&engine, "alice").await;
    let wait_ms = loop {
        let answer = publish(&alice).await;
        if let Some(wait_ms) = answer["error"]["retry_after_ms"].as_u64() {
            break wait_ms;
        }
    };
    sleep(Duration::from_millis(wait_ms)).await;
    assert!(publish(&alice).await["published"].is_object());
}

#[tokio::test]
async fn a_session_may_have_less_than_its_user() {
    let mut config = config();
    config.limits.messages_per_minute = 600;
    config.limits.session_messages_per_minute = 6;
    let engine = engine(config);
    for _ in 0..3 {
        let alice = engine.connect_local().unwrap();
        alice.send(r#"{"id":1,"connect":{"token":"alice"}}"#);
        assert_eq!(next(&alice).await["connected"]["limits"]["messages_per_minute"], 6, "the lower one is told");
        for _ in 0..6 {
            assert!(publish(&alice).await["published"].is_object());
        }
        let answer = publish(&alice).await;
        assert_eq!(answer["error"]["code"], 2006, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().starts_with("session_messages_per_minute"), "{answer}");
    }
}

#[tokio::test]
async fn the_host_has_no_rate() {
    let mut config = config();
    config.limits.messages_per_minute = 1;
    config.limits.session_messages_per_minute = 1;
    let engine = engine(config);
    for _ in 0..100 {
        engine.publish("messaging:a", "E", &data("x")).unwrap();
        engine.broadcast_to_user("alice", "E", &data("x")).unwrap();
    }
}

#[tokio::test]
async fn when_too_many_users_are_remembered_nobody_else_is_admitted() {
    let mut config = config();
    config.limits.messages_per_minute = 60;
    config.limits.users_paced_max = 2;
    let engine = engine(config);
    for user in ["a", "b"] {
        let local = connect(&engine, user).await;
        // So far ahead of its pace that it is remembered for the whole test.
        for _ in 0..60 {
            publish(&local).await;
        }
    }
    // The engine looks once a second.
    let refused = loop {
        let local = engine.connect_local().unwrap();
        local.send(r#"{"id":1,"connect":{"token":"c"}}"#);
        let answer = next(&local).await;
        if answer["connected"].is_null() {
            break (answer, next(&local).await);
        }
        sleep(Duration::from_millis(50)).await;
    };
    assert!(refused.0["error"]["message"].as_str().unwrap().starts_with("users_paced_max"), "{refused:?}");
    assert_eq!(refused.1["close"]["code"], 3004, "{refused:?}");
    assert!(refused.1["close"]["retry_after_ms"].is_u64(), "{refused:?}");
}

//! How connections end, whatever else happens at that moment.

mod common;

use common::{config, connect, engine, next};
use std::time::Duration;
use tidings::Codec;
use tokio::time::sleep;

/// A timer of the session falls due while the batch that closes it is still at work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_words_are_said_though_a_timer_falls_due_before_them() {
    let mut config = config();
    config.limits.others_per_minute = 10;
    config.times.ping_interval_ms = 20;
    config.times.pong_timeout_ms = 10_000;
    let engine = engine(config);
    let mallory = connect(&engine, "mallory").await;
    let mut batch = mallory.port().batch();
    batch.message(Codec::Json, "{}\n".repeat(20).as_bytes());
    sleep(Duration::from_millis(200)).await;
    drop(batch);
    loop {
        let frame = next(&mallory).await;
        if let Some(close) = frame.get("close") {
            assert_eq!(close["code"], 3502, "{close}");
            break;
        }
        assert!(frame["error"].is_object() || frame["ping"].is_object(), "{frame}");
    }
}

/// Dropping the last handle ends the engine's own tasks, once the last connection is gone.
#[tokio::test]
async fn an_engine_that_nobody_holds_leaves_nothing_behind() {
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    let engine = engine(config());
    let alice = connect(&engine, "alice").await;
    drop(engine);
    alice.send(r#"{"id":2,"ping":{}}"#);
    assert_eq!(next(&alice).await["id"], 2, "who is connected stays connected");
    assert!(alive() > before);
    drop(alice);
    for _ in 0..200 {
        if alive() == before {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{} tasks are left", alive() - before);
}

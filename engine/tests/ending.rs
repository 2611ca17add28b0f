//! Engines that end leave nothing behind: no thread, no task, no store that is still open.
//!
//! Alone in its process, so that the threads it counts are its own.

mod common;

use common::store::{Bench, durable, engine_in, engine_on};
use common::{Dice, STORED, answer, connect, data, eventually, publish, subscribe};
use std::fs;
use std::time::Duration;
use tidings::Engine;
use tidings::message::Message;

/// Threads of engines in this process.
fn threads() -> usize {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else { return 0 };
    let names = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("tidings-")).count()
}

/// A little of everything, left as it is.
async fn use_it(engine: &Engine, bench: Option<&Bench>, dice: &mut Dice) {
    let alice = connect(engine, "alice").await;
    subscribe(&alice, "messaging:lobby").await;
    alice.send(&publish(10, "messaging:lobby", "x", STORED));
    assert!(answer(&alice, 10).await["error"].is_null());
    engine.send("bob", &Message::new("E", &data("x"))).unwrap();
    let waiting = connect(engine, "waiting").await;
    subscribe(&waiting, "messaging:other").await;
    drop(waiting);
    if let Some(bench) = bench {
        match dice.roll(4) {
            0 => bench.faulty.fail_next_sync(),
            1 => bench.fail_opens(true),
            2 => bench.fail_reads(true),
            _ => {}
        }
    }
    alice.send(&publish(11, "messaging:lobby", "x", STORED));
    if dice.roll(2) == 0 {
        answer(&alice, 11).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_engines_leave_nothing_behind() {
    let mut dice = Dice(7);
    for turn in 0..100 {
        let bench = Bench::new();
        let engine = engine_on(durable(), &bench);
        assert!(bench.handles() > 1);
        use_it(&engine, Some(&bench), &mut dice).await;
        // One in two is told to end, the others are let go.
        if turn % 2 == 0 {
            engine.shutdown(Duration::from_secs(5)).await;
        }
        drop(engine);
        eventually("nothing holds the engine", || bench.handles() == 1).await;
    }
    eventually("no thread is left", || threads() == 0).await;

    let directory = tempfile::tempdir().unwrap();
    for turn in 0..4 {
        let engine = engine_in(durable(), directory.path());
        use_it(&engine, None, &mut dice).await;
        if turn % 2 == 0 {
            // The store is closed when this returns: the next one finds it free.
            engine.shutdown(Duration::from_secs(5)).await;
        } else {
            drop(engine);
            eventually("no thread is left", || threads() == 0).await;
        }
    }
}

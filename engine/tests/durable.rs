//! What is durable comes after the barrier, is never called stored before, and is there after a restart.

mod common;

use common::store::{Bench, durable, engine_in, engine_on};
use common::{
    Frame, STORED, answer, connect, connect_with, data, entries, eventually, next, offsets, publish, so_far, subscribe,
    subscribe_since, up_to_id,
};
use std::time::Duration;
use tidings::error::ErrorKind;
use tidings::local::Local;
use tidings::message::Message;
use tidings::{Data, Engine};

const LOBBY: &str = "messaging:lobby";

/// All that a channel keeps.
async fn kept(engine: &Engine, channel: &str) -> (Local, Frame, Vec<(u64, String)>) {
    let local = connect(engine, "reader").await;
    let told = subscribe(&local, channel).await["subscribed"].take();
    local.send(&format!(r#"{{"unsubscribe":{{"channel":"{channel}"}}}}"#));
    next(&local).await;
    let again = subscribe_since(&local, channel, &told["epoch"], 0).await["subscribed"].take();
    let all = entries(&local, usize::try_from(again["offset"].as_u64().unwrap()).unwrap()).await;
    (local, told, all)
}

fn numbered(all: &[(u64, String)]) -> Vec<u64> {
    all.iter().map(|(offset, _)| *offset).collect()
}

#[tokio::test]
async fn entry_and_stored_come_after_the_barrier_and_nobody_else_waits() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let (alice, bob) = (connect(&engine, "alice").await, connect(&engine, "bob").await);
    subscribe(&alice, LOBBY).await;
    for channel in ["realtime:x", "chat:x", LOBBY] {
        assert_eq!(subscribe(&bob, channel).await["subscribed"]["offset"], 0);
    }
    bench.hold_syncs();
    alice.send(&publish(10, LOBBY, "one", STORED));
    eventually("the sync has begun", || bench.is_syncing()).await;
    alice.send(&publish(11, LOBBY, "two", ""));
    let accepted = next(&alice).await;
    assert_eq!((&accepted["id"], &accepted["published"]["level"]), (&Frame::from(11), &Frame::from("accepted")));
    assert_eq!(accepted["published"]["offset"], 2);

    for (id, channel) in [(12, "realtime:x"), (13, "chat:x")] {
        alice.send(&publish(id, channel, "now", ""));
        assert_eq!(next(&alice).await["published"]["level"], "accepted");
        assert_eq!(next(&bob).await["entry"]["data"], "now");
    }
    let carol = connect(&engine, "carol").await;
    assert_eq!(subscribe(&carol, LOBBY).await["subscribed"]["offset"], 0, "what is not stored is not there yet");
    assert!(so_far(&alice).await.is_empty() && so_far(&bob).await.is_empty() && so_far(&carol).await.is_empty());
    assert_eq!(engine.stats().stored, 0);

    bench.release_syncs();
    let mut frames = up_to_id(&alice, 10).await;
    assert_eq!(frames.pop().unwrap()["published"]["level"], "stored");
    for reader in [&bob, &carol] {
        assert_eq!(entries(reader, 2).await, [(1, "one".to_owned()), (2, "two".to_owned())]);
    }
    eventually("both are counted", || engine.stats().stored == 2).await;
    eventually("nothing waits", || engine.stats().store_waiting_bytes == 0).await;
}

#[tokio::test]
async fn a_failed_sync_is_told_to_all_who_wait_and_what_it_left_comes_once() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let (alice, bob) = (connect(&engine, "alice").await, connect(&engine, "bob").await);
    let watcher = connect(&engine, "watcher").await;
    subscribe(&watcher, LOBBY).await;
    bench.hold_syncs();
    bench.fail_opens(true);
    alice.send(&publish(10, LOBBY, "one", r#","wait":"stored","idempotency_key":"k""#));
    eventually("the sync has begun", || bench.is_syncing()).await;
    // This one is in the queue behind the batch that fails.
    bob.send(&publish(10, LOBBY, "two", STORED));
    let host = tokio::spawn({
        let engine = engine.clone();
        async move { engine.publish_stored(LOBBY, &Message::new("E", &data("three"))).await }
    });
    eventually("the host waits", || engine.stats().published == 3).await;
    bench.faulty.fail_next_sync();
    bench.release_syncs();
    for publisher in [&alice, &bob] {
        let refused = next(publisher).await;
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&Frame::from(10), &Frame::from(2008)));
    }
    assert_eq!(host.await.unwrap().unwrap_err().kind(), ErrorKind::Store);
    assert!(!engine.is_storing());

    // Closed: nothing is called stored, everything else goes on.
    for fields in [STORED, ""] {
        alice.send(&publish(11, LOBBY, "refused", fields));
        assert_eq!(next(&alice).await["error"]["code"], 2008);
    }
    assert_eq!(engine.publish(LOBBY, "E", &data("x")).unwrap_err().kind(), ErrorKind::Store);
    subscribe(&bob, "chat:x").await;
    alice.send(&publish(12, "chat:x", "goes on", ""));
    assert_eq!(next(&alice).await["published"]["level"], "accepted");
    assert_eq!(next(&bob).await["entry"]["data"], "goes on");
    assert!(so_far(&watcher).await.is_empty());

    bench.fail_opens(false);
    eventually("the store is open again", || engine.is_storing()).await;
    // What was written and not synced is on disk now, and comes once; what waited in memory never came to be.
    alice.send(&publish(13, LOBBY, "again", r#","wait":"stored","idempotency_key":"k""#));
    let first = answer(&alice, 13).await;
    assert_eq!(
        (&first["published"]["offset"], &first["published"]["level"]),
        (&Frame::from(1), &Frame::from("stored"))
    );
    bob.send(&publish(14, LOBBY, "four", STORED));
    assert_eq!(answer(&bob, 14).await["published"]["offset"], 2);
    assert_eq!(entries(&watcher, 2).await, [(1, "one".to_owned()), (2, "four".to_owned())]);
    assert!(so_far(&watcher).await.is_empty());
    let (_, _, all) = kept(&engine, LOBBY).await;
    assert_eq!(all, [(1, "one".to_owned()), (2, "four".to_owned())]);
    assert_eq!((engine.stats().store_failures, engine.stats().store_waiting_bytes), (1, 0));
}

#[tokio::test]
async fn what_came_to_the_disk_without_a_barrier_gets_one_before_anybody_gets_it() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let watcher = connect(&engine, "watcher").await;
    subscribe(&watcher, LOBBY).await;
    bench.faulty.fail_next_sync();
    engine.publish(LOBBY, "E", &data("one")).unwrap();
    assert_eq!(entries(&watcher, 1).await[0].0, 1);
    bench.cut_power();
    bench.memory().crash();
    let engine = engine_on(durable(), &Bench::on(bench.memory().clone()));
    assert_eq!(kept(&engine, LOBBY).await.2, [(1, "one".to_owned())]);
}

#[tokio::test]
async fn a_failed_write_leaves_nothing_and_the_place_to_the_next() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let alice = connect(&engine, "alice").await;
    subscribe(&alice, LOBBY).await;
    bench.faulty.fail_next_write();
    alice.send(&publish(10, LOBBY, "lost", STORED));
    assert_eq!(next(&alice).await["error"]["code"], 2008);
    eventually("the store is open again", || engine.is_storing()).await;
    alice.send(&publish(11, LOBBY, "one", STORED));
    assert_eq!(answer(&alice, 11).await["published"]["offset"], 1);
    assert_eq!(kept(&engine, LOBBY).await.2, [(1, "one".to_owned())]);
}

#[tokio::test]
async fn streams_that_nothing_was_written_of_keep_numbers_of_their_own_when_the_store_is_opened_afresh() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let alice = connect(&engine, "alice").await;
    subscribe(&alice, "messaging:a").await;
    bench.faulty.fail_next_write();
    engine.publish_stored(LOBBY, &Message::new("E", &data("lost"))).await.unwrap_err();
    eventually("the store is open again", || engine.is_storing()).await;
    for channel in ["messaging:b", "messaging:c", "messaging:d", "messaging:a"] {
        engine.publish_stored(channel, &Message::new("E", &data(channel))).await.unwrap();
    }
    drop(alice);
    engine.shutdown(Duration::from_secs(5)).await;
    let engine = engine_on(durable(), &bench);
    for channel in ["messaging:a", "messaging:b", "messaging:c", "messaging:d"] {
        assert_eq!(kept(&engine, channel).await.2, [(1, channel.to_owned())]);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_until_there_is_room_without_a_restart() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let alice = connect(&engine, "alice").await;
    subscribe(&alice, LOBBY).await;
    engine.send_stored("bob", &Message::new("E", &data("before"))).await.unwrap();
    bench.faulty.set_full(true);
    alice.send(&publish(10, LOBBY, "one", r#","wait":"stored","idempotency_key":"k""#));
    assert_eq!(next(&alice).await["error"]["code"], 2008);
    for id in 11..14 {
        alice.send(&publish(id, LOBBY, "one", r#","wait":"stored""#));
        assert_eq!(next(&alice).await["error"]["code"], 2008);
    }
    assert_eq!(bench.opened(), 1, "opening it afresh would be of no use");
    alice.send(&publish(20, "chat:x", "goes on", ""));
    assert_eq!(next(&alice).await["published"]["level"], "accepted");
    // What is on the disk can be read all the same.
    let (bob, connected) = connect_with(&engine, "bob", "").await;
    assert_eq!(connected["connected"]["inbox"]["offset"], 1);
    assert_eq!(next(&bob).await["entry"]["data"], "before");
    bench.faulty.set_full(false);
    let mut id = 100;
    loop {
        eventually("the store is open again", || engine.is_storing()).await;
        alice.send(&publish(id, LOBBY, "one", r#","wait":"stored","idempotency_key":"k""#));
        if answer(&alice, id).await["error"].is_null() {
            break;
        }
        id += 1;
    }
    assert_eq!(kept(&engine, LOBBY).await.2, [(1, "one".to_owned())]);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_answers_who_asks_and_spares_the_rest() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let alice = connect(&engine, "alice").await;
    bench.fail_reads(true);
    alice.send(r#"{"id":2,"subscribe":{"channel":"messaging:new"}}"#);
    assert_eq!(next(&alice).await["error"]["code"], 2008);
    assert_eq!(engine.publish("messaging:new", "E", &data("x")).unwrap_err().kind(), ErrorKind::Store);
    let (bob, refused) = connect_with(&engine, "bob", "").await;
    assert_eq!(refused["error"]["code"], 2008);
    assert_eq!(next(&bob).await["close"]["code"], 3005, "come back");
    alice.send(&publish(3, "chat:x", "goes on", ""));
    assert_eq!(next(&alice).await["published"]["level"], "accepted");
    bench.fail_reads(false);
    assert_eq!(subscribe(&alice, "messaging:new").await["subscribed"]["offset"], 0);
    connect(&engine, "bob").await;
}

#[tokio::test]
async fn who_is_behind_when_the_disk_cannot_be_read_goes_on_when_it_can() {
    let mut config = durable();
    config.namespaces.get_mut("messaging").unwrap().history_entries_max = 1;
    config.limits.outbox_bytes_max = 16 * 1024;
    let bench = Bench::new();
    let engine = engine_on(config, &bench);
    let big = Data::new(&"x".repeat(1_000)).unwrap();
    for _ in 0..300 {
        engine.publish(LOBBY, "E", &big).unwrap();
    }
    engine.publish_stored(LOBBY, &Message::new("E", &big)).await.unwrap();
    let (slow, told) = {
        let slow = connect(&engine, "slow").await;
        let told = subscribe(&slow, LOBBY).await["subscribed"].take();
        slow.send(&format!(r#"{{"unsubscribe":{{"channel":"{LOBBY}"}}}}"#));
        next(&slow).await;
        (slow, told)
    };
    bench.fail_reads(true);
    assert_eq!(subscribe_since(&slow, LOBBY, &told["epoch"], 0).await["subscribed"]["recovered"], "complete");
    eventually("reading has failed", || !engine.is_storing()).await;
    assert!(so_far(&slow).await.is_empty());
    slow.send(&publish(3, LOBBY, "x", STORED));
    assert_eq!(answer(&slow, 3).await["error"]["code"], 2008);
    bench.fail_reads(false);
    assert_eq!(numbered(&entries(&slow, 301).await), (1..=301).collect::<Vec<_>>());
    eventually("the store is open again", || engine.is_storing()).await;
    engine.publish(LOBBY, "E", &data("live")).unwrap();
    assert_eq!(entries(&slow, 1).await, [(302, "live".to_owned())]);
}

#[tokio::test]
async fn when_too_much_waits_publishers_are_told_to_try_again() {
    let mut config = durable();
    config.store.queue_bytes_max = 2_000;
    let bench = Bench::new();
    let engine = engine_on(config, &bench);
    let alice = connect(&engine, "alice").await;
    bench.hold_syncs();
    let mut taken = 0;
    let busy = loop {
        alice.send(&publish(10 + taken, LOBBY, "x", ""));
        let told = next(&alice).await;
        if !told["error"].is_null() {
            break told;
        }
        taken += 1;
    };
    assert_eq!(busy["error"]["code"], 2011);
    assert!(busy["error"]["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0));
    assert!((1..=7).contains(&taken), "{taken}");
    assert_eq!(engine.publish(LOBBY, "E", &data("x")).unwrap_err().kind(), ErrorKind::Busy);
    bench.release_syncs();
    eventually("there is room", || engine.stats().store_waiting_bytes == 0).await;
    engine.publish_stored(LOBBY, &Message::new("E", &data("x"))).await.unwrap();
    assert_eq!(numbered(&kept(&engine, LOBBY).await.2).len() as u64, taken + 1);
}

#[tokio::test]
async fn an_engine_that_ends_with_things_waiting_answers_them() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let alice = connect(&engine, "alice").await;
    bench.hold_syncs();
    alice.send(&publish(10, LOBBY, "one", STORED));
    eventually("the sync has begun", || bench.is_syncing()).await;
    let host = tokio::spawn({
        let engine = engine.clone();
        async move { engine.publish_stored(LOBBY, &Message::new("E", &data("two"))).await }
    });
    eventually("the host waits", || engine.stats().published == 2).await;
    let ending = tokio::spawn({
        let engine = engine.clone();
        async move { engine.shutdown(Duration::from_millis(20)).await }
    });
    eventually("the end has begun", || engine.is_stopping()).await;
    bench.release_syncs();
    host.await.unwrap().unwrap();
    drop(alice);
    ending.await.unwrap();
    let again = engine_on(durable(), &bench);
    assert_eq!(kept(&again, LOBBY).await.2, [(1, "one".to_owned()), (2, "two".to_owned())]);
}

#[tokio::test]
async fn an_engine_ends_while_its_store_cannot_be_opened() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    bench.fail_opens(true);
    bench.faulty.fail_next_sync();
    engine.publish_stored(LOBBY, &Message::new("E", &data("one"))).await.unwrap_err();
    let begun = std::time::Instant::now();
    assert_eq!(engine.shutdown(Duration::from_secs(5)).await, 0);
    assert!(begun.elapsed() < Duration::from_secs(3), "it does not wait for the next try");
}

/// Restarts on the store that `start` opens.
async fn restarts(start: impl Fn() -> Engine) {
    let engine = start();
    let alice = connect(&engine, "alice").await;
    for number in 1..=20 {
        alice.send(&publish(number + 10, LOBBY, &number.to_string(), STORED));
        assert_eq!(answer(&alice, number + 10).await["published"]["offset"], number);
    }
    let (reader, before, all) = kept(&engine, LOBBY).await;
    drop((alice, reader));
    assert_eq!(engine.shutdown(Duration::from_secs(5)).await, 0);
    drop(engine);

    let engine = start();
    let (reader, after, again) = kept(&engine, LOBBY).await;
    assert_eq!((&before["epoch"], &before["offset"]), (&after["epoch"], &after["offset"]));
    assert_eq!(all, again);
    engine.publish(LOBBY, "E", &data("next")).unwrap();
    assert_eq!(entries(&reader, 1).await, [(21, "next".to_owned())]);
    let late = connect(&engine, "late").await;
    assert_eq!(subscribe_since(&late, LOBBY, &before["epoch"], 15).await["subscribed"]["recovered"], "complete");
    assert_eq!(numbered(&entries(&late, 6).await), (16..=21).collect::<Vec<_>>());
    drop((reader, late));
    engine.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_channel_goes_on_where_it_was_after_a_restart() {
    let bench = Bench::new();
    restarts(|| engine_on(durable(), &bench)).await;
    let directory = tempfile::tempdir().unwrap();
    restarts(|| engine_in(durable(), directory.path())).await;
}

#[tokio::test]
async fn the_history_ends_at_its_limits_and_tells_a_gap() {
    let mut config = durable();
    let messaging = config.namespaces.get_mut("messaging").unwrap();
    messaging.stored.entries_max = 10;
    messaging.history_entries_max = 1;
    let bench = Bench::new();
    let engine = engine_on(config, &bench);
    for number in 1..=30 {
        engine.publish_stored(LOBBY, &Message::new("E", &data(&number.to_string()))).await.unwrap();
    }
    let alice = connect(&engine, "alice").await;
    let told = subscribe(&alice, LOBBY).await["subscribed"].take();
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    loop {
        assert!(std::time::Instant::now() < deadline, "the old entries are still there");
        alice.send(&format!(r#"{{"unsubscribe":{{"channel":"{LOBBY}"}}}}"#));
        let again = subscribe_since(&alice, LOBBY, &told["epoch"], 3).await;
        let frames = {
            let mut frames = Vec::new();
            while offsets(&frames).last() != Some(&30) {
                frames.push(next(&alice).await);
            }
            frames
        };
        if again["subscribed"]["recovered"] == "gap" {
            let gap = &frames[0]["gap"];
            assert_eq!((&gap["from"], &gap["to"], &gap["reason"]), (&4.into(), &20.into(), &"expired".into()));
            assert_eq!(offsets(&frames), (21..=30).collect::<Vec<_>>());
            return;
        }
        // What went while it was being read is told as well.
        let gaps =
            frames.iter().filter_map(|frame| Some(frame["gap"]["to"].as_u64()? + 1 - frame["gap"]["from"].as_u64()?));
        assert_eq!(offsets(&frames).len() as u64 + gaps.sum::<u64>(), 27, "{frames:?}");
    }
}

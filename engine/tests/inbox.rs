//! Inboxes on disk: what is sent waits for each of the user's devices, and goes when all have it.

mod common;

use common::store::{Bench, durable, engine_on};
use common::{
    Frame, answer, config, connect, connect_with, data, engine, entries, eventually, next, offsets, publish, so_far,
    subscribe,
};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidings::config::{Config, OverflowName};
use tidings::error::ErrorKind;
use tidings::local::Local;
use tidings::message::Message;
use tidings::{Data, Engine};
use tidings_proto::kept::Kind;
use tidings_store::archive::Archive;

async fn send(engine: &Engine, user: &str, texts: std::ops::RangeInclusive<u64>) {
    for number in texts {
        engine.send_stored(user, &Message::new("E", &data(&number.to_string()))).await.unwrap();
    }
}

/// A device comes: the connection, and what it is told of the inbox.
async fn come(engine: &Engine, user: &str, device: &str) -> (Local, Frame) {
    let (local, mut told) = connect_with(engine, user, &format!(r#","device":"{device}""#)).await;
    (local, told["connected"]["inbox"].take())
}

fn ack(local: &Local, inbox: &Frame, offset: u64) {
    local.send(&format!(r#"{{"ack":{{"stream":{},"offset":{offset}}}}}"#, inbox["stream"]));
}

async fn come_and_take(engine: &Engine, user: &str, device: &str, offsets: std::ops::RangeInclusive<u64>) -> Local {
    let (local, told) = come(engine, user, device).await;
    let found = entries(&local, offsets.clone().count()).await;
    assert_eq!(found.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), offsets.clone().collect::<Vec<_>>());
    assert_eq!(told["offset"], *offsets.end());
    local
}

#[tokio::test]
async fn each_device_has_a_place_of_its_own() {
    let engine = engine_on(durable(), &Bench::new());
    send(&engine, "alice", 1..=5).await;
    let (phone, told) = come(&engine, "alice", "phone").await;
    assert_eq!((&told["offset"], &told["delivered"]), (&5.into(), &0.into()));
    assert_eq!(told["recovered"], "complete");
    assert_eq!(entries(&phone, 5).await[4], (5, "5".to_owned()));
    let desk = come_and_take(&engine, "alice", "desk", 1..=5).await;
    send(&engine, "alice", 6..=6).await;
    for local in [&phone, &desk] {
        assert_eq!(entries(local, 1).await, [(6, "6".to_owned())]);
    }
    ack(&phone, &told, 4);
    // What it was never given, and what goes back, moves nothing.
    ack(&phone, &told, 7);
    ack(&phone, &told, 2);
    phone.send(&format!(r#"{{"read":{{"stream":{},"offset":3}}}}"#, told["stream"]));
    so_far(&phone).await;
    drop((phone, desk));
    let (phone, told) = come(&engine, "alice", "phone").await;
    assert_eq!((&told["delivered"], &told["read"]), (&4.into(), &3.into()));
    assert_eq!(entries(&phone, 2).await[0].0, 5);
    let (desk, told) = come(&engine, "alice", "desk").await;
    assert_eq!((&told["delivered"], &told["read"]), (&0.into(), &3.into()), "read is the user's");
    assert_eq!(entries(&desk, 6).await[0].0, 1);
    let _tablet = come_and_take(&engine, "alice", "tablet", 1..=6).await;
    let (_nameless, told) = come(&engine, "alice", "x").await;
    let since = format!(r#","since":{{"epoch":{},"offset":5}}"#, told["epoch"]);
    let (named, told) = connect_with(&engine, "alice", &since).await;
    assert_eq!(told["connected"]["inbox"]["delivered"], 5);
    assert_eq!(entries(&named, 1).await[0].0, 6);
}

#[tokio::test]
async fn what_all_devices_have_leaves_the_store() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let big = Data::new(&"x".repeat(10_000)).unwrap();
    let bytes = || tidings_store::store::Store::bytes_on_disk(&bench).unwrap();
    for _ in 0..10 {
        engine.send_stored("alice", &Message::new("E", &big)).await.unwrap();
    }
    let (phone, on_phone) = come(&engine, "alice", "phone").await;
    let (desk, on_desk) = come(&engine, "alice", "desk").await;
    entries(&phone, 10).await;
    entries(&desk, 10).await;
    ack(&phone, &on_phone, 10);
    so_far(&phone).await;
    assert!(bytes() > 100_000, "one of two devices does not have it");
    ack(&desk, &on_desk, 8);
    eventually("what both have is gone", || (20_000..40_000).contains(&bytes())).await;
    let _tablet = come_and_take(&engine, "alice", "tablet", 9..=10).await;
    drop((phone, desk));
    engine.shutdown(Duration::from_millis(1)).await;
    let engine = engine_on(durable(), &bench);
    let (phone, told) = come(&engine, "alice", "phone").await;
    assert_eq!((&told["delivered"], &told["offset"], &told["recovered"]), (&10.into(), &10.into(), &"none".into()));
    let desk = come_and_take(&engine, "alice", "desk", 9..=10).await;
    drop(desk);
    send(&engine, "alice", 11..=11).await;
    assert_eq!(entries(&phone, 1).await[0].0, 11, "offsets go on, though nothing but the head told them");
}

#[tokio::test]
async fn one_device_too_many_takes_the_place_of_the_one_unseen_longest() {
    let mut config = durable();
    config.store.inbox.devices_max = 2;
    let bench = Bench::new();
    let engine = engine_on(config, &bench);
    send(&engine, "alice", 1..=2).await;
    for device in ["first", "second", "third"] {
        let (local, told) = come(&engine, "alice", device).await;
        assert_eq!(told["delivered"], 0);
        entries(&local, 2).await;
        // They are ordered by the millisecond.
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    eventually("the third has taken the place of the first", || devices(&bench) == ["second", "third"]).await;
    let (local, told) = come(&engine, "alice", "first").await;
    assert_eq!(told["delivered"], 0, "it gets all that is kept");
    entries(&local, 2).await;
    eventually("it has taken the place of the second", || devices(&bench) == ["first", "third"]).await;
}

/// The devices that are on disk.
fn devices(bench: &Bench) -> Vec<String> {
    let archive = Archive::open(Arc::new(bench.memory().clone()), 0).unwrap();
    let kept = archive.load(Kind::Inbox, "alice").unwrap().unwrap();
    let mut names: Vec<String> = kept.head.devices.iter().map(|device| device.name.to_string()).collect();
    names.sort_unstable();
    names
}

/// Waits until a device that has nothing is told that the inbox begins at `first`.
async fn begins_at(engine: &Engine, first: u64, last: u64) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let (local, told) =
            connect_with(engine, "alice", &format!(r#","since":{{"epoch":{},"offset":0}}"#, epoch(engine).await)).await;
        let mut frames = Vec::new();
        if first <= last {
            while offsets(&frames).last() != Some(&last) {
                frames.push(next(&local).await);
            }
        } else {
            frames = so_far(&local).await;
        }
        let gap = &frames.first().unwrap_or(&Frame::Null)["gap"];
        if told["connected"]["inbox"]["recovered"] == "gap" && gap["to"] == first - 1 {
            assert_eq!((&gap["from"], &gap["reason"]), (&1.into(), &"expired".into()));
            assert_eq!(offsets(&frames), (first..=last).collect::<Vec<_>>());
            return;
        }
        assert!(Instant::now() < deadline, "the inbox does not begin at {first}: {told} {frames:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn epoch(engine: &Engine) -> String {
    let (_local, told) = connect_with(engine, "alice", "").await;
    told["connected"]["inbox"]["epoch"].to_string()
}

fn limited(limit: impl FnOnce(&mut tidings::config::Inbox)) -> Config {
    let mut config = durable();
    limit(&mut config.store.inbox);
    config
}

#[tokio::test]
async fn an_inbox_ends_at_its_limits_and_tells_a_gap() {
    let counted = engine_on(limited(|inbox| inbox.entries_max = 10), &Bench::new());
    send(&counted, "alice", 1..=25).await;
    begins_at(&counted, 16, 25).await;
    let sized = engine_on(limited(|inbox| inbox.bytes_max = 10_000), &Bench::new());
    let big = Data::new(&"x".repeat(2_000)).unwrap();
    for _ in 0..10 {
        sized.send_stored("alice", &Message::new("E", &big)).await.unwrap();
    }
    begins_at(&sized, 7, 10).await;
    let aged = engine_on(limited(|inbox| inbox.age_ms_max = 300), &Bench::new());
    send(&aged, "alice", 1..=5).await;
    begins_at(&aged, 6, 5).await;
}

#[tokio::test]
async fn what_has_expired_goes_though_its_user_stays_away() {
    let bench = Bench::new();
    let engine = engine_on(limited(|inbox| inbox.age_ms_max = 50), &bench);
    let big = Data::new(&"x".repeat(10_000)).unwrap();
    for _ in 0..10 {
        engine.send_stored("alice", &Message::new("E", &big)).await.unwrap();
    }
    let bytes = || tidings_store::store::Store::bytes_on_disk(&bench).unwrap();
    eventually("it is gone", || bytes() < 10_000).await;
}

#[tokio::test]
async fn a_full_inbox_refuses_where_that_is_the_rule() {
    let config = limited(|inbox| {
        inbox.entries_max = 3;
        inbox.overflow = OverflowName::Refuse;
    });
    let bench = Bench::new();
    let engine = engine_on(config, &bench);
    send(&engine, "alice", 1..=3).await;
    assert_eq!(engine.send("alice", &Message::new("E", &data("4"))).unwrap_err().kind(), ErrorKind::Limit);
    let bob = connect(&engine, "bob").await;
    bob.send(r#"{"id":5,"send":{"user":"alice","namespace":"messaging","event":"E"}}"#);
    assert_eq!(next(&bob).await["error"]["code"], 2005);
    let big = Data::new(&"x".repeat(20_000)).unwrap();
    assert_eq!(engine.send_to_users(&["alice", "carol", "dora"], &Message::new("E", &big)).unwrap(), 2);
    let (phone, told) = come(&engine, "alice", "phone").await;
    entries(&phone, 3).await;
    ack(&phone, &told, 1);
    let sent = || engine.send("alice", &Message::new("E", &data("4"))).is_ok();
    eventually("there is room again", sent).await;
    assert_eq!(entries(&phone, 1).await[0], (4, "4".to_owned()));
    // The payload goes with the last who had it, though one was refused.
    let bytes = || tidings_store::store::Store::bytes_on_disk(&bench).unwrap();
    assert!(bytes() > 20_000);
    for user in ["carol", "dora"] {
        let (local, told) = come(&engine, user, "phone").await;
        entries(&local, 1).await;
        ack(&local, &told, 1);
        so_far(&local).await;
    }
    eventually("the payload is gone", || bytes() < 20_000).await;
}

#[tokio::test]
async fn what_is_sent_to_many_is_stored_once() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let users: Vec<String> = (0..100).map(|number| format!("user{number}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let big = Data::new(&"x".repeat(20_000)).unwrap();
    assert_eq!(engine.send_to_users(&users, &Message::new("E", &big)).unwrap(), 100);
    engine.send_stored("other", &Message::new("E", &data("barrier"))).await.unwrap();
    let bytes = tidings_store::store::Store::bytes_on_disk(&bench).unwrap();
    assert!((20_000..60_000).contains(&bytes), "{bytes}");
    for user in ["user0", "user99"] {
        let (local, _) = come(&engine, user, "phone").await;
        assert_eq!(entries(&local, 1).await[0].1.len(), 20_000);
    }
    let keyed = Message::new("E", &big).idempotency_key("k");
    assert_eq!(engine.send_to_users(&users, &keyed).unwrap_err().kind(), ErrorKind::Input);
}

#[tokio::test]
async fn what_is_sent_to_many_is_whole_though_the_store_fails_in_between() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let users: Vec<String> = (0..3_000).map(|number| format!("user{number}")).collect();
    let sending = std::thread::spawn({
        let (engine, bench) = (engine.clone(), bench.clone());
        let handle = tokio::runtime::Handle::current();
        move || {
            let _entered = handle.enter();
            let users: Vec<&str> = users.iter().map(String::as_str).collect();
            let mut sent = 0;
            for _ in 0..5 {
                bench.faulty.fail_next_write();
                sent += engine.send_to_users(&users, &Message::new("E", &data("whole"))).unwrap_or(0);
            }
            sent
        }
    });
    while !sending.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    sending.join().unwrap();
    eventually("the store is open", || engine.is_storing()).await;
    engine.shutdown(Duration::from_secs(5)).await;
    let engine = engine_on(durable(), &bench);
    for user in ["user0", "user1", "user7", "user100", "user2999"] {
        let (local, told) = come(&engine, user, "phone").await;
        let count = usize::try_from(told["offset"].as_u64().unwrap()).unwrap();
        assert!(entries(&local, count).await.iter().all(|(_, text)| text == "whole"));
    }
    assert_eq!(engine.stats().damaged, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_waiting_entries_come_in_pages_and_keep_nobody_waiting() {
    const WAITING: u64 = 100_000;
    let mut config = limited(|inbox| inbox.entries_max = 200_000);
    config.limits.outbox_bytes_max = 64 * 1024;
    config.store.queue_bytes_max = 1 << 30;
    let bench = Bench::new();
    let engine = engine_on(config, &bench);
    let text = data("waits");
    for _ in 1..WAITING {
        engine.send("alice", &Message::new("E", &text)).unwrap();
    }
    engine.send_stored("alice", &Message::new("E", &text)).await.unwrap();
    let quick = connect(&engine, "quick").await;
    subscribe(&quick, "realtime:x").await;
    let (slow, told) = come(&engine, "alice", "phone").await;
    assert_eq!((&told["offset"], &told["recovered"]), (&WAITING.into(), &"complete".into()));
    let mut highest = 0;
    for expected in 1..=WAITING {
        let frame = next(&slow).await;
        assert_eq!(frame["entry"]["offset"], expected, "{frame}");
        if expected % 1_000 == 0 {
            highest = highest.max(slow.port().waiting_bytes());
            quick.send(&publish(expected, "realtime:x", "now", ""));
            assert_eq!(answer(&quick, expected).await["published"]["level"], "accepted");
        }
    }
    // One piece of any size goes into an empty outbox: a page.
    assert!(highest <= 2 * 64 * 1024, "{highest}");
    engine.send("alice", &Message::new("E", &data("live"))).unwrap();
    assert_eq!(entries(&slow, 1).await, [(WAITING + 1, "live".to_owned())]);
}

#[tokio::test]
async fn inboxes_of_those_who_are_away_leave_memory() {
    let engine = engine_on(durable(), &Bench::new());
    let (phone, desk) = (connect(&engine, "alice").await, connect(&engine, "dora").await);
    for user in ["alice", "bob", "carol"] {
        send(&engine, user, 1..=1).await;
    }
    assert_eq!(engine.stats().users, 4);
    assert_eq!(entries(&phone, 1).await[0].0, 1);
    drop(phone);
    // Who has just left may be looked at once more.
    eventually("those away are gone", || engine.stats().users <= 2).await;
    send(&engine, "alice", 2..=2).await;
    assert_eq!(entries(&connect(&engine, "alice").await, 2).await[1], (2, "2".to_owned()));
    send(&engine, "dora", 1..=1).await;
    assert_eq!(entries(&desk, 1).await[0].0, 1);
}

#[tokio::test]
async fn without_a_store_an_inbox_is_as_it_was() {
    let engine = engine(config());
    assert_eq!(engine.send("alice", &Message::new("E", &data("lost"))).unwrap(), 0);
    assert_eq!(engine.stats().users, 0);
    let error = engine.send_stored("alice", &Message::new("E", &data("lost"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input);
    let (phone, told) = connect_with(&engine, "alice", r#","device":"phone""#).await;
    let inbox = &told["connected"]["inbox"];
    assert_eq!((&inbox["offset"], &inbox["delivered"], &inbox["recovered"]), (&0.into(), &0.into(), &"none".into()));
    assert_eq!(engine.send("alice", &Message::new("E", &data("1"))).unwrap(), 1);
    assert_eq!(entries(&phone, 1).await, [(1, "1".to_owned())]);
    phone.send(r#"{"id":5,"publish":{"channel":"messaging:x","event":"E","wait":"stored"}}"#);
    assert_eq!(answer(&phone, 5).await["error"]["code"], 2008);
    assert!(!engine.is_storing());
    drop(phone);
    eventually("nothing is left", || engine.stats().users == 0).await;
}

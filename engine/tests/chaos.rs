//! Everything at once, with real threads, on a store that fails again and again: what is promised holds.
//!
//! `TIDINGS_SEED=7 cargo test -p tidings --test chaos` repeats a run, as far as threads let it.

mod common;

use common::store::{Bench, durable, engine_on};
use common::{Dice, Frame, answer, connect, connect_with, data, eventually, publish, subscribe};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tidings::Engine;
use tidings::error::ErrorKind;
use tidings::local::Local;
use tidings::message::Message;
use tokio::time::timeout;

const CHANNELS: u64 = 3;
const WRITERS: u64 = 4;
const FOLLOWERS: u64 = 6;
const STORED_EACH: u64 = 150;
const FAULTS: u64 = 4;

/// What was said, and must be so.
#[derive(Default)]
struct Said {
    /// By channel and offset.
    stored: Mutex<BTreeMap<(u64, u64), String>>,
    /// The same, as it was delivered.
    seen: Mutex<BTreeMap<(u64, u64), String>>,
    writing: AtomicU64,
    /// The last offset of each channel, once nobody writes any more.
    ends: Mutex<BTreeMap<u64, u64>>,
    over: AtomicBool,
}

fn record(map: &Mutex<BTreeMap<(u64, u64), String>>, at: (u64, u64), text: &str) {
    let before = map.lock().unwrap().insert(at, text.to_owned());
    assert!(before.as_ref().is_none_or(|before| before == text), "{at:?}: {before:?} and {text}");
}

fn channel(number: u64) -> String {
    format!("messaging:{number}")
}

/// Connects, however often that has to be tried while the store cannot be read.
async fn insist(engine: &Engine, user: &str, fields: &str) -> (Local, Frame) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let (local, told) = connect_with(engine, user, fields).await;
        if !told["connected"].is_null() {
            return (local, told["connected"].clone());
        }
        assert!(told["error"]["code"] == 2008 && Instant::now() < deadline, "{told}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Publishes each text until it is stored, with a key, so that it stands there once; between them some that are
/// accepted alone, and may be lost.
async fn write(engine: Engine, number: u64, mut dice: Dice, said: Arc<Said>) {
    let (local, _) = insist(&engine, &format!("writer{number}"), "").await;
    for count in 0..STORED_EACH {
        let at = dice.roll(CHANNELS);
        if dice.roll(3) == 0 {
            local.send(&publish(9, &channel(at), &format!("loose-{number}-{count}"), ""));
        }
        let text = format!("{number}-{count}");
        let fields = format!(r#","wait":"stored","idempotency_key":"{text}""#);
        loop {
            local.send(&publish(10, &channel(at), &text, &fields));
            let told = answer(&local, 10).await;
            if let Some(offset) = told["published"]["offset"].as_u64() {
                assert_eq!(told["published"]["level"], "stored");
                record(&said.stored, (at, offset), &text);
                break;
            }
            assert!(told["error"]["code"] == 2008 || told["error"]["code"] == 2011, "{told}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    said.writing.fetch_sub(1, Ordering::SeqCst);
}

/// Follows a channel over one session, and loses its connection now and then.
async fn follow(engine: Engine, number: u64, mut dice: Dice, said: Arc<Said>) {
    let (at, user) = (number % CHANNELS, format!("follower{number}"));
    let (mut local, mut held) = insist(&engine, &user, "").await;
    let told = subscribe(&local, &channel(at)).await["subscribed"].take();
    let (epoch, mut last) = (told["epoch"].clone(), 0);
    assert_eq!(told["offset"], 0, "nobody writes yet");
    loop {
        for _ in 0..dice.roll(100) {
            if said.ends.lock().unwrap().get(&at) == Some(&last) {
                return;
            }
            let Ok(line) = timeout(Duration::from_millis(20), local.receive()).await else { continue };
            let Some(line) = line else { break };
            let frame: Frame = serde_json::from_str(&line).unwrap();
            assert!(frame["gap"].is_null() && frame["error"].is_null(), "{number}: {frame}");
            assert!(frame["subscribed"].is_null() || frame["subscribed"]["recovered"] == "complete", "{frame}");
            if let Some(offset) = frame["entry"]["offset"].as_u64() {
                assert_eq!(offset, last + 1, "{number}: no hole, and none twice");
                last = offset;
                record(&said.seen, (at, offset), frame["entry"]["data"].as_str().unwrap());
            }
        }
        let position = format!(r#"{{"channel":"{}","epoch":{epoch},"offset":{last}}}"#, channel(at));
        let (session, secret) = (&held["session"], &held["secret"]);
        let resume = format!(r#","resume":{{"session":{session},"secret":{secret},"positions":[{position}]}}"#);
        if dice.roll(2) == 0 {
            // Else the old connection lives on, and is closed by the new one.
            drop(local);
        }
        (local, held) = insist(&engine, &user, &resume).await;
        assert_eq!(held["resumed"], true, "{number}");
    }
}

/// Sends to one user, each text once.
async fn send(engine: Engine, said: Arc<Said>) {
    for count in 0..STORED_EACH {
        let (text, key) = (data(&count.to_string()), format!("send-{count}"));
        while let Err(error) = engine.send_stored("alice", &Message::new("E", &text).idempotency_key(&key)).await {
            assert!(matches!(error.kind(), ErrorKind::Store | ErrorKind::Busy), "{error}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    said.writing.fetch_sub(1, Ordering::SeqCst);
}

/// A device that takes, acknowledges, and comes and goes. It gets all of it in order, and again only what it has not
/// acknowledged.
async fn take(engine: Engine, device: &'static str, mut dice: Dice) {
    let (mut last, mut acknowledged) = (0, 0);
    while last < STORED_EACH {
        let (local, told) = insist(&engine, "alice", &format!(r#","device":"{device}""#)).await;
        let delivered = told["inbox"]["delivered"].as_u64().unwrap();
        assert!((acknowledged..=last).contains(&delivered), "{device}: {delivered} of {last}");
        let mut here = delivered;
        for _ in 0..dice.roll(40) {
            let Ok(Some(line)) = timeout(Duration::from_millis(20), local.receive()).await else { continue };
            let frame: Frame = serde_json::from_str(&line).unwrap();
            assert!(frame["gap"].is_null(), "{device}: {frame}");
            let Some(offset) = frame["entry"]["offset"].as_u64() else { continue };
            assert_eq!(offset, here + 1, "{device}: no hole");
            assert_eq!(frame["entry"]["data"], (offset - 1).to_string(), "{device}: each text stands there once");
            here = offset;
            if dice.roll(4) == 0 {
                local.send(&format!(r#"{{"ack":{{"stream":{},"offset":{offset}}}}}"#, told["inbox"]["stream"]));
                acknowledged = acknowledged.max(offset);
            }
        }
        last = last.max(here);
    }
}

/// Lets the store fail in one way and the other.
async fn spoil(engine: Engine, bench: Bench, mut dice: Dice, said: Arc<Said>) {
    for fault in 0..FAULTS {
        let failures = engine.stats().store_failures;
        match (fault + dice.roll(2)) % 5 {
            0 => bench.faulty.fail_next_sync(),
            1 => bench.faulty.fail_next_write(),
            2 => bench.faulty.set_full(true),
            3 => {
                bench.fail_opens(true);
                bench.faulty.fail_next_sync();
            }
            _ => {
                bench.fail_reads(true);
                bench.faulty.fail_next_write();
            }
        }
        let is_idle = || said.writing.load(Ordering::SeqCst) == 0;
        eventually("the store fails", || engine.stats().store_failures > failures || is_idle()).await;
        tokio::time::sleep(Duration::from_millis(dice.roll(20))).await;
        bench.fail_opens(false);
        bench.fail_reads(false);
        bench.faulty.set_full(false);
        eventually("the store is open again", || engine.is_storing()).await;
    }
}

/// Ephemeral and reliable traffic, which the store is nothing to.
async fn chat(engine: Engine, said: Arc<Said>) -> u64 {
    let local = connect(&engine, "chatter").await;
    subscribe(&local, "chat:x").await;
    let mut count = 0;
    while !said.over.load(Ordering::SeqCst) {
        count += 1;
        engine.publish("chat:x", "E", &data("x")).unwrap();
        let frame = common::next(&local).await;
        assert_eq!(frame["entry"]["offset"], count, "{frame}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    count
}

/// The last offset of each channel, when nobody writes any more.
async fn find_ends(engine: &Engine, said: &Said) {
    let (local, _) = insist(engine, "reader", "").await;
    for at in 0..CHANNELS {
        let name = channel(at);
        engine.publish_stored(&name, &Message::new("E", &data("the end"))).await.unwrap();
        let told = subscribe(&local, &name).await["subscribed"].take();
        said.ends.lock().unwrap().insert(at, told["offset"].as_u64().unwrap());
        local.send(&format!(r#"{{"id":3,"unsubscribe":{{"channel":"{name}"}}}}"#));
        answer(&local, 3).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_promised_holds_whatever_fails() {
    let seed = std::env::var("TIDINGS_SEED").map_or(42, |seed| seed.parse().expect("a number"));
    println!("repeat with TIDINGS_SEED={seed}");
    let mut config = durable();
    config.namespaces.get_mut("messaging").unwrap().history_entries_max = 20;
    config.limits.outbox_bytes_max = 16 * 1024;
    let bench = Bench::new();
    let engine = engine_on(config, &bench);
    let said = Arc::new(Said::default());
    said.writing.store(WRITERS + 1, Ordering::SeqCst);
    let dice = |salt: u64| Dice(seed ^ (salt << 32));

    let mut tasks = Vec::new();
    for number in 0..FOLLOWERS {
        tasks.push(tokio::spawn(follow(engine.clone(), number, dice(100 + number), Arc::clone(&said))));
    }
    for device in ["phone", "desk"] {
        tasks.push(tokio::spawn(take(engine.clone(), device, dice(device.len() as u64))));
    }
    eventually("all are there", || engine.stats().admitted >= FOLLOWERS + 2 && engine.stats().channels == CHANNELS)
        .await;
    eventually("all have subscribed", || engine.stats().frames_in >= 2 * FOLLOWERS + 2).await;
    for number in 0..WRITERS {
        tasks.push(tokio::spawn(write(engine.clone(), number, dice(200 + number), Arc::clone(&said))));
    }
    tasks.push(tokio::spawn(send(engine.clone(), Arc::clone(&said))));
    tasks.push(tokio::spawn(spoil(engine.clone(), bench.clone(), dice(300), Arc::clone(&said))));
    let chatting = tokio::spawn(chat(engine.clone(), Arc::clone(&said)));

    let deadline = Instant::now() + Duration::from_secs(60);
    while said.writing.load(Ordering::SeqCst) > 0 {
        assert!(Instant::now() < deadline && tasks.iter().filter(|task| task.is_finished()).count() < 12, "stuck");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tasks.remove(usize::try_from(FOLLOWERS + 2 + WRITERS + 1).unwrap()).await.unwrap();
    find_ends(&engine, &said).await;
    for task in tasks {
        timeout(Duration::from_secs(30), task).await.expect("it comes to rest").unwrap();
    }
    said.over.store(true, Ordering::SeqCst);
    assert!(chatting.await.unwrap() > 0);

    let (stored, seen) = (said.stored.lock().unwrap().clone(), said.seen.lock().unwrap().clone());
    assert_eq!(stored.len() as u64, WRITERS * STORED_EACH);
    for (at, text) in &stored {
        assert_eq!(seen.get(at), Some(text), "seed {seed}: {at:?} was called stored");
    }
    let mut texts: Vec<&String> = seen.values().filter(|text| text.as_str() != "the end").collect();
    let all = texts.len();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), all, "seed {seed}: each stands there once");
    assert!(engine.stats().store_failures >= 2, "it did fail");

    engine.shutdown(Duration::from_secs(5)).await;
    drop(engine);
    eventually("nothing holds the engine", || bench.handles() == 1).await;
}

//! Crashes under load: whatever the engine has said before the power went is true of what the next engine finds.
//!
//! `TIDINGS_SEED=7 cargo test -p tidings --test crash` repeats one run.

mod common;

use common::store::{Bench, durable, engine_on};
use common::{Dice, answer, connect, connect_with, data, entries, publish, subscribe, subscribe_since};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings::Engine;
use tidings::local::Local;
use tidings::message::Message;
use tidings_store::memory::MemoryStore;
use tokio::time::timeout;

const CHANNELS: u64 = 3;
const RUNS: u64 = 30;

/// What the engine has said.
#[derive(Default)]
struct Said {
    /// By channel and offset: the data that were called stored, or given to somebody.
    true_for_ever: BTreeMap<(u64, u64), String>,
    /// By idempotency key: the place that was called stored.
    keys: BTreeMap<String, (u64, u64)>,
}

impl Said {
    fn say(&mut self, at: (u64, u64), data: &str) {
        let before = self.true_for_ever.insert(at, data.to_owned());
        assert!(before.is_none_or(|before| before == data), "two publications at {at:?}");
    }
}

/// Publishes until it is refused, with a key for every third.
async fn write(engine: Engine, local: Option<Local>, mut dice: Dice, name: u64, said: Arc<Mutex<Said>>) {
    for number in 0.. {
        let channel = dice.roll(CHANNELS);
        let (text, key) = (format!("{name}-{number}"), (number % 3 == 0).then(|| format!("key{name}-{number}")));
        let Some(offset) = put(&engine, local.as_ref(), channel, &text, key.as_deref()).await else { return };
        let mut said = said.lock().unwrap();
        said.say((channel, offset), &text);
        if let Some(key) = key {
            said.keys.insert(key, (channel, offset));
        }
    }
}

async fn put(engine: &Engine, local: Option<&Local>, channel: u64, text: &str, key: Option<&str>) -> Option<u64> {
    let name = format!("messaging:{channel}");
    let Some(local) = local else {
        let data = data(text);
        let message = Message::new("E", &data);
        let message = key.map_or(message, |key| message.idempotency_key(key));
        return engine.publish_stored(&name, &message).await.ok().map(|at| at.position.offset);
    };
    let key = key.map_or_else(String::new, |key| format!(r#","idempotency_key":"{key}""#));
    local.send(&publish(10, &name, text, &format!(r#","wait":"stored"{key}"#)));
    let told = answer(local, 10).await;
    assert!(told["error"].is_null() || told["error"]["code"] == 2008, "{told}");
    told["published"]["offset"].as_u64()
}

/// Follows a channel: what it was given is there for ever.
async fn follow(local: Local, channel: u64, said: Arc<Mutex<Said>>) {
    let mut last = 0;
    while let Some(line) = local.receive().await {
        let frame: serde_json::Value = serde_json::from_str(&line).unwrap();
        let Some(offset) = frame["entry"]["offset"].as_u64() else { continue };
        assert_eq!(offset, last + 1, "in order and without a hole");
        last = offset;
        said.lock().unwrap().say((channel, offset), frame["entry"]["data"].as_str().unwrap());
    }
}

/// Everything that the next engine has of a channel.
async fn kept(engine: &Engine, channel: u64) -> Vec<(u64, String)> {
    let name = format!("messaging:{channel}");
    let local = connect(engine, "reader").await;
    let told = subscribe(&local, &name).await["subscribed"].take();
    local.send(&format!(r#"{{"id":3,"unsubscribe":{{"channel":"{name}"}}}}"#));
    answer(&local, 3).await;
    let told = subscribe_since(&local, &name, &told["epoch"], 0).await["subscribed"].take();
    assert_eq!(told["recovered"], "complete");
    entries(&local, usize::try_from(told["offset"].as_u64().unwrap()).unwrap()).await
}

/// One life under load, and the crash at its end.
async fn live(store: &MemoryStore, seed: u64, said: &Arc<Mutex<Said>>, life: u64) {
    let mut dice = Dice(seed.wrapping_mul(31) ^ life);
    let bench = Bench::on(store.clone());
    let engine = engine_on(durable(), &bench);
    let followers: Vec<_> = {
        let mut followers = Vec::new();
        for channel in 0..CHANNELS {
            let local = connect(&engine, &format!("follower{channel}")).await;
            let name = format!("messaging:{channel}");
            let told = subscribe(&local, &name).await["subscribed"].take();
            local.send(&format!(r#"{{"id":3,"unsubscribe":{{"channel":"{name}"}}}}"#));
            answer(&local, 3).await;
            subscribe_since(&local, &name, &told["epoch"], 0).await;
            followers.push(tokio::spawn(follow(local, channel, Arc::clone(said))));
        }
        followers
    };
    let mut writers = Vec::new();
    for name in life * 10..life * 10 + 4 {
        let local = match name % 2 {
            0 => Some(connect(&engine, &format!("writer{name}")).await),
            _ => None,
        };
        let dice = Dice(seed ^ (name << 32));
        writers.push(tokio::spawn(write(engine.clone(), local, dice, name, Arc::clone(said))));
    }
    tokio::time::sleep(Duration::from_micros(dice.roll(15_000))).await;
    bench.cut_power();
    let unsynced = bench.memory().unsynced() as u64;
    bench.memory().crash_keeping(usize::try_from(dice.roll(unsynced + 1)).unwrap());
    for writer in writers {
        timeout(Duration::from_secs(20), writer).await.expect("no publisher waits for ever").unwrap();
    }
    engine.shutdown(Duration::from_secs(5)).await;
    for follower in followers {
        timeout(Duration::from_secs(20), follower).await.expect("it is told that it is over").unwrap();
    }
}

async fn run(seed: u64) {
    println!("repeat with TIDINGS_SEED={seed}");
    let store = MemoryStore::default();
    let said = Arc::new(Mutex::new(Said::default()));
    for life in 0..3 {
        live(&store, seed, &said, life).await;
        let engine = engine_on(durable(), &Bench::on(store.clone()));
        let mut texts = Vec::new();
        for channel in 0..CHANNELS {
            let kept = kept(&engine, channel).await;
            assert!(kept.iter().zip(1..).all(|((offset, _), expected)| *offset == expected));
            let said = said.lock().unwrap();
            for ((_, offset), data) in said.true_for_ever.range((channel, 0)..(channel + 1, 0)) {
                let index = usize::try_from(*offset).unwrap() - 1;
                assert_eq!(kept.get(index).map(|(_, data)| data), Some(data), "seed {seed}, {channel}: {offset}");
            }
            drop(said);
            texts.extend(kept.into_iter().map(|(_, text)| text));
        }
        let all = texts.len();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), all, "seed {seed}: nothing stands there twice");
        repeat_keys(&engine, &said, seed).await;
        engine.shutdown(Duration::from_secs(5)).await;
    }
}

/// Keys of the host that were called stored are answered as before.
async fn repeat_keys(engine: &Engine, said: &Arc<Mutex<Said>>, seed: u64) {
    let keys = said.lock().unwrap().keys.clone();
    for (key, (channel, offset)) in keys {
        let name: u64 = key["key".len()..].split('-').next().unwrap().parse().unwrap();
        if !name.is_multiple_of(2) {
            let data = data("again");
            let message = Message::new("E", &data).idempotency_key(&key);
            let again = engine.publish_stored(&format!("messaging:{channel}"), &message).await.unwrap();
            assert_eq!(again.position.offset, offset, "seed {seed}: {key}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_said_before_a_crash_is_true_after_it() {
    let given = std::env::var("TIDINGS_SEED").ok().map(|seed| seed.parse().expect("a number"));
    let seeds = given.map_or_else(|| (0..RUNS).collect(), |seed: u64| vec![seed]);
    for seed in seeds {
        run(seed).await;
    }
}

#[tokio::test]
async fn a_device_s_place_is_behind_by_no_more_than_what_was_acknowledged_just_before() {
    let store = MemoryStore::default();
    let bench = Bench::on(store.clone());
    let engine = engine_on(durable(), &bench);
    let (phone, told) = connect_with(&engine, "alice", r#","device":"phone""#).await;
    for number in 0..10 {
        engine.send_stored("alice", &Message::new("E", &data(&number.to_string()))).await.unwrap();
    }
    entries(&phone, 10).await;
    let stream = &told["connected"]["inbox"]["stream"];
    phone.send(&format!(r#"{{"ack":{{"stream":{stream},"offset":7}}}}"#));
    common::eventually("it is on disk", || bench.memory().unsynced() == 0 && delivered(&bench) == Some(7)).await;
    bench.cut_power();
    store.crash();
    let engine = engine_on(durable(), &Bench::on(store));
    let (phone, told) = connect_with(&engine, "alice", r#","device":"phone""#).await;
    assert_eq!(told["connected"]["inbox"]["delivered"], 7);
    assert_eq!(told["connected"]["inbox"]["recovered"], "complete");
    assert_eq!(entries(&phone, 3).await[0].0, 8);
}

fn delivered(bench: &Bench) -> Option<u64> {
    let archive = tidings_store::archive::Archive::open(Arc::new(bench.memory().clone()), 0).unwrap();
    let kept = archive.load(tidings_proto::kept::Kind::Inbox, "alice").unwrap()?;
    kept.head.devices.iter().find(|device| &*device.name == "phone").map(|device| device.delivered)
}

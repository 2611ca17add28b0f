//! Many threads at once: whatever the interleaving, each receiver sees rising offsets without a hole, everything comes
//! to rest, and nothing is left behind.

mod common;

use common::{config, connect, engine, next};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tidings::local::Local;
use tidings::{Data, Engine};
use tokio::time::timeout;

const CHANNELS: u64 = 4;
const READERS: usize = 24;
const WRITERS: usize = 6;
const MESSAGES: u64 = 1_500;

/// SplitMix64, so that a run can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % sides
    }
}

async fn write(engine: Engine, seed: u64, published: Arc<[AtomicU64]>) {
    let mut dice = Dice(seed);
    let writer = connect(&engine, &format!("writer{seed}")).await;
    let data = "x".repeat(200);
    for _ in 0..MESSAGES {
        let channel = dice.roll(CHANNELS);
        if dice.roll(2) == 0 {
            engine.publish(&format!("messaging:{channel}"), "E", &Data::new(&data).unwrap()).unwrap();
        } else {
            writer.send(&format!(r#"{{"publish":{{"channel":"messaging:{channel}","event":"E","data":"{data}"}}}}"#));
        }
        published[usize::try_from(channel).unwrap()].fetch_add(1, Ordering::SeqCst);
        if dice.roll(8) == 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Follows one channel, losing its connection now and then, and resumes from its position. Returns what it saw.
async fn follow(engine: Engine, seed: u64, over: Arc<AtomicBool>, published: Arc<[AtomicU64]>) -> Result<(), String> {
    let mut dice = Dice(seed);
    let channel = dice.roll(CHANNELS);
    let mut position: Option<(String, u64)> = None;
    loop {
        let reader = connect(&engine, &format!("reader{seed}")).await;
        let since = position
            .as_ref()
            .map_or_else(String::new, |(epoch, offset)| format!(r#","since":{{"epoch":"{epoch}","offset":{offset}}}"#));
        reader.send(&format!(r#"{{"id":2,"subscribe":{{"channel":"messaging:{channel}"{since}}}}}"#));
        let subscribed = next(&reader).await;
        let told = &subscribed["subscribed"];
        if position.is_some() && told["recovered"] != "complete" {
            return Err(format!("seed {seed}: not complete: {subscribed}"));
        }
        let epoch = told["epoch"].as_str().unwrap().to_owned();
        let mut offset = position.map_or_else(|| told["offset"].as_u64().unwrap(), |(_, offset)| offset);
        let life = dice.roll(200);
        for _ in 0..life {
            let all = published[usize::try_from(channel).unwrap()].load(Ordering::SeqCst);
            if over.load(Ordering::SeqCst) && offset == all {
                return Ok(());
            }
            let Ok(frame) = timeout(Duration::from_millis(20), next(&reader)).await else { continue };
            let got = frame["entry"]["offset"].as_u64().ok_or_else(|| format!("seed {seed}: {frame}"))?;
            if got != offset + 1 {
                return Err(format!("seed {seed}: {got} after {offset}"));
            }
            offset = got;
        }
        position = Some((epoch, offset));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_that_come_and_go_miss_nothing() {
    let mut config = config();
    config.limits.outbox_bytes_max = 8 * 1024;
    config.namespaces.get_mut("messaging").unwrap().history_entries_max = 10_000;
    config.namespaces.get_mut("messaging").unwrap().history_bytes_max = 64 << 20;
    let engine = engine(config);
    let published: Arc<[AtomicU64]> = (0..CHANNELS).map(|_| AtomicU64::new(0)).collect();
    let over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..READERS as u64)
        .map(|seed| tokio::spawn(follow(engine.clone(), 1_000 + seed, over.clone(), published.clone())))
        .collect();
    let writers: Vec<_> =
        (0..WRITERS as u64).map(|seed| tokio::spawn(write(engine.clone(), seed, published.clone()))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    over.store(true, Ordering::SeqCst);
    for reader in readers {
        timeout(Duration::from_secs(60), reader).await.expect("comes to rest").unwrap().unwrap();
    }
    let stats = engine.stats();
    assert_eq!(stats.connections, 0);
    assert_eq!(stats.users, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn users_that_write_to_each_other_and_leave_never_wait_for_each_other() {
    let engine = engine(config());
    let mut tasks = Vec::new();
    for seed in 0..32_u64 {
        let engine = engine.clone();
        tasks.push(tokio::spawn(async move {
            let mut dice = Dice(seed);
            let mut local: Option<Local> = None;
            for _ in 0..300 {
                let user = dice.roll(8);
                match (dice.roll(10), &local) {
                    (0, _) => local = None,
                    (1, _) => drop(engine.disconnect_user(&format!("user{user}"))),
                    (_, None) => local = engine.connect_local().ok(),
                    (2, Some(local)) => local.discard(),
                    (_, Some(local)) => {
                        local.send(&format!(r#"{{"id":1,"connect":{{"token":"user{user}"}}}}"#));
                        local.send(&format!(
                            r#"{{"send":{{"user":"user{user}","namespace":"messaging","event":"E","data":1}}}}"#
                        ));
                    }
                }
                if dice.roll(4) == 0 {
                    tokio::task::yield_now().await;
                }
            }
        }));
    }
    for task in tasks {
        timeout(Duration::from_secs(60), task).await.expect("nobody waits for ever").unwrap();
    }
    let stats = engine.stats();
    assert_eq!((stats.connections, stats.users), (0, 0));
}

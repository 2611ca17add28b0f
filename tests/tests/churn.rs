//! Nothing is lost and nothing comes twice, whatever happens to connections: fifty clients are cut at random and come
//! back by `since`, while two publishers go on.

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidings_e2e::client::Client;
use tidings_e2e::codec::Codec;
use tidings_e2e::daemon::Daemon;
use tidings_e2e::random::{Random, seed};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

const CHANNEL: &str = "messaging:churn";
const CLIENTS: u64 = 50;
const PUBLISHERS: u64 = 2;

/// What each publisher publishes, so many at a time.
const BATCHES: u64 = 150;
const BATCH: u64 = 20;
const TOTAL: u64 = PUBLISHERS * BATCHES * BATCH;

/// Time from one batch of a publisher to its next.
const PACE: Duration = Duration::from_millis(25);

/// What a channel keeps.
const HISTORY_ENTRIES: u64 = 1_000;

/// Most time that all of it may take.
const TIME_MAX: Duration = Duration::from_secs(30);

/// Who published an entry, and which of the publisher's it is.
type Origin = (u64, u64);

/// What one client saw of the channel.
#[derive(Default)]
struct Seen {
    /// Up to which offset everything came or was told to be missing.
    up_to: u64,
    entries: Vec<(u64, Origin)>,
    missing: u64,
    cuts: u64,
    gaps: u64,
}

impl Seen {
    fn entry(&mut self, entry: &Value) -> anyhow::Result<()> {
        let offset = entry["offset"].as_u64().context("an offset")?;
        ensure!(offset == self.up_to + 1, "entry {offset} came after {}", self.up_to);
        self.up_to = offset;
        let origin = |name: &str| entry["data"][name].as_u64().with_context(|| format!("no {name} in {entry}"));
        self.entries.push((offset, (origin("publisher")?, origin("n")?)));
        Ok(())
    }

    fn gap(&mut self, gap: &Value) -> anyhow::Result<()> {
        let (from, to) = (gap["from"].as_u64().context("from")?, gap["to"].as_u64().context("to")?);
        ensure!(from == self.up_to + 1 && to >= from, "{gap} was told after {}", self.up_to);
        ensure!(gap["reason"] == "expired", "{gap}");
        self.missing += to + 1 - from;
        self.up_to = to;
        self.gaps += 1;
        Ok(())
    }

    /// `subscribed` must promise what the history had at that moment, no less and no more. Takes the gap that it tells.
    async fn resumed(&mut self, client: &mut Client, subscribed: &Value) -> anyhow::Result<()> {
        let last = subscribed["offset"].as_u64().context("an offset")?;
        let expired = last.saturating_sub(HISTORY_ENTRIES);
        if self.up_to >= expired {
            ensure!(subscribed["recovered"] == "complete", "{subscribed} to a position of {}", self.up_to);
            return Ok(());
        }
        ensure!(subscribed["recovered"] == "gap", "{subscribed} to a position of {}", self.up_to);
        let gap = client.expect("gap").await?;
        ensure!(gap["to"] == expired, "{gap}, but {} is kept of {last}", HISTORY_ENTRIES);
        self.gap(&gap)
    }

    /// Reads on until `target`, or until the channel's end.
    async fn read_to(&mut self, client: &mut Client, target: u64) -> anyhow::Result<()> {
        while self.up_to < target.min(TOTAL) {
            let frame = client.frame().await?;
            if let Some(entry) = frame.get("entry") {
                self.entry(entry)?;
            } else if let Some(gap) = frame.get("gap") {
                self.gap(gap)?;
            } else {
                bail!("{frame} came to one who asked for nothing");
            }
        }
        Ok(())
    }
}

/// Cuts a connection in one of the ways in which connections end.
async fn cut(mut client: Client, random: &mut Random) -> anyhow::Result<()> {
    match random.between(0, 5) {
        // With what was not read yet still in the socket: mostly a reset.
        0 => drop(client.into_stream()),
        1 => client.into_stream().set_zero_linger()?,
        2 => {
            client.send_raw(Message::Close(None)).await?;
            client.ending().await?;
        }
        // In the middle of a message.
        3 => {
            let half = Frame::message(&b"{\"id\":1,\"publi"[..], OpCode::Data(Data::Text), false);
            client.send_raw(Message::Frame(half)).await?;
        }
        // In the middle of an answer.
        _ => {
            client.send(&[json!({"id": 0, "unsubscribe": {"channel": CHANNEL}})]).await?;
        }
    }
    Ok(())
}

/// How many entries pass until a client that was cut comes back: mostly none, now and then more than are kept.
fn absence(random: &mut Random) -> u64 {
    match random.between(0, 20) {
        0..14 => 0,
        14..19 => random.between(1, 400),
        _ => random.between(HISTORY_ENTRIES, 2 * HISTORY_ENTRIES),
    }
}

async fn subscriber(
    daemon: Arc<Daemon>,
    number: u64,
    seed: u64,
    ready: watch::Sender<u64>,
    mut published: watch::Receiver<u64>,
) -> anyhow::Result<Seen> {
    let mut random = Random::new(seed ^ (number + 1).wrapping_mul(0xA24B_AED4_963E_E407));
    let codec = Codec::ALL[usize::try_from(number % 2)?];
    let user = format!("user-{number}");
    let mut seen = Seen::default();
    let mut client = Client::of(&daemon, &user, codec).await?;
    let epoch = client.subscribe(CHANNEL).await?["epoch"].take();
    ready.send_modify(|count| *count += 1);
    loop {
        let target = seen.up_to + random.between(1, 500);
        seen.read_to(&mut client, target).await?;
        if seen.up_to == TOTAL {
            client.quiet().await?;
            return Ok(seen);
        }
        seen.cuts += 1;
        if random.between(0, 6) == 0 {
            // The connection stays, the subscription goes. What comes before the answer is passed over unseen.
            client.done("unsubscribe", json!({"channel": CHANNEL}), "unsubscribed").await?;
            drop(client.passed());
        } else {
            cut(client, &mut random).await?;
            client = Client::of(&daemon, &user, codec).await?;
        }
        let back = (seen.up_to + absence(&mut random)).min(TOTAL);
        published.wait_for(|count| *count >= back).await?;
        let subscribed = client.resume(CHANNEL, &epoch, seen.up_to).await?;
        seen.resumed(&mut client, &subscribed).await?;
    }
}

/// Publishes, and tells what got which offset.
async fn publisher(
    daemon: Arc<Daemon>,
    publisher: u64,
    published: watch::Sender<u64>,
) -> anyhow::Result<BTreeMap<u64, Origin>> {
    let codec = Codec::ALL[usize::try_from(publisher % 2)?];
    let mut client = Client::of(&daemon, &format!("publisher-{publisher}"), codec).await?;
    let mut placed = BTreeMap::new();
    let mut pace = tokio::time::interval(PACE);
    for batch in 0..BATCHES {
        pace.tick().await;
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        let frame = |n| {
            let data = json!({"publisher": publisher, "n": n});
            json!({"id": n, "publish": {"channel": CHANNEL, "event": "E", "data": data}})
        };
        client.send(&numbers.clone().map(frame).collect::<Vec<_>>()).await?;
        for n in numbers {
            let answer = client.frame().await?;
            ensure!(answer["id"] == n, "{answer} came where {n} should have been answered");
            let offset = answer["published"]["offset"].as_u64().with_context(|| answer.to_string())?;
            placed.insert(offset, (publisher, n));
        }
        published.send_modify(|count| *count += BATCH);
    }
    Ok(placed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_entry_comes_once_and_in_order_or_is_told_to_be_missing() -> anyhow::Result<()> {
    let seed = seed("churn");
    // Which may have to be built first: the time counts from here.
    let daemon = Arc::new(Daemon::start()?);
    let start = Instant::now();
    let (ready, mut all_ready) = watch::channel(0);
    let (published, progress) = watch::channel(0);
    let mut subscribers = JoinSet::new();
    for number in 0..CLIENTS {
        subscribers.spawn(subscriber(Arc::clone(&daemon), number, seed, ready.clone(), progress.clone()));
    }
    all_ready.wait_for(|count| *count == CLIENTS).await?;
    let mut publishers = JoinSet::new();
    for number in 0..PUBLISHERS {
        publishers.spawn(publisher(Arc::clone(&daemon), number, published.clone()));
    }
    let mut placed = BTreeMap::new();
    for mut one in publishers.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()? {
        placed.append(&mut one);
    }
    assert!(placed.keys().copied().eq(1..=TOTAL), "offsets were left out or given twice");
    for number in 0..PUBLISHERS {
        let order = placed.values().filter(|(publisher, _)| *publisher == number).map(|(_, n)| *n);
        assert!(order.eq(0..BATCHES * BATCH), "the publications of one publisher changed their order");
    }

    let (mut cuts, mut gaps, mut entries) = (0, 0, 0);
    for seen in subscribers.join_all().await {
        let seen = seen.with_context(|| format!("seed {seed}"))?;
        for (offset, origin) in &seen.entries {
            assert_eq!(placed.get(offset), Some(origin), "entry {offset} is not what was published there");
        }
        assert_eq!(seen.entries.len() as u64 + seen.missing, TOTAL);
        (cuts, gaps, entries) = (cuts + seen.cuts, gaps + seen.gaps, entries + seen.entries.len());
    }
    let took = start.elapsed();
    println!("{cuts} cuts, {gaps} gaps, {entries} entries seen of {} in {took:?}", TOTAL * CLIENTS);
    assert!(cuts > 10 * CLIENTS && gaps > 0, "too little happened to prove anything");
    assert!(took < TIME_MAX, "{took:?}");
    Ok(())
}

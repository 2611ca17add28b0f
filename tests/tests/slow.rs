//! Readers that stop reading, over real sockets: what becomes of them, of the others and of the daemon's memory.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use socket2::SockRef;
use std::slice;
use std::time::{Duration, Instant};
use tidings_e2e::client::Client;
use tidings_e2e::codec::Codec;
use tidings_e2e::daemon::Daemon;
use tokio::net::TcpSocket;
use tokio::time::sleep;

const MIB: u64 = 1024 * 1024;

/// No reader is closed for being slow.
const PATIENT: (&str, &str) = ("TIDINGS_TIMES__SLOW_TIMEOUT_MS", "120000");

/// Publications that are under way at the same time. Fewer than what a connection's queue holds, so that a reader that
/// reads is never skipped.
const WINDOW: usize = 8;

/// A client for whom the system buffers little: small segments and a small window.
async fn narrow(daemon: &Daemon, user: &str, codec: Codec) -> anyhow::Result<Client> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4_096)?;
    SockRef::from(&socket).set_tcp_mss(1_400)?;
    let mut client = Client::over(socket.connect(daemon.address()).await?, daemon, codec).await?;
    client.connect(user).await?;
    Ok(client)
}

/// Reads again: the window is what a client has that nobody narrowed.
fn widen(client: &Client) -> anyhow::Result<()> {
    Ok(SockRef::from(client.stream()).set_recv_buffer_size(usize::try_from(MIB)?)?)
}

/// Waits until the daemon tells this figure: it counts at once, but tells every second.
async fn figure(daemon: &Daemon, name: &str, due: u64) -> anyhow::Result<()> {
    let mut told = None;
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline && told != Some(due) {
        sleep(Duration::from_millis(20)).await;
        // None stands there in the first second.
        told = daemon.figure(name).ok();
    }
    ensure!(told == Some(due), "{name} is {told:?}, not {due}");
    Ok(())
}

/// A publisher, and a reader that keeps up.
struct Pair {
    publisher: Client,
    reader: Client,
    channel: &'static str,
    offset: u64,
}

impl Pair {
    async fn new(daemon: &Daemon, channel: &'static str) -> anyhow::Result<Self> {
        let publisher = Client::of(daemon, "publisher", Codec::Json).await?;
        let mut reader = Client::of(daemon, "reader", Codec::MessagePack).await?;
        reader.subscribe(channel).await?;
        Ok(Self { publisher, reader, channel, offset: 0 })
    }

    /// Publishes `count` entries, whole windows of them, of about `bytes`. The reader must have every one of them.
    async fn publish(&mut self, count: usize, bytes: usize) -> anyhow::Result<()> {
        assert_eq!(count % WINDOW, 0);
        let data = "x".repeat(bytes);
        let frame = json!({"publish": {"channel": self.channel, "event": "E", "data": data}});
        for _ in 0..count / WINDOW {
            for _ in 0..WINDOW {
                self.publisher.send(slice::from_ref(&frame)).await?;
            }
            for entry in self.reader.entries(WINDOW).await? {
                self.offset += 1;
                ensure!(entry["offset"] == self.offset, "{} came where {} is due", entry["offset"], self.offset);
            }
        }
        Ok(())
    }
}

/// What came to a reader that reads again: its entries' offsets, and what gaps told as missing.
#[derive(Debug, Default)]
struct Read {
    offsets: Vec<u64>,
    gaps: Vec<Value>,
    /// Up to which offset everything came or was told to be missing.
    up_to: u64,
}

impl Read {
    /// Reads up to `last`. Whatever is left out must be told.
    async fn up_to(client: &mut Client, last: u64) -> anyhow::Result<Self> {
        widen(client)?;
        let mut read = Self::default();
        while read.up_to < last {
            let frame = client.frame().await?;
            if let Some(gap) = frame.get("gap") {
                ensure!(gap["from"] == read.up_to + 1, "{gap} after {}", read.up_to);
                read.up_to = gap["to"].as_u64().context("to")?;
                read.gaps.push(gap.clone());
            } else {
                let offset = frame["entry"]["offset"].as_u64().with_context(|| frame.to_string())?;
                ensure!(offset == read.up_to + 1, "{offset} came after {}, and no gap was told", read.up_to);
                read.up_to = offset;
                read.offsets.push(offset);
            }
        }
        Ok(read)
    }
}

#[tokio::test]
async fn a_reader_that_stops_is_skipped_in_an_ephemeral_channel() -> anyhow::Result<()> {
    let daemon = Daemon::with(&[PATIENT])?;
    let mut skipped = 0;
    for (codec, channel) in Codec::ALL.into_iter().zip(["realtime:one", "realtime:other"]) {
        let mut slow = narrow(&daemon, "slow", codec).await?;
        slow.subscribe(channel).await?;
        let mut pair = Pair::new(&daemon, channel).await?;
        pair.publish(512, 16 * 1024).await?;

        // It reads again: what waited comes, in order, and then, as soon as there is room, what is published from now on.
        widen(&slow)?;
        let mut offsets: Vec<u64> = Vec::new();
        while offsets.last() != Some(&pair.offset) {
            pair.publish(WINDOW, 1_024).await?;
            slow.done("ping", json!({}), "pong").await?;
            offsets.extend(slow.passed().filter_map(|frame| frame["entry"]["offset"].as_u64()));
        }
        assert!(offsets.is_sorted_by(|a, b| a < b), "{offsets:?}");
        let missed = pair.offset - offsets.len() as u64;
        assert!(missed > 400, "it missed no more than {missed} of {}", pair.offset);
        skipped += missed;
    }
    figure(&daemon, "tidings_deliveries_skipped_total", skipped).await
}

#[tokio::test]
async fn a_reader_that_stops_has_everything_from_the_history_once_it_reads_again() -> anyhow::Result<()> {
    let daemon = Daemon::with(&[PATIENT])?;
    for (codec, channel) in Codec::ALL.into_iter().zip(["messaging:one", "messaging:other"]) {
        let mut slow = narrow(&daemon, "slow", codec).await?;
        slow.subscribe(channel).await?;
        let mut pair = Pair::new(&daemon, channel).await?;
        // More than its queue holds, less than the history does.
        pair.publish(800, 1_000).await?;
        let read = Read::up_to(&mut slow, 800).await?;
        assert!(read.gaps.is_empty(), "{:?}", read.gaps);
        pair.publish(8, 1_000).await?;
        for due in 801..=808 {
            assert_eq!(slow.expect("entry").await?["offset"], due);
        }
        slow.quiet().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_reader_that_stops_for_too_long_is_told_what_the_history_no_longer_has() -> anyhow::Result<()> {
    let daemon = Daemon::with(&[PATIENT])?;
    for (codec, channel) in Codec::ALL.into_iter().zip(["messaging:one", "messaging:other"]) {
        let mut slow = narrow(&daemon, "slow", codec).await?;
        let stream = slow.subscribe(channel).await?["stream"].take();
        let mut pair = Pair::new(&daemon, channel).await?;
        pair.publish(4_000, 500).await?;
        let read = Read::up_to(&mut slow, 4_000).await?;
        // What its queue held, a gap, and the 1,000 entries that are kept.
        assert_eq!(read.gaps.len(), 1, "{:?}", read.gaps);
        let gap = &read.gaps[0];
        assert_eq!((&gap["to"], &gap["reason"], &gap["stream"]), (&json!(3_000), &json!("expired"), &stream));
        pair.publish(8, 500).await?;
        for due in 4_001..=4_008 {
            assert_eq!(slow.expect("entry").await?["offset"], due);
        }
        slow.quiet().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_reader_from_which_nothing_drains_is_closed_with_3002() -> anyhow::Result<()> {
    const TIMEOUT: Duration = Duration::from_millis(2_500);
    let daemon = Daemon::with(&[("TIDINGS_TIMES__SLOW_TIMEOUT_MS", &TIMEOUT.as_millis().to_string())])?;
    let channel = "messaging:busy";
    let mut pair = Pair::new(&daemon, channel).await?;
    let mut stopped = Vec::new();
    for codec in Codec::ALL {
        let mut slow = narrow(&daemon, "slow", codec).await?;
        let epoch = slow.subscribe(channel).await?["epoch"].take();
        stopped.push((codec, slow, epoch));
    }
    let start = Instant::now();
    pair.publish(800, 1_000).await?;
    figure(&daemon, "tidings_closed_slow_total", 2).await?;
    let waited = start.elapsed();
    assert!(waited >= TIMEOUT, "they were closed after {waited:?}");

    // The code stands behind what had left before.
    for (codec, mut slow, epoch) in stopped {
        widen(&slow)?;
        let ending = slow.ending().await?;
        assert_eq!((ending.code, ending.reason.as_str()), (3002, "slow"));
        assert_eq!(ending.told.context("a close frame")?["code"], 3002);

        // They come back, as the code says, and have all of it from the history.
        let mut slow = narrow(&daemon, "slow", codec).await?;
        assert_eq!(slow.resume(channel, &epoch, 0).await?["recovered"], "complete");
        let read = Read::up_to(&mut slow, 800).await?;
        assert!(read.gaps.is_empty(), "{:?}", read.gaps);
    }
    pair.publish(8, 1_000).await?;
    pair.reader.quiet().await
}

#[tokio::test]
async fn a_reader_that_never_reads_again_is_gone_in_the_end() -> anyhow::Result<()> {
    let daemon = Daemon::with(&[("TIDINGS_TIMES__SLOW_TIMEOUT_MS", "500")])?;
    let mut slow = narrow(&daemon, "slow", Codec::Json).await?;
    slow.subscribe("realtime:busy").await?;
    let mut pair = Pair::new(&daemon, "realtime:busy").await?;
    pair.publish(800, 1_000).await?;
    pair.publisher.wait_for_sessions("slow", 0).await?;
    // The publisher and the reader are left.
    figure(&daemon, "tidings_connections", 2).await?;
    drop(slow);
    pair.publish(8, 1_000).await
}

#[tokio::test]
async fn readers_that_stop_cost_no_more_than_their_queues() -> anyhow::Result<()> {
    const STOPPED: u64 = 40;
    /// What waits for one connection, and what a connection is besides.
    const EACH: u64 = 256 * 1024 + 16 * 1024;
    /// The histories' and the allocator's part.
    const ELSE: u64 = 8 * MIB;
    let daemon = Daemon::with(&[PATIENT])?;
    for (codec, channel) in Codec::ALL.into_iter().zip(["messaging:heavy", "realtime:heavy"]) {
        let mut pair = Pair::new(&daemon, channel).await?;
        pair.publish(64, 16 * 1024).await?;
        let before = daemon.resident_bytes()?;
        let mut stopped = Vec::new();
        for number in 0..STOPPED {
            let mut client = narrow(&daemon, &format!("slow-{number}"), codec).await?;
            client.subscribe(channel).await?;
            stopped.push(client);
        }
        pair.publish(2_000, 16 * 1024).await?;
        let grown = daemon.resident_bytes()?.saturating_sub(before);
        let published = 2_000 * 16 / 1024;
        println!("{channel}: {published} MiB to {STOPPED} readers that stopped, {} KiB more in memory", grown / 1024);
        assert!(grown < STOPPED * EACH + ELSE, "{grown} bytes more");
    }
    Ok(())
}

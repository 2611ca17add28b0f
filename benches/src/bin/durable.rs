//! Publications on disk: how many a second are answered `stored`, and how long one alone takes.
//!
//! ```text
//! cargo run --release -p tidings-bench --bin durable -- [--seconds 3] [--rounds 5] [--directory DIR]
//! ```
//!
//! Three things in turn, in the same run and on the same disk: a bare append and fdatasync of a file; the same inserts on
//! bare sled with `flush` and our own fdatasync, 256 in a batch; and the engine, with as many publications in flight, each
//! to the inbox of one of 10,000 users and answered when it is behind the barrier. Every user has got something before, in
//! the engine and in sled alike: what a user's first publication costs more (the head of the inbox) is not measured.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tidings::config::Config;
use tidings::host::{Admission, ConnectAsk, Denial, Host};
use tidings::message::Message;
use tidings::{Data, Engine};

const USERS: u64 = 10_000;
const IN_FLIGHT: u64 = 256;
const VALUE_BYTES: usize = 256;
const EVENT: &str = "NEW_MESSAGE";

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

struct Nobody;

impl Host for Nobody {
    async fn connect(&self, _: ConnectAsk) -> Result<Admission, Denial> {
        Err(Denial::forbidden())
    }
}

/// What is measured, and for how long.
struct Options {
    seconds: f64,
    rounds: usize,
    directory: Option<PathBuf>,
}

fn options() -> Outcome<Options> {
    let mut options = Options { seconds: 3.0, rounds: 5, directory: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} wants a value"))?;
        match name.as_str() {
            "--seconds" => options.seconds = value.parse()?,
            "--rounds" => options.rounds = value.parse()?,
            "--directory" => options.directory = Some(value.into()),
            _ => return Err(format!("{name}: there are --seconds, --rounds and --directory").into()),
        }
    }
    Ok(options)
}

/// A generator of users (SplitMix64): the same sequence each time.
struct Users(u64);

impl Users {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % USERS
    }
}

fn directory(at: Option<&Path>) -> Outcome<tempfile::TempDir> {
    Ok(at.map_or_else(tempfile::tempdir, tempfile::tempdir_in)?)
}

/// Median microseconds of one append of a value and one fdatasync.
fn bare_file(options: &Options) -> Outcome<f64> {
    let folder = directory(options.directory.as_deref())?;
    let mut file = OpenOptions::new().create(true).append(true).open(folder.path().join("log"))?;
    let value = [b'x'; VALUE_BYTES];
    let mut took = Vec::new();
    let end = Instant::now() + Duration::from_secs_f64(options.seconds);
    while Instant::now() < end {
        let began = Instant::now();
        file.write_all(&value)?;
        file.sync_data()?;
        took.push(began.elapsed());
    }
    Ok(median_us(&mut took))
}

/// Inserts a second on bare sled, and the median microseconds with one in a batch.
fn bare_sled(options: &Options) -> Outcome<(f64, f64)> {
    let folder = directory(options.directory.as_deref())?;
    let config = sled::Config::new().path(folder.path()).flush_every_ms(None).cache_capacity(64 << 20);
    let store = config.open()?;
    let file = File::open(folder.path().join("db"))?;
    let value = [b'x'; VALUE_BYTES];
    let (mut users, mut count) = (Users(1), 0_u64);
    let mut batch = |size: u64, user: Option<u64>| -> Outcome<Duration> {
        let began = Instant::now();
        for at in 0..size {
            count += 1;
            let mut key = [0; 24];
            key[..8].copy_from_slice(b"entries.");
            key[8..16].copy_from_slice(&user.map_or_else(|| users.next(), |user| user + at).to_be_bytes());
            key[16..].copy_from_slice(&count.to_be_bytes());
            store.insert(key, value.as_slice())?;
        }
        store.flush()?;
        file.sync_data()?;
        Ok(began.elapsed())
    };
    let mut first = 0;
    while first < USERS {
        batch(IN_FLIGHT.min(USERS - first), Some(first))?;
        first += IN_FLIGHT;
    }
    let (began, mut inserted) = (Instant::now(), 0);
    while began.elapsed().as_secs_f64() < options.seconds {
        batch(IN_FLIGHT, None)?;
        inserted += IN_FLIGHT;
    }
    let rate = per_second(inserted, began.elapsed());
    let mut took = Vec::new();
    let began = Instant::now();
    while began.elapsed().as_secs_f64() < options.seconds {
        took.push(batch(1, None)?);
    }
    Ok((rate, median_us(&mut took)))
}

/// Who sends to users of the engine.
#[derive(Clone)]
struct Sender {
    engine: Engine,
    names: Arc<Vec<String>>,
    data: Data,
}

impl Sender {
    async fn send(&self, user: u64) -> Result<(), tidings::error::Error> {
        let name = &self.names[usize::try_from(user).unwrap_or_default()];
        self.engine.send_stored(name, &Message::new(EVENT, &self.data)).await.map(drop)
    }

    /// One to `user`, and to every one that many further as are in flight.
    async fn send_each(self, mut user: u64) -> Result<(), tidings::error::Error> {
        while user < USERS {
            self.send(user).await?;
            user += IN_FLIGHT;
        }
        Ok(())
    }

    /// One after the other until it is over.
    async fn send_some(
        self,
        mut users: Users,
        over: Arc<AtomicBool>,
        count: Arc<AtomicU64>,
    ) -> Result<(), tidings::error::Error> {
        while !over.load(Ordering::Relaxed) {
            self.send(users.next()).await?;
            count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The same through the engine.
async fn tidings(options: &Options) -> Outcome<(f64, f64)> {
    let folder = directory(options.directory.as_deref())?;
    let mut config = Config::stored(folder.path().join("data"));
    config.store.inbox.entries_max = usize::MAX;
    config.store.inbox.bytes_max = usize::MAX;
    let engine = Engine::start(config, Nobody)?;
    let names: Arc<Vec<String>> = Arc::new((0..USERS).map(|user| format!("user{user:05}")).collect());
    let data = Data::new(&"x".repeat(VALUE_BYTES - 2))?;
    let sender = Sender { engine: engine.clone(), names, data };
    let all = (0..IN_FLIGHT).map(|first| tokio::spawn(sender.clone().send_each(first)));
    for task in all.collect::<Vec<_>>() {
        task.await??;
    }
    let (over, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let tasks: Vec<_> = (0..IN_FLIGHT)
        .map(|seed| tokio::spawn(sender.clone().send_some(Users(seed + 1), Arc::clone(&over), Arc::clone(&count))))
        .collect();
    tokio::time::sleep(Duration::from_secs_f64(options.seconds)).await;
    let rate = per_second(count.load(Ordering::Relaxed), began.elapsed());
    over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    let mut users = Users(7);
    let mut took = Vec::new();
    let began = Instant::now();
    while began.elapsed().as_secs_f64() < options.seconds {
        let user = users.next();
        let began = Instant::now();
        sender.send(user).await?;
        took.push(began.elapsed());
    }
    engine.shutdown(Duration::from_secs(1)).await;
    Ok((rate, median_us(&mut took)))
}

fn median_us(took: &mut [Duration]) -> f64 {
    took.sort_unstable();
    took.get(took.len() / 2).map_or(f64::NAN, |median| median.as_secs_f64() * 1e6)
}

#[expect(clippy::cast_precision_loss, reason = "a count of inserts is far below 2^53")]
fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
    // Of an even number, the middle of the two in the middle.
    f64::midpoint(at(values.len().saturating_sub(1) / 2), at(values.len() / 2))
}

fn main() -> Outcome<()> {
    let options = options()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!(
        "{:>5} {:>12} {:>12} {:>12} {:>7} {:>12} {:>12} {:>7}",
        "round", "file us", "sled/s", "engine/s", "ratio", "sled us", "engine us", "ratio"
    );
    let (mut rates, mut latencies) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        let file_us = bare_file(&options)?;
        let (sled_rate, sled_us) = bare_sled(&options)?;
        let (rate, us) = runtime.block_on(tidings(&options))?;
        println!(
            "{round:>5} {file_us:>12.0} {sled_rate:>12.0} {rate:>12.0} {:>7.2} {sled_us:>12.0} {us:>12.0} {:>7.2}",
            rate / sled_rate,
            us / file_us
        );
        rates.push(rate / sled_rate);
        latencies.push(us / file_us);
    }
    println!("median: {:.2} of bare sled's inserts; one alone {:.2} x a bare append", median(rates), median(latencies));
    Ok(())
}

//! Sessions inside one process: what each costs in memory, and what a publication costs however many there are.
//!
//! ```text
//! cargo run --release -p tidings-bench --bin inprocess -- 1000 10000 100000 1000000
//! ```
//!
//! Every session is another user's and subscribes to one channel; a channel has 1,000 of them. Publications go round
//! the channels. The floor is the least that a delivery can be: the same bytes appended to as many buffers behind
//! locks, in the same order, with nothing else around it.

use std::fs;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tidings::config::Config;
use tidings::host::{Admission, ConnectAsk, Denial, Host};
use tidings::local::Local;
use tidings::{Data, Engine, Grants};

const PER_CHANNEL: usize = 1_000;
const PUBLICATIONS: usize = 4_000;
const FRAME_BYTES: usize = 256;

struct Names;

impl Host for Names {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        Ok(Admission::new(ask.token).grants(Grants::all()))
    }
}

/// Resident memory of this process in bytes (proc(5), `VmRSS`).
fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() * 1_024
}

fn engine() -> Result<Engine, tidings::error::Error> {
    let mut config = Config::default();
    config.limits.connections_max = 2_000_000;
    config.limits.messages_per_minute = 0;
    config.times.connect_timeout_ms = 600_000;
    config.times.ping_interval_ms = 600_000;
    Engine::start(config, Names)
}

fn connect(engine: &Engine, at: usize, channels: usize) -> Result<Local, tidings::error::Error> {
    let local = engine.connect_local()?;
    let channel = at % channels;
    local.send(&format!("{{\"id\":1,\"connect\":{{\"token\":\"user{at}\"}}}}"));
    local.send(&format!("{{\"id\":2,\"subscribe\":{{\"channel\":\"realtime:{channel}\"}}}}"));
    local.discard();
    Ok(local)
}

/// Publishes round the channels and takes what arrives away, in the same order. Returns the time of the publishing half.
async fn publish(engine: &Engine, locals: &[Local], channels: usize) -> Result<Duration, Box<dyn std::error::Error>> {
    let data = Data::new(&"x".repeat(128))?;
    let mut spent = Duration::ZERO;
    for at in 0..PUBLICATIONS {
        let channel = at % channels;
        let name = format!("realtime:{channel}");
        let before = engine.stats().bytes_out;
        let began = Instant::now();
        engine.publish(&name, "E", &data)?;
        while engine.stats().bytes_out == before {
            tokio::task::yield_now().await;
        }
        spent += began.elapsed();
        locals.iter().skip(channel).step_by(channels).for_each(Local::discard);
    }
    Ok(spent)
}

fn floor(sessions: usize, channels: usize) -> Duration {
    let frame = [b'x'; FRAME_BYTES];
    let buffers: Vec<Arc<Mutex<Vec<u8>>>> = (0..sessions).map(|_| Arc::default()).collect();
    let mut spent = Duration::ZERO;
    for at in 0..PUBLICATIONS {
        let mine = || buffers.iter().skip(at % channels).step_by(channels);
        let began = Instant::now();
        for buffer in mine() {
            if let Ok(mut buffer) = buffer.lock() {
                buffer.extend_from_slice(black_box(&frame));
            }
        }
        spent += began.elapsed();
        for buffer in mine() {
            if let Ok(mut buffer) = buffer.lock() {
                *buffer = Vec::new();
            }
        }
    }
    spent
}

fn per_delivery_ns(spent: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of deliveries is far below 2^53")]
    let deliveries = (PUBLICATIONS * PER_CHANNEL) as f64;
    spent.as_secs_f64() * 1e9 / deliveries
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let counts: Vec<usize> = std::env::args().skip(1).map(|count| count.parse()).collect::<Result<_, _>>()?;
    let counts = if counts.is_empty() { vec![1_000, 10_000, 100_000, 1_000_000] } else { counts };
    println!(
        "{:>10} {:>9} {:>14} {:>14} {:>14} {:>7}",
        "sessions", "channels", "bytes/session", "ns/delivery", "floor ns", "ratio"
    );
    for sessions in counts {
        let channels = (sessions / PER_CHANNEL).max(1);
        let engine = engine()?;
        let before = resident_bytes();
        let locals = (0..sessions).map(|at| connect(&engine, at, channels)).collect::<Result<Vec<_>, _>>()?;
        let bytes = resident_bytes().saturating_sub(before) / sessions as u64;
        let spent = per_delivery_ns(publish(&engine, &locals, channels).await?);
        drop(locals);
        engine.shutdown(Duration::from_secs(60)).await;
        let least = per_delivery_ns(floor(sessions, channels));
        println!("{sessions:>10} {channels:>9} {bytes:>14} {spent:>14.1} {least:>14.1} {:>7.2}", spent / least);
    }
    Ok(())
}

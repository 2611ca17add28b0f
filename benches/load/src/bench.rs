//! `bench`: floor and daemon in turn, in the same run.
//!
//! Both servers run pinned to one core and this program to another. Where it can be, both are up at once and measured
//! in alternating slices of a second or two, so that whatever the machine does beside us hits both alike; what counts
//! is the median of the ratios of neighbouring slices.

mod attack;
mod durable;
mod parts;
mod presence;
mod probe;
mod row;

use crate::cli::{BenchArgs, BenchPart};
use crate::codec::Codec;
use crate::machine::{self, Cores, pin_to};
use crate::progress::Progress;
use crate::server::{Program, Server};
use anyhow::{Context as _, Result, bail};
use row::{Row, grid};
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

/// How large and how long the measurements are.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// Rounds of each comparison.
    rounds: usize,
    /// Rounds of what takes long: memory, and slow subscribers.
    long_rounds: usize,
    /// Subscribers of fan-outs whose CPU is measured.
    subscribers: u32,
    /// Subscribers of the fan-out whose latency is measured.
    rate_subscribers: u32,
    /// Users of unicast.
    users: u32,
    /// Connects in one slice.
    connects: u32,
    /// Idle connections.
    idle: u32,
    /// Idle connections that have received messages.
    idle_used: u32,
    /// Length of a slice with a closed loop.
    slice_seconds: f64,
    /// Length of a run with an open loop.
    rate_seconds: f64,
    /// Length of a run with a slow subscriber.
    slow_seconds: f64,
    /// Comebacks.
    comeback: ComebackScale,
}

/// How large the comebacks are.
#[derive(Debug, Clone, Copy)]
struct ComebackScale {
    /// Users that come back.
    users: u32,
    /// What each of them missed.
    entries: u64,
    /// What the one user missed who was away for long.
    missed: u64,
    /// How long the others are measured before, in seconds.
    before_seconds: f64,
}

impl Scale {
    fn new(args: &BenchArgs) -> Self {
        if args.quick {
            let rounds = args.rounds.unwrap_or(2).max(1);
            return Self {
                rounds,
                long_rounds: 1,
                subscribers: 200,
                rate_subscribers: 500,
                users: 500,
                connects: 500,
                idle: 2_000,
                idle_used: 500,
                slice_seconds: 0.4,
                rate_seconds: 2.0,
                slow_seconds: 4.0,
                comeback: ComebackScale { users: 500, entries: 50, missed: 10_000, before_seconds: 1.0 },
            };
        }
        let rounds = args.rounds.unwrap_or(5).max(1);
        Self {
            rounds,
            long_rounds: rounds.min(3),
            subscribers: 1_000,
            rate_subscribers: 5_000,
            users: 5_000,
            connects: 5_000,
            idle: 15_000,
            idle_used: 5_000,
            slice_seconds: 1.5,
            rate_seconds: 10.0,
            slow_seconds: 15.0,
            comeback: ComebackScale { users: 5_000, entries: 100, missed: 100_000, before_seconds: 5.0 },
        }
    }
}

/// What all parts share.
struct Bench<'a> {
    daemon: PathBuf,
    scale: Scale,
    cores: Option<Cores>,
    progress: &'a mut Progress,
    rows: Vec<Row>,
}

/// Runs all parts that were asked for and prints the comparison; says whether every bar was met.
///
/// # Errors
/// When a server does not start or refuses.
pub fn bench(args: &BenchArgs, progress: &mut Progress, json: bool) -> Result<bool> {
    let daemon = args.daemon.canonicalize().with_context(|| {
        format!("no daemon at {} (build it: cargo build --release -p tidingsd)", args.daemon.display())
    })?;
    if cfg!(debug_assertions) {
        bail!("this is a debug build, which would be measured itself: cargo run --release -p tidings-load -- bench …");
    }
    let cores = Cores::choose();
    if let Some(cores) = cores {
        pin_to(cores.driver)?;
    }
    let begun = Instant::now();
    let mut bench = Bench { daemon, scale: Scale::new(args), cores, progress, rows: Vec::new() };
    let all = [
        BenchPart::Fanout,
        BenchPart::Rate,
        BenchPart::Unicast,
        BenchPart::Connect,
        BenchPart::Idle,
        BenchPart::IdleUsed,
        BenchPart::Slow,
        BenchPart::Comeback,
        BenchPart::DurableFanout,
        BenchPart::DurableUnicast,
        BenchPart::Sse,
        BenchPart::IdleSse,
        BenchPart::Attack,
        BenchPart::Presence,
    ];
    for part in all.into_iter().filter(|part| args.only.is_empty() || args.only.contains(part)) {
        let outcome = bench.part(part);
        if outcome.is_err() {
            bench.progress.clear();
        }
        outcome.with_context(|| format!("{part:?}"))?;
    }
    let rows = std::mem::take(&mut bench.rows);
    bench.progress.clear();
    let passed = rows.iter().all(Row::passed);
    let conditions = conditions(args, cores, begun.elapsed().as_secs_f64());
    let result = json!({
        "passed": passed,
        "conditions": conditions,
        "rows": rows.iter().map(Row::to_json).collect::<Vec<_>>(),
    });
    if json {
        println!("{result:#}");
    } else {
        println!("{}\n", conditions.join("\n"));
        print!("{}", grid(&rows));
        for row in &rows {
            row.notes().for_each(|note| println!("{note}"));
        }
    }
    if let Some(path) = &args.json_file {
        fs::write(path, format!("{result:#}\n")).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &args.markdown {
        fs::write(path, markdown(&rows, &conditions)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(passed)
}

impl Bench<'_> {
    fn part(&mut self, part: BenchPart) -> Result<()> {
        match part {
            BenchPart::Fanout => self.fanout(false, &Codec::ALL),
            BenchPart::Rate => self.rate(),
            BenchPart::Unicast => self.unicast(false, &Codec::ALL),
            BenchPart::Connect => self.connect(),
            BenchPart::Idle => self.idle("idle", self.scale.idle, 0),
            BenchPart::IdleUsed => self.idle("idle after 100 messages", self.scale.idle_used, 100),
            BenchPart::Slow => self.slow(),
            BenchPart::Comeback => self.comebacks(),
            BenchPart::DurableFanout => self.fanout(true, &[Codec::Json]),
            BenchPart::DurableUnicast => self.unicast(true, &[Codec::Json]),
            BenchPart::Sse => self.events(),
            BenchPart::Presence => self.presence(),
            BenchPart::IdleSse => self.idle_events(self.scale.idle),
            BenchPart::Attack => self.attack(),
        }
    }

    /// A daemon that keeps nothing on disk, unless it is `durable`.
    fn start_daemon(&self, durable: bool) -> Result<Server> {
        Server::start(&Program::Daemon { path: self.daemon.clone(), durable }, self.cores)
    }

    fn start_floor(&self, unicast: bool, frame_bytes: usize) -> Result<Server> {
        Server::start(&Program::Floor { unicast, frame_bytes }, self.cores)
    }
}

/// Where and how the figures came about, a line each.
fn conditions(args: &BenchArgs, cores: Option<Cores>, seconds: f64) -> Vec<String> {
    let Scale { rounds, slice_seconds, .. } = Scale::new(args);
    let place = match cores {
        Some(Cores { server, driver }) => format!("servers on core {server}, driver on core {driver}"),
        None => "servers and driver share the only core: expect no meaning in these figures".to_owned(),
    };
    let command: Vec<String> = std::env::args().skip(1).collect();
    let mut lines = vec![
        format!("Machine: {}; {place}.", machine::description()),
        format!("Command: tidings-load {}", command.join(" ")),
        format!(
            "Medians of {rounds} rounds in turn, with (least..greatest); slices of {slice_seconds} s; {seconds:.0} s in \
             all; payload 128 bytes unless said otherwise."
        ),
    ];
    if args.quick {
        lines.push("Quick: fewer connections and shorter runs than the bars are meant for.".to_owned());
    }
    lines
}

fn markdown(rows: &[Row], conditions: &[String]) -> String {
    let mut text = String::new();
    for line in conditions {
        text.push_str(&format!("- {line}\n"));
    }
    text.push_str(&format!("\n{}\n", grid(rows).markdown()));
    for note in rows.iter().flat_map(Row::notes) {
        text.push_str(&format!("- {note}\n"));
    }
    text
}

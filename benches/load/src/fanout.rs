//! Scenario `fanout`: one publisher, many subscribers.

use crate::book::{Book, Faults};
use crate::command::{NAMES_MAX, Shape, Template};
use crate::connection::{Join, Seat};
use crate::driver::{Driver, DriverOptions, Nobody, Receiver};
use crate::latency::Latencies;
use crate::marker::Mark;
use crate::measure::{Measured, RunReport, measure};
use crate::plan::{Load, Plan};
use crate::progress::Progress;
use crate::table::Table;
use crate::target::Target;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long the fate of slow subscribers is waited for, once they read again.
const FATE_PATIENCE: Duration = Duration::from_secs(2);

/// What a fan-out consists of.
#[derive(Debug, Clone)]
pub struct FanoutOptions {
    /// Subscribers, slow ones included.
    pub subscribers: u32,
    /// Channels that they share evenly.
    pub channels: u32,
    /// Subscribers that stop reading.
    pub slow: u32,
    /// The messages.
    pub shape: Shape,
    /// Connections being opened at once.
    pub parallel: usize,
}

/// Connected subscribers and their publisher.
#[derive(Debug)]
pub struct Fanout {
    driver: Driver,
    load: FanoutLoad,
    slow: Vec<usize>,
}

#[derive(Debug)]
struct FanoutLoad {
    book: Book,
    template: Template,
    publisher: usize,
    over: Arc<AtomicBool>,
}

impl Fanout {
    /// Connects all.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn open(target: &Target, options: &FanoutOptions, progress: &mut Progress) -> Result<Self> {
        let FanoutOptions { subscribers, channels, slow, ref shape, parallel } = *options;
        ensure!(subscribers < NAMES_MAX, "at most {NAMES_MAX} connections");
        ensure!(channels > 0 && channels <= subscribers.max(1), "between 1 channel and one for each subscriber");
        ensure!(slow <= subscribers, "more slow subscribers than subscribers");
        let driver_options = DriverOptions {
            namespace: shape.namespace.clone(),
            payload_bytes: shape.payload_bytes,
            parallel,
            pipelined: false,
        };
        let mut driver = Driver::new(target.clone(), driver_options)?;
        let template = if target.is_floor() { Template::floor(shape)? } else { Template::tidings(shape)? };
        // Slow ones are spread among the others, as servers serve subscribers in some order of their own.
        let is_slow =
            |subscriber: u32| (u64::from(subscriber) * u64::from(slow)) % u64::from(subscribers) < u64::from(slow);
        let seat = |number: usize| {
            let user = number as u32;
            match user < subscribers {
                true => Seat { user, join: Join::Channel(user % channels), slow: is_slow(user) },
                false => Seat { user, join: Join::Nothing, slow: false },
            }
        };
        let total = subscribers as usize + 1;
        driver.open_all(total, false, seat, |ready| progress.tick(|| format!("{ready} of {total} connected")))?;
        let mut book = Book::new(channels);
        let mut slow = Vec::new();
        for subscriber in 0..subscribers {
            if is_slow(subscriber) {
                driver.pause(subscriber as usize);
                slow.push(subscriber as usize);
            }
            book.add((!is_slow(subscriber)).then_some(subscriber % channels));
        }
        Ok(Self {
            driver,
            load: FanoutLoad { book, template, publisher: subscribers as usize, over: Arc::default() },
            slow,
        })
    }

    /// Warms up with `warmup` messages, then measures one run.
    ///
    /// # Errors
    /// When the system fails or the server's process is gone.
    pub fn run(&mut self, plan: &Plan, warmup: u64, pid: Option<u32>, progress: &mut Progress) -> Result<RunReport> {
        measure(&mut self.driver, &mut self.load, plan, warmup, pid, progress)
    }

    /// What ends a run of [`Limit::Load`](crate::plan::Limit::Load) when it is set.
    #[must_use]
    pub fn over(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.load.over)
    }

    /// The connections.
    pub fn driver(&mut self) -> &mut Driver {
        &mut self.driver
    }

    /// Lets the slow subscribers read again and tells what became of them.
    ///
    /// # Errors
    /// When the system fails.
    pub fn slow_fate(&mut self) -> Result<SlowFate> {
        for connection in &self.slow {
            self.driver.resume(*connection, &mut Nobody);
        }
        let deadline = Instant::now() + FATE_PATIENCE;
        while Instant::now() < deadline && self.slow.iter().any(|slow| self.driver.is_ready(*slow)) {
            self.driver.turn(Duration::from_millis(50), &mut Nobody)?;
        }
        let open = self.slow.iter().filter(|slow| self.driver.is_ready(**slow)).count();
        let closed = self.driver.tally.closes(|connection| self.slow.contains(&connection));
        Ok(SlowFate { slow: self.slow.len(), open, closed })
    }
}

impl Receiver for FanoutLoad {
    fn received(&mut self, connection: usize, mark: Mark, now_ns: u64) {
        self.book.received(connection, mark, now_ns);
    }
}

impl Load for FanoutLoad {
    fn send(&mut self, driver: &mut Driver, due_ns: u64) {
        let (sequence, channel) = self.book.publish();
        driver.send(self.publisher, &mut self.template, channel, Mark { sequence, due_ns });
    }

    fn in_flight(&self) -> usize {
        self.book.in_flight()
    }

    fn arrivals(&self) -> u64 {
        self.book.arrivals()
    }

    fn needs(&self, connection: usize) -> bool {
        connection == self.publisher || self.book.tracks(connection)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

impl Measured for FanoutLoad {
    fn close_run(&mut self) -> (Latencies, Faults) {
        self.book.close_run()
    }

    fn message_name(&self) -> &'static str {
        "publications"
    }
}

/// What became of the subscribers that stopped reading.
#[derive(Debug, Clone)]
pub struct SlowFate {
    /// How many there were.
    pub slow: usize,
    /// How many the server kept.
    pub open: usize,
    /// With what words it ended the others.
    pub closed: BTreeMap<String, u64>,
}

impl SlowFate {
    /// For machines.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "slow": self.slow, "open": self.open, "closed": self.closed })
    }

    /// For people.
    pub fn rows(&self, table: &mut Table) {
        if self.slow > 0 {
            table.row("slow subscribers", self);
        }
    }
}

impl std::fmt::Display for SlowFate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} stopped reading: {} still open", self.slow, self.open)?;
        for (words, count) in &self.closed {
            write!(f, ", {count} closed ({words})")?;
        }
        Ok(())
    }
}

//! Scenario `presence`: users that watch each other and change, one after the other.

use crate::book::Faults;
use crate::codec::Codec;
use crate::command::{NAMES_MAX, Template, user_name};
use crate::connection::{Join, Seat};
use crate::driver::{Driver, DriverOptions, Nobody, Receiver};
use crate::latency::Latencies;
use crate::marker::Mark;
use crate::measure::{Measured, RunReport, measure};
use crate::plan::{Load, Plan};
use crate::progress::Progress;
use crate::target::Target;
use anyhow::{Result, bail, ensure};
use serde_json::json;
use std::collections::VecDeque;
use std::mem;
use std::time::{Duration, Instant};

/// How long the server may take to answer all `watch`es.
const WATCH_PATIENCE: Duration = Duration::from_secs(60);

/// What a presence run consists of.
#[derive(Debug, Clone)]
pub struct PresenceOptions {
    /// How many users, one device each.
    pub users: u32,
    /// How many others each of them watches, and is watched by.
    pub watched: u32,
    /// Length of the text that a change carries, mark included, in bytes.
    pub text_bytes: usize,
    /// Form of the frames.
    pub codec: Codec,
    /// Connections being opened at once.
    pub parallel: usize,
}

/// Connected users that watch each other.
#[derive(Debug)]
pub struct Presence {
    driver: Driver,
    load: PresenceLoad,
}

/// One change that is on its way.
#[derive(Debug)]
struct Change {
    sender: usize,
    left: u32,
}

#[derive(Debug)]
struct PresenceLoad {
    template: Template,
    users: u32,
    watched: u32,
    /// Changes from `first` on.
    changes: VecDeque<Change>,
    first: u64,
    in_flight: usize,
    arrivals: u64,
    faults: Faults,
    latencies: Latencies,
}

impl Presence {
    /// Connects all, and lets each watch its others.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn open(target: &Target, options: &PresenceOptions, progress: &mut Progress) -> Result<Self> {
        let PresenceOptions { users, watched, text_bytes, codec, parallel } = *options;
        ensure!(users < NAMES_MAX && watched < users, "less than {NAMES_MAX} users, each watching fewer");
        let driver_options =
            DriverOptions { namespace: String::new(), payload_bytes: text_bytes, parallel, pipelined: false };
        let mut driver = Driver::new(target.clone(), driver_options)?;
        let seat = |number: usize| Seat { user: number as u32, join: Join::Inbox, slow: false };
        let tell = |ready| progress.tick(|| format!("{ready} of {users} connected"));
        driver.open_all(users as usize, false, seat, tell)?;
        let stride = (users / (watched + 1)).max(1);
        for user in 0..if watched == 0 { 0 } else { users } {
            let names: Vec<String> = (0..watched).map(|step| user_name((user + 1 + step * stride) % users)).collect();
            driver.command(user as usize, &json!({ "id": 3, "watch": { "users": names } }))?;
            if user % 64 == 0 {
                driver.turn(Duration::ZERO, &mut Nobody)?;
            }
        }
        let deadline = Instant::now() + WATCH_PATIENCE;
        while watched > 0 && driver.tally.answers < u64::from(users) {
            driver.turn(Duration::from_millis(10), &mut Nobody)?;
            if Instant::now() > deadline {
                bail!("the server answered {} of {users} watches in {WATCH_PATIENCE:?}", driver.tally.answers);
            }
        }
        let template = Template::presence(codec, text_bytes)?;
        Ok(Self { driver, load: PresenceLoad::new(template, users, watched) })
    }

    /// Warms up with `warmup` changes, then measures one run.
    ///
    /// # Errors
    /// When the system fails or the server's process is gone.
    pub fn run(&mut self, plan: &Plan, warmup: u64, pid: Option<u32>, progress: &mut Progress) -> Result<RunReport> {
        measure(&mut self.driver, &mut self.load, plan, warmup, pid, progress)
    }
}

impl PresenceLoad {
    fn new(template: Template, users: u32, watched: u32) -> Self {
        Self {
            template,
            users,
            watched,
            changes: VecDeque::new(),
            first: 0,
            in_flight: 0,
            arrivals: 0,
            faults: Faults::default(),
            latencies: Latencies::default(),
        }
    }
}

impl Receiver for PresenceLoad {
    fn received(&mut self, connection: usize, mark: Mark, now_ns: u64) {
        let known = mark.sequence.checked_sub(self.first).and_then(|at| self.changes.get_mut(at as usize));
        let Some(change) = known else {
            self.faults.duplicates += u64::from(connection != (mark.sequence % u64::from(self.users)) as usize);
            return;
        };
        // The sender's own is the answer to its command.
        if (connection == change.sender) != (self.watched == 0) {
            return;
        }
        if change.left == 0 {
            self.faults.duplicates += 1;
            return;
        }
        change.left -= 1;
        self.arrivals += 1;
        self.latencies.record_ns(now_ns.saturating_sub(mark.due_ns));
        if change.left == 0 {
            self.in_flight -= 1;
            while self.changes.front().is_some_and(|change| change.left == 0) {
                self.changes.pop_front();
                self.first += 1;
            }
        }
    }
}

impl Load for PresenceLoad {
    fn send(&mut self, driver: &mut Driver, due_ns: u64) {
        let sequence = self.first + self.changes.len() as u64;
        // In turn, so that nobody flaps.
        let sender = (sequence % u64::from(self.users)) as usize;
        self.changes.push_back(Change { sender, left: self.watched.max(1) });
        self.in_flight += 1;
        driver.send(sender, &mut self.template, 0, Mark { sequence, due_ns });
    }

    fn in_flight(&self) -> usize {
        self.in_flight
    }

    fn arrivals(&self) -> u64 {
        self.arrivals
    }

    fn needs(&self, _: usize) -> bool {
        true
    }
}

impl Measured for PresenceLoad {
    fn close_run(&mut self) -> (Latencies, Faults) {
        let mut faults = mem::take(&mut self.faults);
        faults.lost = self.in_flight as u64;
        (mem::take(&mut self.latencies), faults)
    }

    fn message_name(&self) -> &'static str {
        "changes"
    }
}

//! Scenario `unicast`: users that send to each other, in random pairs.

use crate::book::Faults;
use crate::command::{NAMES_MAX, Shape, Template};
use crate::connection::{Join, Seat};
use crate::driver::{Driver, DriverOptions, Receiver};
use crate::latency::Latencies;
use crate::marker::Mark;
use crate::measure::{Measured, RunReport, measure};
use crate::plan::{Load, Plan};
use crate::progress::Progress;
use crate::target::Target;
use crate::token::Tokens;
use anyhow::{Result, ensure};
use std::collections::VecDeque;
use std::mem;

/// What a unicast run consists of.
#[derive(Debug, Clone)]
pub struct UnicastOptions {
    /// How many users.
    pub users: u32,
    /// Seed of the pairs.
    pub seed: u64,
    /// The messages.
    pub shape: Shape,
    /// Connections being opened at once.
    pub parallel: usize,
}

/// Connected users.
#[derive(Debug)]
pub struct Unicast {
    driver: Driver,
    load: UnicastLoad,
}

/// Stands for "has arrived" in place of an addressee.
const ARRIVED: u32 = u32::MAX;

#[derive(Debug)]
struct UnicastLoad {
    template: Template,
    users: u32,
    random: u64,
    /// Addressee of each message from `first` on, or [`ARRIVED`].
    addressees: VecDeque<u32>,
    first: u64,
    in_flight: usize,
    arrivals: u64,
    faults: Faults,
    latencies: Latencies,
}

impl Unicast {
    /// Connects all.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn open(target: &Target, options: &UnicastOptions, progress: &mut Progress) -> Result<Self> {
        let UnicastOptions { users, seed, ref shape, parallel } = *options;
        ensure!((2..NAMES_MAX).contains(&users), "between 2 and {NAMES_MAX} users");
        ensure!(
            target.is_floor() || matches!(target.tokens, Tokens::Secret(_)),
            "unicast needs a token for each user: give the server's JWT_SECRET as --secret"
        );
        let driver_options = DriverOptions {
            namespace: shape.namespace.clone(),
            payload_bytes: shape.payload_bytes,
            parallel,
            pipelined: false,
        };
        let mut driver = Driver::new(target.clone(), driver_options)?;
        let template = if target.is_floor() { Template::floor(shape)? } else { Template::tidings(shape)? };
        let seat = |number: usize| Seat { user: number as u32, join: Join::Inbox, slow: false };
        let tell = |ready| progress.tick(|| format!("{ready} of {users} connected"));
        driver.open_all(users as usize, false, seat, tell)?;
        Ok(Self { driver, load: UnicastLoad::new(template, users, seed) })
    }

    /// Warms up with `warmup` messages, then measures one run.
    ///
    /// # Errors
    /// When the system fails or the server's process is gone.
    pub fn run(&mut self, plan: &Plan, warmup: u64, pid: Option<u32>, progress: &mut Progress) -> Result<RunReport> {
        measure(&mut self.driver, &mut self.load, plan, warmup, pid, progress)
    }
}

impl UnicastLoad {
    fn new(template: Template, users: u32, seed: u64) -> Self {
        Self {
            template,
            users,
            random: seed,
            addressees: VecDeque::new(),
            first: 0,
            in_flight: 0,
            arrivals: 0,
            faults: Faults::default(),
            latencies: Latencies::default(),
        }
    }

    /// A number below `limit`, by splitmix64: the same seed gives the same pairs.
    fn below(&mut self, limit: u32) -> u32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % u64::from(limit)) as u32
    }

    fn pair(&mut self) -> (u32, u32) {
        let sender = self.below(self.users);
        let step = 1 + self.below(self.users - 1);
        (sender, (sender + step) % self.users)
    }
}

impl Receiver for UnicastLoad {
    fn received(&mut self, connection: usize, mark: Mark, now_ns: u64) {
        let Some(at) = mark.sequence.checked_sub(self.first) else {
            self.faults.duplicates += 1;
            return;
        };
        let Some(addressee) = self.addressees.get_mut(at as usize) else {
            self.faults.foreign += 1;
            return;
        };
        if *addressee == ARRIVED {
            self.faults.duplicates += 1;
        } else if *addressee as usize != connection {
            self.faults.misdelivered += 1;
        } else {
            *addressee = ARRIVED;
            self.in_flight -= 1;
            self.arrivals += 1;
            self.latencies.record_ns(now_ns.saturating_sub(mark.due_ns));
            while self.addressees.front() == Some(&ARRIVED) {
                self.addressees.pop_front();
                self.first += 1;
            }
        }
    }
}

impl Load for UnicastLoad {
    fn send(&mut self, driver: &mut Driver, due_ns: u64) {
        let (sender, addressee) = self.pair();
        let sequence = self.first + self.addressees.len() as u64;
        self.addressees.push_back(addressee);
        self.in_flight += 1;
        driver.send(sender as usize, &mut self.template, addressee, Mark { sequence, due_ns });
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

impl Measured for UnicastLoad {
    fn close_run(&mut self) -> (Latencies, Faults) {
        let mut faults = mem::take(&mut self.faults);
        faults.lost = self.in_flight as u64;
        (mem::take(&mut self.latencies), faults)
    }

    fn message_name(&self) -> &'static str {
        "messages"
    }
}

#[cfg(test)]
mod tests;

//! Scenario `comeback`: users that were away come back all at once, while others go on talking.
//!
//! What waits for each user is written first, through a few connections, and is on disk before anything else happens.
//! Then all connections are opened and upgraded, so that what is measured is `connect` and the delivery of what waits,
//! and nothing else. Each entry tells its addressee and its place, so loss, duplicates and wrong order are found.

mod absent;
mod report;
mod returning;

pub use report::{ComebackReport, OthersReport, ServerMemory};

use crate::command::{Answer, NAMES_MAX, Shape};
use crate::connection::{Join, Seat};
use crate::driver::{Driver, DriverOptions};
use crate::fanout::{Fanout, FanoutOptions};
use crate::measure::RunReport;
use crate::plan::{Limit, Pace, Plan, Trouble};
use crate::process::{CpuTimes, resident_kib};
use crate::progress::Progress;
use crate::target::Target;
use crate::token::Tokens;
use anyhow::{Result, anyhow, bail, ensure};
use returning::Returning;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// The name of the device that comes back.
const DEVICE: &str = "phone";
/// The first of the absent users; those before it are the others and the senders.
const FIRST_USER: u32 = 10_000;
/// Most subscribers of the others' channel.
const OTHERS_MAX: u32 = 9_000;
/// How long nothing may arrive while something is awaited.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one turn waits at most.
const TURN_MAX: Duration = Duration::from_millis(10);
/// How often the server's memory is looked at.
const MEMORY_INTERVAL: Duration = Duration::from_millis(20);
/// How long the server has for what was acknowledged, and how long a second comeback is watched.
const AFTER: Duration = Duration::from_secs(1);
/// Messages to the others before those that count.
const OTHERS_WARMUP: u64 = 8;

/// What a comeback consists of.
#[derive(Debug, Clone)]
pub struct ComebackOptions {
    /// Users that come back.
    pub users: u32,
    /// Entries that wait for each.
    pub entries: u64,
    /// Namespace whose rules apply to what is sent to them.
    pub namespace: String,
    /// Length of the text in each entry's data, in bytes.
    pub payload_bytes: usize,
    /// Connections being opened at once.
    pub parallel: usize,
    /// Who talks meanwhile.
    pub others: Others,
}

/// Those who were never away.
#[derive(Debug, Clone)]
pub struct Others {
    /// Subscribers of one channel; 0 for no others.
    pub subscribers: u32,
    /// Namespace of the channel.
    pub namespace: String,
    /// Messages a second, in an open loop.
    pub rate: f64,
    /// How long their latency is measured before the comeback, in seconds.
    pub before_seconds: f64,
}

/// Prepares, measures and checks a comeback.
///
/// # Errors
/// When the server refuses. What it does wrong stands in the report.
pub fn comeback(
    target: &Target,
    options: &ComebackOptions,
    pid: Option<u32>,
    progress: &mut Progress,
) -> Result<ComebackReport> {
    check(target, options)?;
    let mut others = options.others.open(target, options, progress)?;
    let prepared_seconds = absent::send_all(target, options, progress)?;
    let mut returning = Returning::new(options.users, options.entries);
    let mut driver = open(target, options, progress)?;
    let before = match &mut others {
        Some(others) => {
            let limit = Limit::Seconds(options.others.before_seconds);
            Some(others.run(&Plan { pace: options.others.pace(), limit }, OTHERS_WARMUP, None, progress)?)
        }
        None => None,
    };
    let (mut report, during) = beside(others.as_mut(), options.others.pace(), || {
        all_connect(&mut driver, &mut returning, options, pid, progress)
    })?;
    report.prepared_seconds = prepared_seconds;
    report.others = before.zip(during).map(|(before, during)| OthersReport { before, during });
    if report.failures.is_empty() {
        returning.acknowledge(&mut driver)?;
        watch(&mut driver, &mut returning, AFTER)?;
    }
    driver.close_all();
    if report.failures.is_empty() {
        report.failures.extend(again(target, options, progress)?);
    }
    Ok(report)
}

fn check(target: &Target, options: &ComebackOptions) -> Result<()> {
    let &ComebackOptions { users, entries, ref others, .. } = options;
    ensure!(!target.is_floor(), "the floor server keeps nothing for users who are away");
    ensure!(
        matches!(target.tokens, Tokens::Secret(_)),
        "each user needs a token: give the server's JWT_SECRET as --secret"
    );
    ensure!((1..NAMES_MAX - FIRST_USER).contains(&users), "between 1 and {} users", NAMES_MAX - FIRST_USER - 1);
    ensure!((1..u64::from(u32::MAX)).contains(&entries), "at least 1 entry, and fewer than 2^32");
    ensure!(others.subscribers <= OTHERS_MAX, "at most {OTHERS_MAX} others");
    Ok(())
}

/// Opens and upgrades a connection for each user.
fn open(target: &Target, options: &ComebackOptions, progress: &mut Progress) -> Result<Driver> {
    let users = options.users;
    let mut driver = Driver::new(target.clone(), options.driver_options())?;
    let seat = |number: usize| Seat { user: FIRST_USER + number as u32, join: Join::Later, slow: false };
    driver.open_all(users as usize, false, seat, |ready| progress.tick(|| format!("{ready} of {users} upgraded")))?;
    Ok(driver)
}

/// Carries out `comeback` while the others talk, from a thread of their own, so that what they wait for is the server
/// and not the driver of those who come back.
fn beside(
    others: Option<&mut Fanout>,
    pace: Pace,
    comeback: impl FnOnce() -> Result<ComebackReport>,
) -> Result<(ComebackReport, Option<RunReport>)> {
    let Some(others) = others else { return Ok((comeback()?, None)) };
    let over = others.over();
    thread::scope(|scope| {
        let plan = Plan { pace, limit: Limit::Load };
        let talk = scope.spawn(move || others.run(&plan, 0, None, &mut Progress::new(true)));
        let report = comeback();
        over.store(true, Ordering::Relaxed);
        let during = talk.join().map_err(|_| anyhow!("the thread of the others panicked"))?;
        Ok((report?, Some(during?)))
    })
}

/// Lets all users connect and waits for what waits for them.
fn all_connect(
    driver: &mut Driver,
    returning: &mut Returning,
    options: &ComebackOptions,
    pid: Option<u32>,
    progress: &mut Progress,
) -> Result<ComebackReport> {
    let trouble = Trouble::watch(driver);
    let mut memory = pid.map(ServerMemory::watch).transpose()?;
    let cpu = pid.map(CpuTimes::read).transpose()?;
    let own = CpuTimes::read(std::process::id())?;
    let begun = Instant::now();
    for number in 0..options.users as usize {
        driver.connect(number, DEVICE)?;
    }
    let (mut moved, mut arrived) = (begun, 0);
    let mut failures = Vec::new();
    while !returning.is_complete() && failures.is_empty() {
        driver.turn(TURN_MAX, returning)?;
        if returning.arrived() > arrived {
            (moved, arrived) = (Instant::now(), returning.arrived());
            progress.tick(|| format!("{arrived} entries came"));
        } else if moved.elapsed() > PATIENCE {
            failures.push(format!("nothing came for {} s", PATIENCE.as_secs()));
        }
        if let Some(memory) = &mut memory {
            memory.look(MEMORY_INTERVAL)?;
        }
        failures.extend(trouble.look(driver, |_| true));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let cpu_us = cpu.map(|cpu| cpu.elapsed_ns()).transpose()?.map(|ns| ns as f64 / 1e3);
    let driver_busy = own.elapsed_ns()? as f64 / 1e9 / seconds.max(1e-9);
    if let (Some(memory), Some(pid)) = (&mut memory, pid) {
        memory.end(resident_kib(pid)?);
    }
    failures.extend(returning.failures(driver.tally.gaps));
    Ok(ComebackReport {
        users: options.users,
        entries: options.entries,
        arrived: returning.arrived(),
        prepared_seconds: 0.0,
        seconds,
        cpu_us,
        driver_busy,
        frame_bytes: driver.tally.frame_bytes,
        memory,
        others: None,
        faults: returning.faults(),
        failures,
    })
}

/// The same users come back once more. Nothing waits for them; whatever comes is returned as a failure.
fn again(target: &Target, options: &ComebackOptions, progress: &mut Progress) -> Result<Vec<String>> {
    let mut returning = Returning::new(options.users, options.entries);
    let mut driver = open(target, options, progress)?;
    let trouble = Trouble::watch(&driver);
    for number in 0..options.users as usize {
        driver.connect(number, DEVICE)?;
    }
    let begun = Instant::now();
    while returning.let_in() < options.users as usize {
        driver.turn(TURN_MAX, &mut returning)?;
        if let Some(text) = trouble.look(&driver, |_| true) {
            bail!("the second comeback: {text}");
        }
        ensure!(begun.elapsed() < PATIENCE, "the second comeback: not everybody was let in within {PATIENCE:?}");
    }
    watch(&mut driver, &mut returning, AFTER)?;
    driver.close_all();
    Ok(returning.failures_of_nothing())
}

/// Turns for a while.
fn watch(driver: &mut Driver, returning: &mut Returning, time: Duration) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < time {
        driver.turn(TURN_MAX, returning)?;
    }
    Ok(())
}

impl ComebackOptions {
    fn driver_options(&self) -> DriverOptions {
        DriverOptions {
            namespace: self.namespace.clone(),
            payload_bytes: self.payload_bytes,
            parallel: self.parallel,
            pipelined: false,
        }
    }
}

impl Others {
    fn pace(&self) -> Pace {
        Pace::Rate(self.rate)
    }

    fn open(&self, target: &Target, options: &ComebackOptions, progress: &mut Progress) -> Result<Option<Fanout>> {
        if self.subscribers == 0 {
            return Ok(None);
        }
        let shape = Shape {
            codec: target.codec,
            namespace: self.namespace.clone(),
            payload_bytes: options.payload_bytes,
            answer: Answer::Nothing,
            unicast: false,
        };
        let fanout =
            FanoutOptions { subscribers: self.subscribers, channels: 1, slow: 0, shape, parallel: options.parallel };
        Fanout::open(target, &fanout, progress).map(Some)
    }
}

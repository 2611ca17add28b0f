//! Scenario `comeback`: users that were away come back all at once, while others go on talking.
//!
//! What waits for each user is written first, through a few connections, and is on disk before anything else happens.
//! Then all connections are opened and upgraded, so that what is measured is `connect` and the delivery of what waits,
//! and nothing else. Each entry tells its addressee and its place, so loss, duplicates and wrong order are found.

mod absent;
pub mod options;
pub mod report;
mod returning;

use crate::connection::{Join, Seat};
use crate::driver::Driver;
use crate::fanout::Fanout;
use crate::measure::RunReport;
use crate::plan::{Limit, Pace, Plan, Trouble};
use crate::process::{CpuTimes, resident_kib};
use crate::progress::Progress;
use crate::target::Target;
use anyhow::{Result, anyhow, bail, ensure};
use options::{ComebackOptions, FIRST_USER};
use report::{ComebackReport, OthersReport, ServerMemory};
use returning::Returning;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// The name of the device that comes back.
const DEVICE: &str = "phone";
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
    options.check(target)?;
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

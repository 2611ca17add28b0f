//! Scenario `idle`: what connections cost in memory while nothing happens.

use crate::fanout::{Fanout, FanoutOptions};
use crate::plan::{Limit, Pace, Plan};
use crate::process::Memory;
use crate::progress::Progress;
use crate::table::Table;
use crate::target::Target;
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Publications in flight while each connection receives its messages.
const WINDOW: usize = 8;
/// How long the memory must hold still.
const STILL: Duration = Duration::from_secs(1);
/// How long is waited for that.
const SETTLE_MAX: Duration = Duration::from_secs(15);
/// How much of itself the memory may change and still count as holding still.
const STILL_SHARE: f64 = 0.002;

/// What the server held at each step.
#[derive(Debug, Clone)]
pub struct IdleReport {
    /// Connections.
    pub connections: u32,
    /// Messages that each had received.
    pub messages: u64,
    /// Before the first connection.
    pub before: Memory,
    /// With all of them idle.
    pub idle: Memory,
    /// After all were closed.
    pub closed: Memory,
}

/// Opens the connections, lets each receive `messages`, waits until all is quiet, and closes them again.
///
/// # Errors
/// When the server refuses, loses a message, or ends a connection.
pub fn idle(
    target: &Target,
    options: &FanoutOptions,
    messages: u64,
    pid: u32,
    progress: &mut Progress,
) -> Result<IdleReport> {
    let before = Memory::read(pid)?;
    let mut fanout = Fanout::open(target, options, progress)?;
    if messages > 0 {
        let plan = Plan { pace: Pace::Window(WINDOW), limit: Limit::Messages(messages * u64::from(options.channels)) };
        let report = fanout.run(&plan, 0, Some(pid), progress)?;
        if !report.passed() {
            bail!("messages before the idling: {}", report.trouble());
        }
    }
    let idle = settled(Some(&mut fanout), pid, progress)?;
    if let Some(closed) = fanout.driver().tally.closed.first() {
        bail!("the server ended an idle connection: {} {}", closed.code, closed.reason);
    }
    fanout.driver().close_all();
    let closed = settled(None, pid, progress)?;
    Ok(IdleReport { connections: options.subscribers, messages, before, idle, closed })
}

/// Memory once it holds still, or after the longest time that is waited for that.
fn settled(mut fanout: Option<&mut Fanout>, pid: u32, progress: &mut Progress) -> Result<Memory> {
    let begun = Instant::now();
    let mut reference = Memory::read(pid)?;
    let mut since = begun;
    loop {
        let pause = Duration::from_millis(100);
        match &mut fanout {
            Some(fanout) => fanout.driver().turn(pause, &mut crate::driver::Nobody)?,
            None => std::thread::sleep(pause),
        }
        let memory = Memory::read(pid)?;
        let change = memory.rss_kib.abs_diff(reference.rss_kib) as f64;
        if change > reference.rss_kib as f64 * STILL_SHARE {
            (reference, since) = (memory, Instant::now());
        }
        if since.elapsed() >= STILL || begun.elapsed() >= SETTLE_MAX {
            return Ok(memory);
        }
        progress.tick(|| format!("waiting for memory to hold still, {} KiB", memory.rss_kib));
    }
}

impl IdleReport {
    /// Resident memory for each connection in KiB.
    #[must_use]
    pub fn rss_kib_each(&self) -> f64 {
        self.each(|memory| memory.rss_kib)
    }

    fn each(&self, figure: impl Fn(Memory) -> u64) -> f64 {
        (figure(self.idle) as f64 - figure(self.before) as f64) / f64::from(self.connections.max(1))
    }

    /// For machines.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "connections": self.connections,
            "messages": self.messages,
            "rss_kib_each": self.rss_kib_each(),
            "pss_kib_each": self.each(|memory| memory.pss_kib),
            "anonymous_kib_each": self.each(|memory| memory.anonymous_kib),
            "rss_kib_before": self.before.rss_kib,
            "rss_kib_idle": self.idle.rss_kib,
            "rss_kib_closed": self.closed.rss_kib,
        })
    }

    /// For people.
    pub fn rows(&self, table: &mut Table) {
        table.row("connections", format!("{}, each had {} messages", self.connections, self.messages));
        table.row(
            "memory each",
            format!(
                "{:.2} KiB RSS, {:.2} KiB PSS, {:.2} KiB anonymous",
                self.rss_kib_each(),
                self.each(|memory| memory.pss_kib),
                self.each(|memory| memory.anonymous_kib)
            ),
        );
        table.row(
            "server memory",
            format!(
                "{} KiB before, {} KiB idle, {} KiB after all closed (RSS)",
                self.before.rss_kib, self.idle.rss_kib, self.closed.rss_kib
            ),
        );
    }
}

//! One measured run: warm up, carry out the plan, and read what it cost the server.

use crate::book::Faults;
use crate::driver::Driver;
use crate::latency::Latencies;
use crate::plan::{Limit, Load, Pace, Plan};
use crate::process::{CpuTimes, Memory};
use crate::progress::Progress;
use crate::table::Table;
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A load whose runs can be closed one by one.
pub trait Measured: Load {
    /// Ends a run: returns its latencies and faults and begins anew.
    fn close_run(&mut self) -> (Latencies, Faults);
    /// Names a message for people.
    fn message_name(&self) -> &'static str;
}

/// What a run cost the server.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// User and system time in microseconds.
    pub cpu_us: f64,
    /// Memory at the run's start.
    pub memory_before: Memory,
    /// Memory at its end.
    pub memory_after: Memory,
}

/// What a run showed.
#[derive(Debug)]
pub struct RunReport {
    /// What was sent, for people.
    pub message_name: &'static str,
    /// Messages sent.
    pub sent: u64,
    /// Messages received, by all together.
    pub deliveries: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// From due to received.
    pub latencies: Latencies,
    /// How late the driver itself was; counts in an open loop alone.
    pub lateness: Latencies,
    /// Length of a delivered frame, head included, in bytes.
    pub frame_bytes: usize,
    /// Cost for the server, when its process is known.
    pub cost: Option<Cost>,
    /// Share of its time that the driver was busy. Near 1 in a closed loop means that the driver sets the pace.
    pub driver_busy: f64,
    /// What went wrong with deliveries.
    pub faults: Faults,
    /// Why the run was given up, if it was.
    pub failure: Option<String>,
    /// Closes, errors, gaps.
    pub tally: Value,
}

/// Warms up with `warmup` messages, then measures one run of `plan`.
///
/// # Errors
/// When the system fails or the server's process is gone.
pub fn measure(
    driver: &mut Driver,
    load: &mut impl Measured,
    plan: &Plan,
    warmup: u64,
    pid: Option<u32>,
    progress: &mut Progress,
) -> Result<RunReport> {
    let window = match plan.pace {
        Pace::Window(window) => window,
        Pace::Rate(_) => 1,
    };
    let warm = Plan { pace: Pace::Window(window), limit: Limit::Messages(warmup) };
    let warmed = warm.execute(driver, load, |sent| progress.tick(|| format!("warming up, {sent} sent")))?;
    if warmed.failure.is_none() {
        load.close_run();
    }
    let memory_before = pid.map(Memory::read).transpose()?;
    let cpu = pid.map(CpuTimes::read).transpose()?;
    let own = CpuTimes::read(std::process::id())?;
    let arrived_before = load.arrivals();
    let run = match warmed.failure {
        Some(_) => warmed,
        None => plan.execute(driver, load, |sent| progress.tick(|| format!("{sent} sent")))?,
    };
    let cost = match (cpu, memory_before, pid) {
        (Some(cpu), Some(memory_before), Some(pid)) => {
            Some(Cost { cpu_us: cpu.elapsed_ns()? as f64 / 1e3, memory_before, memory_after: Memory::read(pid)? })
        }
        _ => None,
    };
    let driver_busy = own.elapsed_ns()? as f64 / run.elapsed_ns.max(1) as f64;
    let (latencies, faults) = load.close_run();
    Ok(RunReport {
        message_name: load.message_name(),
        sent: run.sent,
        deliveries: load.arrivals() - arrived_before,
        seconds: run.elapsed_ns as f64 / 1e9,
        latencies,
        lateness: run.lateness,
        frame_bytes: driver.tally.frame_bytes,
        cost,
        driver_busy,
        faults,
        failure: run.failure,
        tally: driver.tally.to_json(),
    })
}

impl RunReport {
    /// Whether everything arrived once and in order.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.faults.any() && self.failure.is_none()
    }

    /// Why it did not pass, in words.
    #[must_use]
    pub fn trouble(&self) -> String {
        self.failure.clone().unwrap_or_else(|| self.faults.to_string())
    }

    /// Server time for each delivery in microseconds.
    #[must_use]
    pub fn cpu_us_per_delivery(&self) -> Option<f64> {
        self.cost.map(|cost| cost.cpu_us / self.deliveries.max(1) as f64)
    }

    /// For machines.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "passed": self.passed(),
            "failure": self.failure,
            "sent": self.sent,
            "deliveries": self.deliveries,
            "seconds": self.seconds,
            "latency": self.latencies.to_json(),
            "driver_lateness": self.lateness.to_json(),
            "driver_busy": self.driver_busy,
            "frame_bytes": self.frame_bytes,
            "cpu_us_per_delivery": self.cpu_us_per_delivery(),
            "server_rss_kib_before": self.cost.map(|cost| cost.memory_before.rss_kib),
            "server_rss_kib_after": self.cost.map(|cost| cost.memory_after.rss_kib),
            "faults": self.faults.to_json(),
            "tally": self.tally,
        })
    }

    /// For people.
    pub fn rows(&self, table: &mut Table) {
        let rate = |count: u64| count as f64 / self.seconds.max(1e-9);
        table.row("result", if self.passed() { "passed: all arrived once, in order" } else { "FAILED" });
        if let Some(failure) = &self.failure {
            table.row("given up", failure);
        }
        if self.faults.any() {
            table.row("faults", self.faults);
        }
        table.row(self.message_name, format!("{} in {:.2} s ({:.0}/s)", self.sent, self.seconds, rate(self.sent)));
        table.row("deliveries", format!("{} ({:.0}/s)", self.deliveries, rate(self.deliveries)));
        table.row("latency", &self.latencies);
        if self.lateness.count() > 0 {
            table.row("driver's lateness", format!("{} (within the latency)", self.lateness));
        }
        table.row("delivered frame", format!("{} bytes", self.frame_bytes));
        if let (Some(cost), Some(each)) = (self.cost, self.cpu_us_per_delivery()) {
            table.row("server CPU", format!("{each:.3} us a delivery, {:.0} ms in all", cost.cpu_us / 1e3));
            let (before, after) = (cost.memory_before.rss_kib, cost.memory_after.rss_kib);
            table.row("server memory", format!("{before} KiB before, {after} KiB after (RSS)"));
        }
        table.row("driver", format!("{:.0}% busy", self.driver_busy * 100.0));
        for name in ["closed", "errors"] {
            let counts: BTreeMap<String, u64> = serde_json::from_value(self.tally[name].clone()).unwrap_or_default();
            for (text, count) in counts {
                table.row(name, format!("{count} x {text}"));
            }
        }
        for name in ["gaps", "answers", "pings"] {
            if self.tally[name] != 0 {
                table.row(name, &self.tally[name]);
            }
        }
    }
}

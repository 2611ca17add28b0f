//! What a comeback showed.

use crate::book::Faults;
use crate::measure::RunReport;
use crate::process::resident_kib;
use crate::table::Table;
use anyhow::Result;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What a comeback showed.
#[derive(Debug)]
pub struct ComebackReport {
    /// Users that came back.
    pub users: u32,
    /// Entries that waited for each.
    pub entries: u64,
    /// Entries that came, each counted once.
    pub arrived: u64,
    /// How long it took until all of them were on disk, in seconds.
    pub prepared_seconds: f64,
    /// From the first `connect` to the last entry, in seconds.
    pub seconds: f64,
    /// The server's user and system time from the first `connect` to the last entry, in microseconds, when its process
    /// is known. What the others cost is in it.
    pub cpu_us: Option<f64>,
    /// Share of its time that the driver was busy.
    pub driver_busy: f64,
    /// Length of the last delivered frame, head included, in bytes.
    pub frame_bytes: usize,
    /// The server's memory, when its process is known.
    pub memory: Option<ServerMemory>,
    /// What those felt who were never away, if there were any.
    pub others: Option<OthersReport>,
    /// What went wrong with entries.
    pub faults: Faults,
    /// What else went wrong.
    pub failures: Vec<String>,
}

/// What the others felt.
#[derive(Debug)]
pub struct OthersReport {
    /// Before the comeback.
    pub before: RunReport,
    /// While it went on.
    pub during: RunReport,
}

/// Resident memory of the server in KiB.
#[derive(Debug, Clone, Copy)]
pub struct ServerMemory {
    pid: u32,
    looked: Instant,
    /// Before the first `connect`.
    pub before_kib: u64,
    /// The greatest that was seen.
    pub peak_kib: u64,
    /// After the last entry.
    pub after_kib: u64,
}

impl ServerMemory {
    /// Begins to watch a process.
    ///
    /// # Errors
    /// When it is gone.
    pub fn watch(pid: u32) -> Result<Self> {
        let kib = resident_kib(pid)?;
        Ok(Self { pid, looked: Instant::now(), before_kib: kib, peak_kib: kib, after_kib: kib })
    }

    /// Looks again if the last look was `interval` ago.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn look(&mut self, interval: Duration) -> Result<()> {
        if self.looked.elapsed() >= interval {
            self.end(resident_kib(self.pid)?);
            self.looked = Instant::now();
        }
        Ok(())
    }

    /// Takes a figure as the last one.
    pub fn end(&mut self, kib: u64) {
        self.after_kib = kib;
        self.peak_kib = self.peak_kib.max(kib);
    }

    /// By how much it grew at most.
    #[must_use]
    pub fn growth_kib(&self) -> u64 {
        self.peak_kib - self.before_kib
    }
}

impl OthersReport {
    /// Latency that 99 % did not exceed, before and during the comeback, in milliseconds.
    #[must_use]
    pub fn p99_ms(&self) -> (f64, f64) {
        let p99_ms = |run: &RunReport| run.latencies.percentile_us(99.0) / 1e3;
        (p99_ms(&self.before), p99_ms(&self.during))
    }
}

impl ComebackReport {
    /// Whether every entry came once and in order, none came again, and the others lost nothing.
    #[must_use]
    pub fn passed(&self) -> bool {
        let others = |others: &OthersReport| others.before.passed() && others.during.passed();
        !self.faults.any() && self.failures.is_empty() && self.others.as_ref().is_none_or(others)
    }

    /// Entries for each second of the server's time.
    #[must_use]
    pub fn per_cpu_second(&self) -> Option<f64> {
        self.cpu_us.map(|cpu_us| self.arrived as f64 * 1e6 / cpu_us.max(1.0))
    }

    /// The server's time for each entry in microseconds.
    #[must_use]
    pub fn cpu_us_each(&self) -> Option<f64> {
        self.cpu_us.map(|cpu_us| cpu_us / self.arrived.max(1) as f64)
    }

    /// For machines.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let others = self
            .others
            .as_ref()
            .map(|others| json!({ "before": others.before.to_json(), "during": others.during.to_json() }));
        let memory = self
            .memory
            .map(|memory| json!({ "before": memory.before_kib, "peak": memory.peak_kib, "after": memory.after_kib }));
        json!({
            "passed": self.passed(),
            "failures": self.failures,
            "faults": self.faults.to_json(),
            "users": self.users,
            "entries": self.entries,
            "arrived": self.arrived,
            "prepared_seconds": self.prepared_seconds,
            "seconds": self.seconds,
            "entries_per_second": self.arrived as f64 / self.seconds.max(1e-9),
            "entries_per_cpu_second": self.per_cpu_second(),
            "cpu_us_per_entry": self.cpu_us_each(),
            "driver_busy": self.driver_busy,
            "frame_bytes": self.frame_bytes,
            "server_rss_kib": memory,
            "others": others,
        })
    }

    /// For people.
    pub fn rows(&self, table: &mut Table) {
        let passed = "passed: all came once, in order, and nothing came again after it was acknowledged";
        table.row("result", if self.passed() { passed } else { "FAILED" });
        for failure in &self.failures {
            table.row("failure", failure);
        }
        if self.faults.any() {
            table.row("faults", self.faults);
        }
        let (users, entries, seconds) = (self.users, self.entries, self.seconds);
        table.row("missed", format!("{users} users, {entries} entries each, sent in {:.2} s", self.prepared_seconds));
        let rate = self.arrived as f64 / seconds.max(1e-9);
        table.row("came back", format!("{} entries in {seconds:.3} s ({rate:.0}/s)", self.arrived));
        table.row("delivered frame", format!("{} bytes", self.frame_bytes));
        if let (Some(cpu_us), Some(rate), Some(each)) = (self.cpu_us, self.per_cpu_second(), self.cpu_us_each()) {
            let all = cpu_us / 1e3;
            table.row("server CPU", format!("{each:.3} us an entry, {all:.0} ms in all ({rate:.0} entries/s of CPU)"));
        }
        if let Some(memory) = self.memory {
            let ServerMemory { before_kib, peak_kib, after_kib, .. } = memory;
            table.row("server memory", format!("{before_kib} KiB before, {peak_kib} at most, {after_kib} after (RSS)"));
        }
        if let Some(others) = &self.others {
            for (name, run) in [("others before", &others.before), ("others meanwhile", &others.during)] {
                let result = if run.passed() { String::new() } else { format!("FAILED ({}), ", run.trouble()) };
                table.row(name, format!("{result}{} ({} deliveries)", run.latencies, run.deliveries));
            }
        }
        table.row("driver", format!("{:.0}% busy", self.driver_busy * 100.0));
    }
}

//! Scenario `connect`: what it costs to let a client in.

use crate::command::NAMES_MAX;
use crate::connection::{Join, Seat};
use crate::driver::{Driver, DriverOptions};
use crate::latency::Latencies;
use crate::process::CpuTimes;
use crate::progress::Progress;
use crate::table::Table;
use crate::target::Target;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::time::Instant;

/// Connections that come first and are not measured.
const WARMUP: usize = 100;

/// What is connected, and how.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Connections.
    pub connections: u32,
    /// Channels that they share evenly.
    pub channels: u32,
    /// Namespace of the channels.
    pub namespace: String,
    /// Connections being opened at once.
    pub parallel: usize,
    /// Whether connect and subscribe are sent together.
    pub pipelined: bool,
    /// Whether each is closed as soon as it is ready.
    pub close: bool,
}

/// What it cost.
#[derive(Debug)]
pub struct ConnectReport {
    /// Connections.
    pub connections: u32,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// From opening to subscribed.
    pub latencies: Latencies,
    /// Server time for each, when its process is known.
    pub cpu_us_each: Option<f64>,
}

/// Opens the connections and measures.
///
/// # Errors
/// When the server refuses.
pub fn connect(
    target: &Target,
    options: &ConnectOptions,
    pid: Option<u32>,
    progress: &mut Progress,
) -> Result<ConnectReport> {
    let &ConnectOptions { connections, channels, parallel, pipelined, close, .. } = options;
    ensure!(connections < NAMES_MAX - WARMUP as u32, "at most {NAMES_MAX} connections");
    ensure!(channels > 0, "at least 1 channel");
    let driver_options =
        DriverOptions { namespace: options.namespace.clone(), payload_bytes: 128, parallel, pipelined };
    let mut driver = Driver::new(target.clone(), driver_options)?;
    let seat = |number: usize| {
        let user = number as u32;
        Seat { user, join: Join::Channel(user % channels), slow: false }
    };
    driver.open_all(WARMUP, true, |number| seat(connections as usize + number), |_| {})?;
    driver.take_connect_latencies();
    let cpu = pid.map(CpuTimes::read).transpose()?;
    let begun = Instant::now();
    let tell = |ready| progress.tick(|| format!("{ready} of {connections} connected"));
    driver.open_all(connections as usize, close, seat, tell)?;
    let seconds = begun.elapsed().as_secs_f64();
    let cpu_ns = cpu.map(|cpu| cpu.elapsed_ns()).transpose()?;
    let latencies = driver.take_connect_latencies();
    driver.close_all();
    let cpu_us_each = cpu_ns.map(|ns| ns as f64 / 1e3 / f64::from(connections.max(1)));
    Ok(ConnectReport { connections, seconds, latencies, cpu_us_each })
}

impl ConnectReport {
    /// For machines.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "connections": self.connections,
            "seconds": self.seconds,
            "latency": self.latencies.to_json(),
            "cpu_us_each": self.cpu_us_each,
        })
    }

    /// For people.
    pub fn rows(&self, table: &mut Table) {
        let rate = f64::from(self.connections) / self.seconds.max(1e-9);
        table.row("connects", format!("{} in {:.2} s ({rate:.0}/s)", self.connections, self.seconds));
        table.row("latency", format!("{} (opened to subscribed)", self.latencies));
        if let Some(cpu_us) = self.cpu_us_each {
            table.row("server CPU", format!("{cpu_us:.1} us a connect"));
        }
    }
}

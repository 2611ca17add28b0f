//! The parts of the comparison, a function each.

use super::Bench;
use super::row::{Bar, Row};
use crate::codec::Codec;
use crate::command::{Answer, Shape};
use crate::connect::{ConnectOptions, connect};
use crate::fanout::{Fanout, FanoutOptions};
use crate::idle::idle;
use crate::measure::RunReport;
use crate::plan::{Limit, Pace, Plan};
use crate::server::Server;
use crate::unicast::{Unicast, UnicastOptions};
use anyhow::{Context as _, Result};

/// Connections being opened at once.
pub(super) const PARALLEL: usize = 64;
/// Length of the text in each message, in bytes.
pub(super) const PAYLOAD_BYTES: usize = 128;
/// Windows of the fan-out, and how many times the floor's CPU each may cost.
const WINDOWS: [(usize, f64); 3] = [(1, 1.15), (8, 1.25), (64, 1.5)];
/// How many times the WebSocket's CPU a delivery by server-sent events may cost, and what an idle stream may take.
const EVENTS_RATIO_MAX: f64 = 1.2;
const EVENTS_IDLE_KIB_MAX: f64 = 4.0;
/// Messages in flight among users that send to each other.
const UNICAST_WINDOW: usize = 64;
/// Messages a second of the open loop.
pub(super) const RATE: f64 = 8.0;
/// Messages a second, and length of their text, in the channel that is too busy for a slow subscriber.
const BUSY: (f64, usize) = (60.0, 2_048);
/// Namespace whose messages are kept and resumed: in memory or on disk, as the daemon is started.
pub(super) const RELIABLE: &str = "messaging";
/// Namespace whose messages may be skipped.
pub(super) const EPHEMERAL: &str = "realtime";

/// A fan-out to one channel.
pub(super) fn fanout_options(subscribers: u32, codec: Codec, payload_bytes: usize) -> FanoutOptions {
    let shape = Shape { codec, namespace: RELIABLE.to_owned(), payload_bytes, answer: Answer::Nothing, unicast: false };
    FanoutOptions { subscribers, channels: 1, slow: 0, shape, parallel: PARALLEL }
}

/// Users that send to each other.
pub(super) fn unicast_options(users: u32, codec: Codec) -> UnicastOptions {
    let namespace = RELIABLE.to_owned();
    let shape = Shape { codec, namespace, payload_bytes: PAYLOAD_BYTES, answer: Answer::Nothing, unicast: true };
    UnicastOptions { users, seed: 1, shape, parallel: PARALLEL }
}

/// Notes in the row when a run lost something, and whose.
pub(super) fn check(row: &mut Row, who: &str, report: &RunReport) {
    if !report.passed() {
        row.failures.push(format!("{who}: {}", report.trouble()));
    }
    if report.driver_busy > 0.97 {
        row.seen.push(format!("{who}: the driver was {:.0}% busy", report.driver_busy * 100.0));
    }
}

fn cpu_us(report: &RunReport) -> Result<f64> {
    report.cpu_us_per_delivery().context("the server's CPU was not read")
}

impl Bench<'_> {
    /// Server CPU for each delivery. For a `durable` channel the figures are there to be known and are not judged.
    pub(super) fn fanout(&mut self, durable: bool, codecs: &[Codec]) -> Result<()> {
        let kind = if durable { "durable fan-out" } else { "fan-out" };
        for &codec in codecs {
            let frame_bytes = self.probe_fanout(codec, PAYLOAD_BYTES)?;
            let servers = [self.start_floor(false, frame_bytes)?, self.start_daemon(durable)?];
            let options = fanout_options(self.scale.subscribers, codec, PAYLOAD_BYTES);
            let mut fanouts = Vec::new();
            for server in &servers {
                fanouts.push(Fanout::open(&server.target(codec)?, &options, self.progress)?);
            }
            let mut rows = WINDOWS.map(|(window, most)| {
                let name = format!("{kind} to {}, {}, window {window}", options.subscribers, codec.name());
                let bar = if durable { Bar::None } else { Bar::Ratio(most) };
                Row { frame_bytes, ..Row::new(name, "us CPU/delivery", bar) }
            });
            for round in 1..=self.scale.rounds {
                for ((window, _), row) in WINDOWS.iter().zip(&mut rows) {
                    self.progress.stage(format!("{}, round {round} of {}", row.name, self.scale.rounds));
                    let pace = Pace::Window(*window);
                    let plan = Plan { pace, limit: Limit::Seconds(self.scale.slice_seconds) };
                    let warmup = 4 * *window as u64;
                    let floor = fanouts[0].run(&plan, warmup, Some(servers[0].pid()), self.progress)?;
                    let daemon = fanouts[1].run(&plan, warmup, Some(servers[1].pid()), self.progress)?;
                    check(row, "floor", &floor);
                    check(row, "daemon", &daemon);
                    row.floor.push(cpu_us(&floor)?);
                    row.measured.push(cpu_us(&daemon)?);
                }
            }
            self.rows.extend(rows);
        }
        Ok(())
    }

    /// Server CPU for each delivery by server-sent events, compared with our own WebSocket.
    pub(super) fn events(&mut self) -> Result<()> {
        let codec = Codec::Json;
        let options = fanout_options(self.scale.subscribers, codec, PAYLOAD_BYTES);
        let servers = [self.start_daemon(false)?, self.start_daemon(false)?];
        let targets = [servers[0].target(codec)?, servers[1].target(codec)?.with_events()];
        let mut fanouts = Vec::new();
        for target in &targets {
            fanouts.push(Fanout::open(target, &options, self.progress)?);
        }
        let mut rows = WINDOWS.map(|(window, _)| {
            let name = format!("fan-out by SSE to {}, window {window} (floor: by WebSocket)", options.subscribers);
            Row::new(name, "us CPU/delivery", Bar::Ratio(EVENTS_RATIO_MAX))
        });
        for round in 1..=self.scale.rounds {
            for ((window, _), row) in WINDOWS.iter().zip(&mut rows) {
                self.progress.stage(format!("{}, round {round} of {}", row.name, self.scale.rounds));
                let limit = Limit::Seconds(self.scale.slice_seconds);
                let plan = Plan { pace: Pace::Window(*window), limit };
                let warmup = 4 * *window as u64;
                let socket = fanouts[0].run(&plan, warmup, Some(servers[0].pid()), self.progress)?;
                let events = fanouts[1].run(&plan, warmup, Some(servers[1].pid()), self.progress)?;
                check(row, "WebSocket", &socket);
                check(row, "SSE", &events);
                row.floor.push(cpu_us(&socket)?);
                row.measured.push(cpu_us(&events)?);
                row.frame_bytes = events.frame_bytes;
            }
        }
        self.rows.extend(rows);
        Ok(())
    }

    /// Memory of idle streams of server-sent events, compared with our own WebSocket.
    pub(super) fn idle_events(&mut self, connections: u32) -> Result<()> {
        let options = fanout_options(connections, Codec::Json, PAYLOAD_BYTES);
        let name = format!("idle SSE, {connections} connections (floor: WebSocket)");
        let mut row = Row::new(name, "KiB RSS/connection", Bar::Figure(EVENTS_IDLE_KIB_MAX));
        for round in 1..=self.scale.long_rounds {
            for events in [false, true] {
                self.progress.stage(format!("{}, round {round} of {}", row.name, self.scale.long_rounds));
                let server = self.start_daemon(false)?;
                let target = server.target(Codec::Json)?;
                let target = if events { target.with_events() } else { target };
                let report = idle(&target, &options, 0, server.pid(), self.progress)?;
                let series = if events { &mut row.measured } else { &mut row.floor };
                series.push(report.rss_kib_each());
            }
        }
        self.rows.push(row);
        Ok(())
    }

    /// Latency of an open loop.
    pub(super) fn rate(&mut self) -> Result<()> {
        let codec = Codec::Json;
        let frame_bytes = self.probe_fanout(codec, PAYLOAD_BYTES)?;
        let options = fanout_options(self.scale.rate_subscribers, codec, PAYLOAD_BYTES);
        let name = format!("{RATE} messages/s to {}, JSON, p99 from due to received", options.subscribers);
        let mut row = Row { frame_bytes, ..Row::new(name, "ms", Bar::Ratio(1.25)) };
        let plan = Plan { pace: Pace::Rate(RATE), limit: Limit::Seconds(self.scale.rate_seconds) };
        for round in 1..=self.scale.rounds {
            for who in ["floor", "daemon"] {
                self.progress.stage(format!("{}, round {round} of {}: {who}", row.name, self.scale.rounds));
                let server = match who {
                    "floor" => self.start_floor(false, frame_bytes)?,
                    _ => self.start_daemon(false)?,
                };
                let mut fanout = Fanout::open(&server.target(codec)?, &options, self.progress)?;
                let report = fanout.run(&plan, 8, Some(server.pid()), self.progress)?;
                check(&mut row, who, &report);
                let series = if who == "floor" { &mut row.floor } else { &mut row.measured };
                series.push(report.latencies.percentile_us(99.0) / 1e3);
            }
        }
        self.rows.push(row);
        Ok(())
    }

    /// Server CPU for each message from one user to one user; through a `durable` inbox the figure is not judged.
    pub(super) fn unicast(&mut self, durable: bool, codecs: &[Codec]) -> Result<()> {
        let (way, bar) = if durable { (" by inboxes on disk", Bar::None) } else { ("", Bar::Ratio(1.3)) };
        for &codec in codecs {
            let frame_bytes = self.probe_unicast(durable, codec)?;
            let servers = [self.start_floor(true, frame_bytes)?, self.start_daemon(durable)?];
            let options = unicast_options(self.scale.users, codec);
            let mut unicasts = Vec::new();
            for server in &servers {
                unicasts.push(Unicast::open(&server.target(codec)?, &options, self.progress)?);
            }
            let name = format!("one user to one user{way}, {} users, {}", options.users, codec.name());
            let mut row = Row { frame_bytes, ..Row::new(name, "us CPU/message", bar) };
            let limit = Limit::Seconds(self.scale.slice_seconds);
            let plan = Plan { pace: Pace::Window(UNICAST_WINDOW), limit };
            for round in 1..=self.scale.rounds {
                self.progress.stage(format!("{}, round {round} of {}", row.name, self.scale.rounds));
                let floor = unicasts[0].run(&plan, 1_000, Some(servers[0].pid()), self.progress)?;
                let daemon = unicasts[1].run(&plan, 1_000, Some(servers[1].pid()), self.progress)?;
                check(&mut row, "floor", &floor);
                check(&mut row, "daemon", &daemon);
                row.floor.push(cpu_us(&floor)?);
                row.measured.push(cpu_us(&daemon)?);
            }
            self.rows.push(row);
        }
        Ok(())
    }

    /// Server CPU for each connect.
    pub(super) fn connect(&mut self) -> Result<()> {
        let servers = [self.start_floor(false, 0)?, self.start_daemon(false)?];
        let options = ConnectOptions {
            connections: self.scale.connects,
            channels: 1,
            namespace: RELIABLE.to_owned(),
            parallel: 16,
            pipelined: false,
            close: false,
        };
        let mut row = Row::new("connect: handshake, token, subscribe", "us CPU/connect", Bar::Figure(80.0));
        for round in 1..=self.scale.rounds {
            self.progress.stage(format!("{}, round {round} of {}", row.name, self.scale.rounds));
            let mut figure = |server: &Server| -> Result<f64> {
                let target = server.target(Codec::Json)?;
                let report = connect(&target, &options, Some(server.pid()), self.progress)?;
                report.cpu_us_each.context("the server's CPU was not read")
            };
            row.floor.push(figure(&servers[0])?);
            row.measured.push(figure(&servers[1])?);
        }
        self.rows.push(row);
        Ok(())
    }

    /// Memory of idle connections.
    pub(super) fn idle(&mut self, name: &str, connections: u32, messages: u64) -> Result<()> {
        let options = fanout_options(connections, Codec::Json, PAYLOAD_BYTES);
        let name = format!("{name}, {connections} connections");
        let mut row = Row::new(name, "KiB RSS/connection", Bar::Figure(2.5));
        for round in 1..=self.scale.long_rounds {
            for who in ["floor", "daemon"] {
                self.progress.stage(format!("{}, round {round} of {}: {who}", row.name, self.scale.long_rounds));
                let server = match who {
                    "floor" => self.start_floor(false, 0)?,
                    _ => self.start_daemon(false)?,
                };
                let target = server.target(Codec::Json)?;
                let report = idle(&target, &options, messages, server.pid(), self.progress)?;
                if who == "floor" {
                    row.floor.push(report.rss_kib_each());
                } else {
                    row.measured.push(report.rss_kib_each());
                    row.seen.push(format!(
                        "RSS {} KiB before, {} KiB idle, {} KiB after all closed",
                        report.before.rss_kib, report.idle.rss_kib, report.closed.rss_kib
                    ));
                }
            }
        }
        self.rows.push(row);
        Ok(())
    }

    /// What a subscriber that stops reading does to the others: p99 with it, compared with p99 without.
    pub(super) fn slow(&mut self) -> Result<()> {
        let (rate, payload_bytes) = BUSY;
        let plan = Plan { pace: Pace::Rate(rate), limit: Limit::Seconds(self.scale.slow_seconds) };
        for namespace in [RELIABLE, EPHEMERAL] {
            let mut options = fanout_options(self.scale.subscribers, Codec::Json, payload_bytes);
            options.shape.namespace = namespace.to_owned();
            let name = format!(
                "others' p99 beside a slow one, {} in {namespace}, {rate}/s of {payload_bytes} B (floor: daemon without)",
                options.subscribers
            );
            let mut row = Row::new(name, "ms", Bar::Ratio(1.1));
            for round in 1..=self.scale.long_rounds {
                for slow in [0, 1] {
                    self.progress.stage(format!("{}, round {round}: {slow} slow", row.name));
                    let server = self.start_daemon(false)?;
                    options.slow = slow;
                    let mut fanout = Fanout::open(&server.target(Codec::Json)?, &options, self.progress)?;
                    let report = fanout.run(&plan, 8, Some(server.pid()), self.progress)?;
                    check(&mut row, if slow == 0 { "without" } else { "with" }, &report);
                    let series = if slow == 0 { &mut row.floor } else { &mut row.measured };
                    series.push(report.latencies.percentile_us(99.0) / 1e3);
                    row.frame_bytes = report.frame_bytes;
                    if slow > 0 {
                        row.seen.push(seen_of_slow(&report, &mut fanout)?);
                    }
                }
            }
            self.rows.push(row);
        }
        Ok(())
    }
}

fn seen_of_slow(report: &RunReport, fanout: &mut Fanout) -> Result<String> {
    let fate = fanout.slow_fate()?;
    let growth = report.cost.map_or(0, |cost| cost.memory_after.rss_kib.saturating_sub(cost.memory_before.rss_kib));
    Ok(format!("{fate}; the server grew by {growth} KiB"))
}

//! The part of presence: what a change costs, by itself and for each who is told.

use super::Bench;
use super::parts::{PARALLEL, PAYLOAD_BYTES, check, fanout_options};
use super::row::{Bar, Row};
use crate::codec::Codec;
use crate::fanout::Fanout;
use crate::plan::{Limit, Pace, Plan};
use crate::presence::{Presence, PresenceOptions};
use anyhow::{Context as _, Result};

/// Changes a second.
const RATE: f64 = 500.0;
/// Changes in flight, of those that nobody watches: one at a time, a change costs as much as waking a server that sleeps.
const WINDOW: usize = 64;
/// How many each user watches.
const WATCHED: u32 = 100;
/// Server CPU of a change that nobody is told, in microseconds.
const CHANGE_US_MAX: f64 = 25.0;
/// How many times the floor's CPU a change may cost for each who is told.
const TOLD_RATIO_MAX: f64 = 1.5;
/// No change is told later than this, in milliseconds.
const LATE_MS_MAX: f64 = 250.0;

impl Bench<'_> {
    /// Users that watch a hundred others each. The floor writes frames as long to as many sockets, a hundred for each.
    pub(super) fn presence(&mut self) -> Result<()> {
        let (users, codec) = (self.scale.users * 2, Codec::Json);
        let what = format!("{RATE} changes/s of {users} users");
        let alone = format!("presence: changes of {users} users that nobody watches, window {WINDOW}");
        let mut alone = Row::new(alone, "us CPU/change", Bar::Figure(CHANGE_US_MAX));
        let told = format!("presence: {what}, each watched by {WATCHED}");
        let mut told = Row::new(told, "us CPU/delivery", Bar::Ratio(TOLD_RATIO_MAX));
        let late = format!("presence: {what}, each watched by {WATCHED}, the latest from due to received");
        let mut late = Row::new(late, "ms", Bar::Figure(LATE_MS_MAX));
        let plan = Plan { pace: Pace::Rate(RATE), limit: Limit::Seconds(self.scale.rate_seconds) };
        let closed = Plan { pace: Pace::Window(WINDOW), limit: Limit::Seconds(self.scale.slice_seconds) };
        for round in 1..=self.scale.long_rounds {
            for watched in [0, WATCHED] {
                self.progress.stage(format!("presence, round {round}: {watched} watched each"));
                let options = PresenceOptions { users, watched, text_bytes: PAYLOAD_BYTES, codec, parallel: PARALLEL };
                let server = self.start_daemon(false)?;
                let mut presence = Presence::open(&server.target(codec)?, &options, self.progress)?;
                let plan = if watched == 0 { &closed } else { &plan };
                let report = presence.run(plan, 50, Some(server.pid()), self.progress)?;
                let cpu_us = report.cost.map(|cost| cost.cpu_us).context("the server's CPU was not read")?;
                if watched == 0 {
                    check(&mut alone, "daemon", &report);
                    alone.measured.push(cpu_us / report.sent.max(1) as f64);
                    continue;
                }
                check(&mut told, "daemon", &report);
                told.measured.push(cpu_us / report.deliveries.max(1) as f64);
                late.measured.push(report.latencies.percentile_us(100.0) / 1e3);
                told.frame_bytes = report.frame_bytes;
            }
            self.progress.stage(format!("presence, round {round}: floor"));
            let server = self.start_floor(false, told.frame_bytes)?;
            let mut options = fanout_options(users, codec, PAYLOAD_BYTES);
            options.channels = (users / WATCHED).max(1);
            let mut fanout = Fanout::open(&server.target(codec)?, &options, self.progress)?;
            let report = fanout.run(&plan, 50, Some(server.pid()), self.progress)?;
            check(&mut told, "floor", &report);
            told.floor.push(report.cpu_us_per_delivery().context("the server's CPU was not read")?);
            late.floor.push(report.latencies.percentile_us(100.0) / 1e3);
        }
        self.rows.extend([alone, told, late]);
        Ok(())
    }
}

//! What attackers do to everybody else.

use super::Bench;
use super::parts::{PARALLEL, PAYLOAD_BYTES, RATE, RELIABLE, check};
use super::row::{Bar, Row};
use crate::attack::Attack;
use crate::codec::Codec;
use crate::command::{Answer, Shape};
use crate::fanout::{Fanout, FanoutOptions};
use crate::plan::{Limit, Pace, Plan};
use crate::process::resident_kib;
use anyhow::Result;
use std::thread::sleep;
use std::time::Duration;

/// One attacker for so many connections.
const CONNECTIONS_PER_ATTACKER: u32 = 100;
/// How long the server has to forget them.
const AFTERMATH: Duration = Duration::from_secs(5);
/// How many times the p99 without attackers that with them may be, and how much may be left of them in memory, in KiB.
const RATIO_MAX: f64 = 1.15;
const LEFT_KIB_MAX: f64 = 4_096.0;

impl Bench<'_> {
    /// The p99 of everybody else beside 1% of attackers, compared with that without, on the same server; and what is left
    /// in memory when they are gone.
    pub(super) fn attack(&mut self) -> Result<()> {
        let subscribers = self.scale.rate_subscribers;
        let attackers = (subscribers / CONNECTIONS_PER_ATTACKER) as usize;
        let shape = Shape {
            codec: Codec::Json,
            namespace: RELIABLE.to_owned(),
            payload_bytes: PAYLOAD_BYTES,
            answer: Answer::Nothing,
            unicast: false,
        };
        let options = FanoutOptions { subscribers, channels: 1, slow: 0, shape, parallel: PARALLEL };
        let server = self.start_daemon(false)?;
        let target = server.target(Codec::Json)?;
        let mut fanout = Fanout::open(&target, &options, self.progress)?;
        let plan = Plan { pace: Pace::Rate(RATE), limit: Limit::Seconds(self.scale.rate_seconds) };
        let name = format!(
            "others' p99 beside {attackers} attackers, {RATE} messages/s to {subscribers} (floor: daemon without)"
        );
        let mut row = Row::new(name, "ms", Bar::Ratio(RATIO_MAX));
        let mut left = Row::new("memory that attackers leave behind", "KiB RSS", Bar::Figure(LEFT_KIB_MAX));
        // The first attack brings the server to its full size, as the first of anything does.
        for round in 0..=self.scale.rounds {
            self.progress.stage(format!("{}, round {round} of {}", row.name, self.scale.rounds));
            let without = fanout.run(&plan, 8, Some(server.pid()), self.progress)?;
            let before_kib = resident_kib(server.pid())?;
            let attack = Attack::start(&target, attackers)?;
            let with = fanout.run(&plan, 8, Some(server.pid()), self.progress)?;
            let during_kib = resident_kib(server.pid())?;
            let deeds = attack.end();
            sleep(AFTERMATH);
            let after_kib = resident_kib(server.pid())?;
            if round == 0 {
                row.seen.push(format!("the first attack, which is not counted: RSS {before_kib}, {during_kib}, {after_kib} KiB before, during, after"));
                continue;
            }
            check(&mut row, "without", &without);
            check(&mut row, "with", &with);
            row.frame_bytes = with.frame_bytes;
            row.floor.push(without.latencies.percentile_us(99.0) / 1e3);
            row.measured.push(with.latencies.percentile_us(99.0) / 1e3);
            left.measured.push(after_kib as f64 - before_kib as f64);
            row.seen.push(format!("{deeds}; RSS {before_kib}, {during_kib}, {after_kib} KiB before, during, after"));
        }
        self.rows.extend([row, left]);
        Ok(())
    }
}

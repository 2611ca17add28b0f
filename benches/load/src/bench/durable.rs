//! Users that come back: what it costs, and what the others feel.

use super::Bench;
use super::parts::{EPHEMERAL, PARALLEL, PAYLOAD_BYTES, RELIABLE, check};
use super::row::{Bar, Row};
use crate::codec::Codec;
use crate::comeback::comeback;
use crate::comeback::options::{ComebackOptions, Others};
use crate::comeback::report::ComebackReport;
use anyhow::{Context as _, Result};

/// Entries that a second of the server's time must deliver.
const ENTRIES_PER_CPU_SECOND_MIN: f64 = 300_000.0;
/// What the others' p99 may be meanwhile, in milliseconds.
const OTHERS_P99_MS_MAX: f64 = 100.0;
/// Subscribers who were never away, and the messages a second that they get.
const OTHERS: (u32, f64) = (50, 20.0);

impl Bench<'_> {
    /// Many users who missed a little, and one who missed much.
    pub(super) fn comebacks(&mut self) -> Result<()> {
        let scale = self.scale.comeback;
        self.comeback(scale.users, scale.entries)?;
        self.comeback(1, scale.missed)
    }

    fn comeback(&mut self, users: u32, entries: u64) -> Result<()> {
        let (subscribers, rate) = OTHERS;
        let options = ComebackOptions {
            users,
            entries,
            namespace: RELIABLE.to_owned(),
            payload_bytes: PAYLOAD_BYTES,
            parallel: PARALLEL,
            others: Others {
                subscribers,
                namespace: EPHEMERAL.to_owned(),
                rate,
                before_seconds: self.scale.comeback.before_seconds,
            },
        };
        let name = match users {
            1 => format!("comeback of 1 user who missed {entries}"),
            _ => format!("comeback of {users} users who missed {entries} each"),
        };
        // The bar is for many: with one, connecting and the beginning of reading are shared by nobody.
        let bar = if users > 1 { Bar::Least(ENTRIES_PER_CPU_SECOND_MIN) } else { Bar::None };
        let mut speed = Row::new(format!("{name}, JSON"), "entries/s of CPU", bar);
        let felt = format!("others' p99 beside the {name}, {rate}/s to {subscribers} (floor: before it)");
        let mut others = Row::new(felt, "ms", Bar::Figure(OTHERS_P99_MS_MAX));
        for round in 1..=self.scale.long_rounds {
            self.progress.stage(format!("{name}, round {round} of {}", self.scale.long_rounds));
            let server = self.start_daemon(true)?;
            let target = server.target(Codec::Json)?;
            let report = comeback(&target, &options, Some(server.pid()), self.progress)?;
            enter(&mut speed, &mut others, &report)?;
        }
        self.rows.extend([speed, others]);
        Ok(())
    }
}

fn enter(speed: &mut Row, others: &mut Row, report: &ComebackReport) -> Result<()> {
    speed.frame_bytes = report.frame_bytes;
    speed.measured.push(report.per_cpu_second().context("the server's CPU was not read")?);
    speed.failures.extend(report.failures.iter().cloned());
    if report.faults.any() {
        speed.failures.push(report.faults.to_string());
    }
    let growth_kib = report.memory.map_or(0, |memory| memory.growth_kib());
    speed.seen.push(format!(
        "{} entries in {:.2} s, driver {:.0}% busy; the server grew by {growth_kib} KiB",
        report.arrived,
        report.seconds,
        report.driver_busy * 100.0
    ));
    let felt = report.others.as_ref().context("the others were not measured")?;
    check(others, "before", &felt.before);
    check(others, "meanwhile", &felt.during);
    let (before_ms, during_ms) = felt.p99_ms();
    others.frame_bytes = felt.during.frame_bytes;
    others.floor.push(before_ms);
    others.measured.push(during_ms);
    Ok(())
}

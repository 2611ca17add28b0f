//! What a run found.

use crate::life::Report;
use crate::plan::Round;
use std::fmt;
use std::time::Duration;

/// Violations that are shown.
const SHOWN_MAX: usize = 20;

/// Counts of a run, and the violations it begins with.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    kills: u32,
    cuts: u32,
    full: u32,
    failed: u32,
    stored: usize,
    checked: usize,
    lost: usize,
    doubled: usize,
    violations: usize,
    shown: Vec<String>,
    recovery: Vec<Duration>,
    /// Why there were no cuts, though some were asked for.
    pub(crate) without_disks: Option<String>,
}

impl Summary {
    /// Counts a round.
    pub(crate) fn add(&mut self, number: u32, round: Round, report: &Report) {
        match round {
            Round::Kill(_) => self.kills += 1,
            Round::Cut(_) => self.cuts += 1,
            Round::Full => self.full += 1,
        }
        self.failed += u32::from(!report.violations.is_empty());
        self.read(number, report);
        self.recovery.extend(report.recovery);
    }

    /// Counts what was read after the last round of a life.
    pub(crate) fn read(&mut self, number: u32, report: &Report) {
        self.stored += report.stored;
        self.checked += report.checked;
        self.lost += report.violations.iter().filter(|one| one.is_loss()).count();
        self.doubled += report.violations.iter().filter(|one| one.is_double()).count();
        self.violations += report.violations.len();
        let room = SHOWN_MAX - self.shown.len();
        self.shown.extend(report.violations.iter().take(room).map(|one| format!("round {number}: {one}")));
    }

    /// Whether no promise was broken.
    pub(crate) fn is_good(&self) -> bool {
        self.violations == 0
    }

    /// Rounds with a violation.
    pub(crate) fn failed(&self) -> u32 {
        self.failed
    }

    /// Rounds so far.
    pub(crate) fn rounds(&self) -> u32 {
        self.kills + self.cuts + self.full
    }

    /// The line by which `cargo xtask test` counts each round as a test.
    pub(crate) fn result(&self) -> String {
        // What was found after the last round of a life is a failure of none.
        let failed = self.failed.max(u32::from(!self.is_good()));
        let word = if self.is_good() { "ok" } else { "FAILED" };
        format!("test result: {word}. {} passed; {failed} failed", self.rounds().saturating_sub(failed))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.shown {
            writeln!(f, "  {line}")?;
        }
        if self.violations > self.shown.len() {
            writeln!(f, "  and {} more", self.violations - self.shown.len())?;
        }
        let Self { kills, cuts, full, stored, checked, lost, doubled, violations, .. } = self;
        writeln!(f, "rounds           {} ({kills} kills, {cuts} power cuts, {full} full disks)", self.rounds())?;
        writeln!(f, "answered stored  {stored}")?;
        writeln!(f, "entries checked  {checked}")?;
        writeln!(f, "lost             {lost}")?;
        writeln!(f, "doubled          {doubled}")?;
        writeln!(f, "violations       {violations}")?;
        let mut recovery = self.recovery.clone();
        recovery.sort_unstable();
        if let (Some(median), Some(max)) = (recovery.get(recovery.len() / 2), recovery.last()) {
            writeln!(f, "recovery         median {} ms, max {} ms", median.as_millis(), max.as_millis())?;
        }
        if let Some(why) = &self.without_disks {
            writeln!(f, "NO POWER WAS CUT AND NO DISK FILLED: {why}")?;
        }
        Ok(())
    }
}

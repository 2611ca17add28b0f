//! What a run is doing, on standard error: one line that renews itself on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How often a line renews itself.
const RENEW_INTERVAL: Duration = Duration::from_millis(100);
/// How often a plain line is written about the same stage.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Tells the progress of one run.
#[derive(Debug)]
pub struct Progress {
    terminal: bool,
    quiet: bool,
    stage: String,
    told: Option<Instant>,
}

impl Progress {
    /// Speaks to standard error, unless `quiet`.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        Self { terminal: io::stderr().is_terminal(), quiet, stage: String::new(), told: None }
    }

    /// Begins a stage.
    pub fn stage(&mut self, stage: impl Into<String>) {
        self.stage = stage.into();
        self.told = None;
        self.show("");
    }

    /// Tells how far the stage is. Cheap: says something only now and then.
    pub fn tick(&mut self, detail: impl FnOnce() -> String) {
        let interval = if self.terminal { RENEW_INTERVAL } else { LINE_INTERVAL };
        if !self.quiet && self.told.is_none_or(|told| told.elapsed() >= interval) {
            let detail = detail();
            self.show(&detail);
        }
    }

    /// Clears the line, so that something else can be printed.
    pub fn clear(&mut self) {
        if self.terminal && !self.quiet {
            self.write("\r\x1b[2K");
        }
    }

    fn show(&mut self, detail: &str) {
        if self.quiet {
            return;
        }
        let gap = if detail.is_empty() { "" } else { ": " };
        let line = format!("{}{gap}{detail}", self.stage);
        if self.terminal {
            self.write(&format!("\r\x1b[2K{line}"));
        } else {
            self.write(&format!("{line}\n"));
        }
        self.told = Some(Instant::now());
    }

    fn write(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        // Progress that cannot be shown is no reason to end the run.
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }
}

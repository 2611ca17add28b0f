//! The engine's clock.

use std::time::{Instant as StdInstant, SystemTime, UNIX_EPOCH};
use tidings_core::time::{Instant, Now};

/// Reads both clocks. Durations are counted from the moment it was made.
#[derive(Debug)]
pub(crate) struct Clock {
    start: StdInstant,
    start_wall_ms: u64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: StdInstant::now(), start_wall_ms: wall_ms() }
    }

    /// Milliseconds since 1970 as far as they were known at the start: comparable with those of an earlier start, and no
    /// step of the wall clock moves them.
    pub(crate) fn steady_wall_ms(&self) -> u64 {
        self.start_wall_ms.saturating_add(self.now().instant.0)
    }

    pub(crate) fn now(&self) -> Now {
        let elapsed_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { instant: Instant(elapsed_ms), wall_ms: wall_ms() }
    }
}

/// A wall clock before 1970 is a machine that was never set: entries then carry 0.
fn wall_ms() -> u64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)
}

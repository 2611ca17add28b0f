//! The engine's clock.

use std::time::{Instant as StdInstant, SystemTime, UNIX_EPOCH};
use tidings_core::time::{Instant, Now};

/// Reads both clocks. Durations are counted from the moment it was made.
#[derive(Debug)]
pub(crate) struct Clock {
    start: StdInstant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: StdInstant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        let elapsed_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        // A wall clock before 1970 is a machine that was never set: entries then carry 0.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { instant: Instant(elapsed_ms), wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX) }
    }
}

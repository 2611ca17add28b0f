//! Time as a value that the caller gives.

use std::ops::Add;

/// Milliseconds on a clock that never goes back, since the caller's own beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Instant(pub u64);

impl Instant {
    /// Milliseconds from `earlier` to `self`, 0 if that lies ahead.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<u64> for Instant {
    type Output = Self;

    fn add(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// One reading of both clocks, taken once for a batch of work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now {
    /// For durations. A step of the wall clock does not move it.
    pub instant: Instant,
    /// For people: milliseconds since 1970, UTC.
    pub wall_ms: u64,
}

//! The generic cell rate algorithm (ITU-T I.371) in eight bytes.

use crate::time::Instant;

/// How many in a minute, and that many at once after a rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    per_minute: u32,
}

/// One client's place in its rate: the time at which everything it sent so far would have been due, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Meter(u64);

const MINUTE_US: u64 = 60_000_000;

impl Rate {
    /// `per_minute` in a minute; 0 is no limit.
    #[must_use]
    pub const fn per_minute(per_minute: u32) -> Self {
        Self { per_minute }
    }

    /// The number it was made of.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.per_minute
    }
}

impl Meter {
    /// Counts one more.
    ///
    /// # Errors
    /// The milliseconds to wait when this one comes too soon; it is then not counted.
    pub fn take(&mut self, rate: Rate, now: Instant) -> Result<(), u64> {
        if rate.per_minute == 0 {
            return Ok(());
        }
        let now_us = now.0.saturating_mul(1_000);
        let step_us = MINUTE_US / u64::from(rate.per_minute);
        let due_us = self.0.max(now_us).saturating_add(step_us);
        let ahead_us = due_us - now_us;
        if ahead_us > MINUTE_US {
            return Err((ahead_us - MINUTE_US).div_ceil(1_000));
        }
        self.0 = due_us;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Meter, Rate};
    use crate::time::Instant;

    #[test]
    fn a_burst_of_a_minute_then_the_rate() {
        let rate = Rate::per_minute(200);
        let mut meter = Meter::default();
        let start = Instant(5_000);
        for _ in 0..200 {
            assert_eq!(meter.take(rate, start), Ok(()));
        }
        assert_eq!(meter.take(rate, start), Err(300));
        assert_eq!(meter.take(rate, start + 299), Err(1));
        assert_eq!(meter.take(rate, start + 300), Ok(()));
        assert_eq!(meter.take(rate, start + 300), Err(300));
    }

    #[test]
    fn nothing_is_no_limit() {
        let mut meter = Meter::default();
        for _ in 0..10_000 {
            assert_eq!(meter.take(Rate::per_minute(0), Instant(0)), Ok(()));
        }
    }

    #[test]
    fn a_refused_one_is_not_counted() {
        let rate = Rate::per_minute(1);
        let mut meter = Meter::default();
        assert_eq!(meter.take(rate, Instant(0)), Ok(()));
        for _ in 0..100 {
            assert!(meter.take(rate, Instant(1)).is_err());
        }
        assert_eq!(meter.take(rate, Instant(60_000)), Ok(()));
    }
}

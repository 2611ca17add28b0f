//! When to try again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// A connection that lasted this long was a good one: trying begins afresh.
const GOOD: Duration = Duration::from_secs(30);

/// Waits that double, each of a random part of its length ("full jitter"), so that thousands of clients that lost
/// the same server do not all come back at once.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// How long to wait after a connection that lasted `lasted`. `random` is a number of which every bit is random.
    pub(crate) fn next(&mut self, lasted: Duration, random: u64) -> Duration {
        if lasted >= GOOD {
            self.tries = 0;
        }
        let longest = FIRST.saturating_mul(1 << self.tries.min(16)).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        let longest_ms = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(random % (longest_ms + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, GOOD, LONGEST};
    use std::time::Duration;

    #[test]
    fn waits_double_up_to_a_bound_and_begin_afresh_after_a_good_connection() {
        let mut backoff = Backoff::default();
        let longest = |backoff: &mut Backoff, lasted| {
            // The largest remainder there can be is the bound itself.
            let bound = Backoff { tries: backoff.tries }.next(lasted, 0);
            assert_eq!(bound, Duration::ZERO);
            (0..200_u64).map(|at| Backoff { tries: backoff.tries }.next(lasted, at * 151)).max().unwrap()
        };
        let mut last = Duration::ZERO;
        for _ in 0..6 {
            let longest = longest(&mut backoff, Duration::ZERO);
            assert!(longest > last && longest <= LONGEST, "{longest:?}");
            last = longest;
            backoff.next(Duration::ZERO, 1);
        }
        for _ in 0..1_000 {
            assert!(backoff.next(Duration::ZERO, u64::MAX) <= LONGEST);
        }
        assert!(backoff.next(GOOD, u64::MAX) <= Duration::from_millis(500));
    }
}

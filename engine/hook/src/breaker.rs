//! Whether the application is asked at all: not while it fails again and again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Counts failures in a row. It is closed while questions pass, open while none does, and half open while one tries.
#[derive(Debug)]
pub(crate) struct Breaker {
    state: Mutex<State>,
    failures_max: u32,
    pause: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Trying,
}

/// The right to ask once. Dropped without a word it changes nothing, unless it was the one that tries.
#[derive(Debug)]
#[must_use]
pub(crate) struct Pass<'a> {
    breaker: &'a Breaker,
    tries: bool,
    is_told: bool,
}

impl Breaker {
    pub(crate) const fn new(failures_max: u32, pause: Duration) -> Self {
        Self { state: Mutex::new(State::Closed { failures: 0 }), failures_max, pause }
    }

    /// Lets one question pass, or none.
    pub(crate) fn admit(&self, now: Instant) -> Option<Pass<'_>> {
        let mut state = self.state();
        let tries = match *state {
            State::Closed { .. } => false,
            State::Open { until } if now >= until => {
                *state = State::Trying;
                true
            }
            State::Open { .. } | State::Trying => return None,
        };
        Some(Pass { breaker: self, tries, is_told: false })
    }

    /// Whether [`Breaker::admit`] would let one pass.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        match *self.state() {
            State::Closed { .. } => true,
            State::Open { until } => now >= until,
            State::Trying => false,
        }
    }

    /// Whether questions pass, as far as is known.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(*self.state(), State::Closed { .. })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, state: &mut State, now: Instant) {
        *state = State::Open { until: now + self.pause };
        metrics::counter!("tidings_hook_pauses_total").increment(1);
        tracing::warn!("the hook fails again and again; nobody is asked for {} ms", self.pause.as_millis());
    }
}

impl Pass<'_> {
    /// The application answered, well or not.
    pub(crate) fn succeed(mut self) {
        self.is_told = true;
        let mut state = self.breaker.state();
        match *state {
            State::Closed { .. } => *state = State::Closed { failures: 0 },
            State::Trying if self.tries => {
                *state = State::Closed { failures: 0 };
                tracing::info!("the hook answers again");
            }
            // A late answer to what was asked before says less than those that failed since.
            State::Open { .. } | State::Trying => {}
        }
    }

    /// It did not.
    pub(crate) fn fail(mut self, now: Instant) {
        self.is_told = true;
        self.judge(now);
    }

    fn judge(&self, now: Instant) {
        let breaker = self.breaker;
        let mut state = breaker.state();
        match *state {
            State::Closed { failures } if failures + 1 < breaker.failures_max => {
                *state = State::Closed { failures: failures + 1 };
            }
            State::Closed { .. } => breaker.open(&mut state, now),
            State::Trying if self.tries => breaker.open(&mut state, now),
            State::Open { .. } | State::Trying => {}
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.tries && !self.is_told {
            // Whoever waited for it is gone. Without this nobody would ever try again.
            self.judge(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Breaker;
    use std::time::{Duration, Instant};

    const PAUSE: Duration = Duration::from_secs(5);

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_try_later() {
        let (breaker, now) = (Breaker::new(3, PAUSE), Instant::now());
        for _ in 0..2 {
            breaker.admit(now).unwrap().fail(now);
        }
        breaker.admit(now).unwrap().succeed();
        for _ in 0..3 {
            assert!(breaker.is_closed());
            breaker.admit(now).unwrap().fail(now);
        }
        assert!(!breaker.is_closed() && breaker.admit(now + PAUSE / 2).is_none());
        let one = breaker.admit(now + PAUSE).unwrap();
        assert!(breaker.admit(now + PAUSE).is_none(), "one alone");
        one.fail(now + PAUSE);
        assert!(breaker.admit(now + PAUSE).is_none());
        breaker.admit(now + 2 * PAUSE).unwrap().succeed();
        assert!(breaker.is_closed());
    }

    #[test]
    fn late_answers_do_not_close_it_and_lost_tries_do_not_keep_it_open() {
        let (breaker, now) = (Breaker::new(1, Duration::ZERO), Instant::now());
        let early = breaker.admit(now).unwrap();
        breaker.admit(now).unwrap().fail(now);
        early.succeed();
        assert!(!breaker.is_closed());
        drop(breaker.admit(now).unwrap());
        assert!(breaker.admit(Instant::now()).is_some(), "the next one tries");
    }
}

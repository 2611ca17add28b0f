//! How often one address may fail to prove who it is.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The time in which as many failures are forgiven as there may be.
const WINDOW: Duration = Duration::from_secs(60);

/// The failures of each address. An address is judged before it is known whether this try counts, which the rates of governor,
/// that count whom they judge, do not do.
#[derive(Debug)]
pub(crate) struct Failures {
    /// What one failure takes of the window.
    step: Duration,
    addresses_max: usize,
    /// When all that an address did will be forgiven.
    forgiven: Mutex<HashMap<IpAddr, Instant>>,
}

/// There are as many addresses in the book as may be, each with a failure of the last minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Failures {
    /// So many in a minute, and that many at once after a rest. `None`: 0, no limit.
    pub(crate) fn per_minute(failures: u32, addresses_max: usize) -> Option<Self> {
        let step = WINDOW.checked_div(failures)?;
        Some(Self { step, addresses_max, forgiven: Mutex::default() })
    }

    /// Whether an address may try now.
    ///
    /// # Errors
    /// How long it has to wait.
    pub(crate) fn check(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let forgiven = self.forgiven().get(&address).copied();
        let left = forgiven.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        // One more must fit into the window.
        match (left + self.step).checked_sub(WINDOW) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => Ok(()),
        }
    }

    /// Counts a try that failed.
    ///
    /// # Errors
    /// [`Full`]: it is not remembered.
    pub(crate) fn add(&self, address: IpAddr, now: Instant) -> Result<(), Full> {
        let mut book = self.forgiven();
        if book.len() >= self.addresses_max && !book.contains_key(&address) {
            book.retain(|_, at| *at > now);
            if book.len() >= self.addresses_max {
                return Err(Full);
            }
        }
        let forgiven = book.entry(address).or_insert(now);
        // Tries that were under way together may all fail; nobody waits longer for that than a window and a step.
        *forgiven = ((*forgiven).max(now) + self.step).min(now + WINDOW);
        Ok(())
    }

    fn forgiven(&self) -> MutexGuard<'_, HashMap<IpAddr, Instant>> {
        // No call leaves it half changed.
        self.forgiven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Failures, Full};
    use std::{
        net::IpAddr,
        time::{Duration, Instant},
    };

    fn address(last: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, last])
    }

    #[test]
    fn so_many_at_once_then_one_for_each_step_of_time() {
        let failures = Failures::per_minute(6, 10).unwrap();
        let now = Instant::now();
        for _ in 0..6 {
            assert_eq!(failures.check(address(1), now), Ok(()));
            failures.add(address(1), now).unwrap();
        }
        assert_eq!(failures.check(address(1), now), Err(Duration::from_secs(10)));
        assert_eq!(failures.check(address(2), now), Ok(()), "others are not held");
        let later = now + Duration::from_secs(9);
        assert_eq!(failures.check(address(1), later), Err(Duration::from_secs(1)), "to ask costs nothing");
        let later = now + Duration::from_secs(10);
        assert_eq!(failures.check(address(1), later), Ok(()));
        failures.add(address(1), later).unwrap();
        assert_eq!(failures.check(address(1), later), Err(Duration::from_secs(10)));
        let rested = later + Duration::from_secs(60);
        assert!((0..6).all(|_| failures.check(address(1), rested).is_ok() && failures.add(address(1), rested).is_ok()));
    }

    #[test]
    fn who_fails_many_times_at_once_waits_no_longer_than_who_does_so_in_turn() {
        let failures = Failures::per_minute(6, 10).unwrap();
        let now = Instant::now();
        (0..1_000).for_each(|_| failures.add(address(1), now).unwrap());
        assert_eq!(failures.check(address(1), now), Err(Duration::from_secs(10)));
    }

    #[test]
    fn who_has_rested_is_forgotten_and_above_the_bound_nobody_is_remembered() {
        let failures = Failures::per_minute(60, 2).unwrap();
        let now = Instant::now();
        for last in 0..2 {
            assert_eq!(failures.add(address(last), now), Ok(()));
        }
        assert_eq!(failures.add(address(2), now), Err(Full));
        assert_eq!(failures.add(address(1), now), Ok(()), "who is there is counted on");
        assert_eq!(failures.add(address(2), now + Duration::from_secs(1)), Ok(()), "one is forgiven by then");
        assert!(Failures::per_minute(0, 2).is_none());
    }
}

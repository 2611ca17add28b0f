//! How fast users are, each over all of its devices and connections, those of before included.
//!
//! By the rate (GCRA) of the crate governor, keyed by user. What it remembers of a user says nothing any more when the user
//! has rested for as long as it was ahead of its pace, a minute at most; then it is forgotten.

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

type ByUser = RateLimiter<
    Arc<str>,
    DashMapStateStore<Arc<str>>,
    MonotonicClock,
    NoOpMiddleware<<MonotonicClock as Clock>::Instant>,
>;

/// The paces of all users who have sent something lately.
pub(crate) struct Paces {
    /// `None`: no limit.
    by_user: Option<ByUser>,
    users_max: usize,
    is_full: AtomicBool,
}

impl Paces {
    /// `per_minute` messages of each user in a minute, and as many at once after a rest; 0 is no limit.
    pub(crate) fn new(per_minute: u32, users_max: usize) -> Self {
        let quota = NonZeroU32::new(per_minute).map(Quota::per_minute);
        let by_user = quota.map(|quota| RateLimiter::dashmap_with_clock(quota, MonotonicClock));
        Self { by_user, users_max, is_full: AtomicBool::new(false) }
    }

    /// Counts one more message.
    ///
    /// # Errors
    /// The milliseconds to wait when this one comes too soon; it is then not counted.
    pub(crate) fn take(&self, user: &Arc<str>) -> Result<(), u64> {
        let Some(by_user) = &self.by_user else { return Ok(()) };
        by_user.check_key(user).map_err(|not_until| {
            let wait = not_until.wait_time_from(MonotonicClock.now());
            u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
        })
    }

    /// Whether so many are remembered that nobody else may come. Only who is admitted can be remembered, so this bounds
    /// them, give or take those who came since the last look.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// Forgets whom it has nothing to say about. Called now and then.
    pub(crate) fn tidy(&self) {
        let Some(by_user) = &self.by_user else { return };
        by_user.retain_recent();
        by_user.shrink_to_fit();
        self.look();
    }

    /// Looks how many are remembered. Called more often.
    pub(crate) fn look(&self) {
        self.is_full.store(self.len() >= self.users_max, Ordering::Relaxed);
    }

    /// How many are remembered.
    pub(crate) fn len(&self) -> usize {
        self.by_user.as_ref().map_or(0, ByUser::len)
    }
}

#[cfg(test)]
mod tests {
    use super::Paces;
    use std::sync::Arc;
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    fn user(name: &str) -> Arc<str> {
        name.into()
    }

    #[test]
    fn a_burst_of_a_minute_then_the_rate_for_each_user() {
        // One every 100 ms, so that a slow machine gives none back meanwhile.
        let paces = Paces::new(600, 10);
        let began = Instant::now();
        let taken = (0..700).take_while(|_| paces.take(&user("alice")).is_ok()).count();
        let given_back = usize::try_from(began.elapsed().as_millis() / 100).unwrap();
        assert!((600..=601 + given_back).contains(&taken), "{taken}");
        let wait_ms = paces.take(&user("alice")).unwrap_err();
        assert!((1..=100).contains(&wait_ms), "{wait_ms}");
        assert_eq!(paces.take(&user("bob")), Ok(()), "others go on");
        sleep(Duration::from_millis(wait_ms));
        assert_eq!(paces.take(&user("alice")), Ok(()), "when it was told to come");
    }

    #[test]
    fn who_has_rested_is_forgotten() {
        let paces = Paces::new(60_000, 3);
        for name in ["a", "b", "c", "d"] {
            assert_eq!(paces.take(&user(name)), Ok(()));
        }
        for _ in 0..1_000 {
            assert_eq!(paces.take(&user("busy")), Ok(()));
        }
        paces.tidy();
        assert!(paces.is_full() || paces.len() < 3);
        while paces.len() > 0 {
            sleep(Duration::from_millis(10));
            paces.tidy();
        }
        assert!(!paces.is_full());
    }

    #[test]
    fn no_rate_is_no_limit_and_remembers_nobody() {
        let paces = Paces::new(0, 1);
        assert!((0..10_000).all(|_| paces.take(&user("alice")).is_ok()));
        paces.tidy();
        assert_eq!((paces.len(), paces.is_full()), (0, false));
    }
}

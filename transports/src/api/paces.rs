//! How fast each key's holder may ask.

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::keyed::DashMapStateStore,
};
use std::{fmt, num::NonZeroU32, time::Duration};

type ByKey =
    RateLimiter<usize, DashMapStateStore<usize>, MonotonicClock, NoOpMiddleware<<MonotonicClock as Clock>::Instant>>;

/// The paces of an API's keys, by their places. There are as many as keys.
pub(crate) struct Paces(Option<ByKey>);

impl fmt::Debug for Paces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paces").field("are_held", &self.0.is_some()).finish()
    }
}

impl Paces {
    /// So many in a minute; 0: no limit.
    pub(crate) fn per_minute(requests: u32) -> Self {
        let quota = NonZeroU32::new(requests).map(Quota::per_minute);
        Self(quota.map(|quota| RateLimiter::dashmap_with_clock(quota, MonotonicClock)))
    }

    /// Counts a request with the key at this place.
    ///
    /// # Errors
    /// How long to wait when it comes too soon; it is then not counted.
    pub(super) fn take(&self, key: usize) -> Result<(), Duration> {
        let Some(by_key) = &self.0 else { return Ok(()) };
        by_key.check_key(&key).map_err(|not_until| {
            metrics::counter!("tidings_limits_reached_total", "limit" => "api.requests_per_minute_per_key")
                .increment(1);
            not_until.wait_time_from(MonotonicClock.now())
        })
    }
}

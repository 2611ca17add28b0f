//! How often, and how often at once, one address may come, and how often it may fail to prove who it is.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::keyed::DashMapStateStore,
};

use crate::failures::Failures;

type ByAddress =
    RateLimiter<IpAddr, DashMapStateStore<IpAddr>, MonotonicClock, NoOpMiddleware<<MonotonicClock as Clock>::Instant>>;

/// How often addresses are forgotten that have rested, in milliseconds.
const TIDY_EVERY_MS: u64 = 5_000;

/// How often somebody is told that an address comes too often, in milliseconds.
const COMPLAIN_EVERY_MS: u64 = 60_000;

/// What one address may do. Of IPv6 the first 64 bits count: that is what one customer has.
///
/// Addresses of this machine are let through: whoever is on it has other ways, and a proxy on it that was not named
/// would make all of its clients one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Visits {
    /// WebSockets and streams of server-sent events that one address may begin in a minute, that many at once after a
    /// rest. More are answered 429 with `Retry-After`. 0: no limit.
    ///
    /// Default: 6,000, so that a house of 5,000 behind one address comes back at once. Raising it lets one address cost
    /// more: a handshake is a tenth of a millisecond or two.
    pub connects_per_minute: u32,
    /// Connections that one address may have at once, those in their handshake included. More are answered 503 with
    /// `Retry-After`. Behind a proxy that tells addresses in a header it is the proxy's to limit. 0: no limit.
    ///
    /// Default: 0. Without it one address can take every place that there is, for `handshake_timeout_ms` at a time.
    pub connections_max: usize,
    /// How often one address may fail to prove who it is in a minute, and that often at once after a rest: by a token, the secret
    /// of a session, a key of the HTTP API. Who comes then is answered 429 with `Retry-After`, whatever it brings. 0: no limit.
    ///
    /// Default: 600. Raising it lets one address try more; lowering it shuts out a house behind one address when many of its
    /// tokens have expired.
    pub failed_auths_per_minute: u32,
    /// Addresses whose pace is remembered: those that came within about a minute. While there are more, `connects_per_minute`
    /// holds nobody: against so many addresses it would not help. As many are remembered that failed.
    ///
    /// Default: 100,000, at about 100 bytes each, and 40 each that failed.
    pub addresses_max: usize,
}

impl Default for Visits {
    fn default() -> Self {
        Self { connects_per_minute: 6_000, connections_max: 0, failed_auths_per_minute: 600, addresses_max: 100_000 }
    }
}

/// Who came lately, and who is there. Clones are handles to the same book: one is for [`crate::Options`], and one for each
/// gateway behind it.
#[derive(Clone)]
pub struct Visitors(Arc<Book>);

struct Book {
    visits: Visits,
    paces: Option<ByAddress>,
    failures: Option<Failures>,
    /// At most one entry for each connection that the listener serves.
    present: Mutex<HashMap<IpAddr, usize>>,
    start: Instant,
    tidied_ms: AtomicU64,
    complained_ms: AtomicU64,
    complained_of_failures_ms: AtomicU64,
}

impl fmt::Debug for Visitors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitors").field("visits", &self.0.visits).finish_non_exhaustive()
    }
}

impl Default for Visitors {
    fn default() -> Self {
        Self::new(Visits::default())
    }
}

impl Visitors {
    /// A book that is empty.
    #[must_use]
    pub fn new(visits: Visits) -> Self {
        let quota = NonZeroU32::new(visits.connects_per_minute).map(Quota::per_minute);
        let paces = quota.map(|quota| RateLimiter::dashmap_with_clock(quota, MonotonicClock));
        Self(Arc::new(Book {
            visits,
            paces,
            failures: Failures::per_minute(visits.failed_auths_per_minute, visits.addresses_max),
            present: Mutex::default(),
            start: Instant::now(),
            tidied_ms: AtomicU64::new(0),
            complained_ms: AtomicU64::new(0),
            complained_of_failures_ms: AtomicU64::new(0),
        }))
    }

    /// Counts a connection that somebody begins.
    ///
    /// # Errors
    /// How long to wait when this one comes too soon; it is then not counted.
    pub fn begin(&self, address: IpAddr) -> Result<(), Duration> {
        let (Some(paces), Some(address)) = (&self.0.paces, counted(address)) else { return Ok(()) };
        if self.0.is_due(&self.0.tidied_ms, TIDY_EVERY_MS) || paces.len() >= self.0.visits.addresses_max {
            paces.retain_recent();
        }
        if paces.len() >= self.0.visits.addresses_max {
            reached("http.addresses_max");
            return Ok(());
        }
        paces.check_key(&address).map_err(|not_until| {
            reached("http.connects_per_minute_per_address");
            if self.0.is_due(&self.0.complained_ms, COMPLAIN_EVERY_MS) {
                tracing::warn!(
                    %address,
                    "an address begins more connections than http.connects_per_minute_per_address; if it is a proxy, name it in \
                     http.trusted_proxies"
                );
            }
            not_until.wait_time_from(MonotonicClock.now())
        })
    }

    /// Whether an address may try to prove who it is. Ask before you look at what it brings, and call
    /// [`Visitors::failed`] when that is not good.
    ///
    /// # Errors
    /// How long to wait when it has failed too often.
    pub fn may_prove(&self, address: IpAddr) -> Result<(), Duration> {
        let (Some(failures), Some(address)) = (&self.0.failures, counted(address)) else { return Ok(()) };
        failures.check(address, Instant::now()).inspect_err(|_| {
            reached("http.failed_auths_per_minute_per_address");
            if self.0.is_due(&self.0.complained_of_failures_ms, COMPLAIN_EVERY_MS) {
                tracing::warn!(
                    %address,
                    "an address brings more tokens or keys that are not good than http.failed_auths_per_minute_per_address; if it is \
                     a proxy, name it in http.trusted_proxies"
                );
            }
        })
    }

    /// Counts that an address brought a token, a secret or a key that is not good.
    pub fn failed(&self, address: IpAddr) {
        let (Some(failures), Some(address)) = (&self.0.failures, counted(address)) else { return };
        if failures.add(address, Instant::now()).is_err() {
            reached("http.addresses_max");
        }
    }

    /// Who has yet to prove who it is, if it is to be counted when it fails.
    pub(crate) fn newcomer(&self, address: IpAddr) -> Option<Box<Newcomer>> {
        let address = counted(address).filter(|_| self.0.failures.is_some())?;
        Some(Box::new(Newcomer { visitors: self.clone(), address }))
    }

    /// Takes a place for a connection of this address; it is free again when the guest is dropped. `None`: it has as many
    /// as it may.
    pub(crate) fn enter(&self, address: IpAddr) -> Option<Guest> {
        let connections_max = self.0.visits.connections_max;
        let Some(address) = counted(address).filter(|_| connections_max > 0) else { return Some(Guest(None)) };
        let mut present = self.0.present();
        let count = present.entry(address).or_default();
        if *count >= connections_max {
            reached("http.connections_per_address_max");
            return None;
        }
        *count += 1;
        Some(Guest(Some((Arc::clone(&self.0), address))))
    }
}

impl Book {
    fn present(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // No call leaves it half changed.
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether that long has passed since this was last true.
    fn is_due(&self, last_ms: &AtomicU64, every_ms: u64) -> bool {
        let now_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = last_ms.load(Ordering::Relaxed);
        let is_due = now_ms >= last.saturating_add(every_ms) || last == 0;
        is_due && last_ms.compare_exchange(last, now_ms.max(1), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// A connection that counts for its address for as long as this lives.
pub(crate) struct Guest(Option<(Arc<Book>, IpAddr)>);

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guest")
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Some((book, address)) = self.0.take() else { return };
        if let Entry::Occupied(mut entry) = book.present().entry(address) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

/// Somebody of whom it is not known who it is.
#[derive(Debug)]
pub(crate) struct Newcomer {
    visitors: Visitors,
    address: IpAddr,
}

impl Newcomer {
    pub(crate) fn failed(&self) {
        self.visitors.failed(self.address);
    }
}

/// For `Retry-After`, which knows no smaller ones.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// What an address counts as; `None` for those of this machine.
fn counted(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        address if address.is_loopback() => None,
        IpAddr::V4(address) => Some(IpAddr::V4(address)),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Some(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
        }
    }
}

fn reached(limit: &'static str) {
    metrics::counter!("tidings_limits_reached_total", "limit" => limit).increment(1);
}

#[cfg(test)]
mod tests;

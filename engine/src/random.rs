//! Random bits, and what is made of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tidings_core::policy::Policy;
use tidings_core::stream::{Stream, Subscriber};
use tidings_core::time::Now;
use tidings_proto::id::{Epoch, StreamNumber};

/// Random bits of the operating system.
pub(crate) fn random<const N: usize, T>(from: fn([u8; N]) -> T) -> T {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bits, or nothing here is safe");
    from(bytes)
}

/// Gives each stream its number and its epoch.
pub(crate) struct StreamMaker {
    next: AtomicU64,
    /// Random at each start.
    seed: u64,
}

impl StreamMaker {
    pub(crate) fn new() -> Self {
        Self { next: AtomicU64::new(1), seed: random(u64::from_ne_bytes) }
    }

    /// A stream in which nothing has happened. Its epoch is one that no stream of this start or another has had, but for
    /// a chance of one in 2^64: what offsets counted before is gone.
    pub(crate) fn make<S: Subscriber>(&self, policy: &Arc<Policy>, now: Now) -> Stream<S> {
        let count = self.count();
        let epoch = mix(self.seed.wrapping_add(count));
        Stream::new(number_of(count), Epoch(epoch), Arc::clone(policy), now)
    }

    /// The number of a stream that has its epoch already.
    pub(crate) fn number(&self) -> StreamNumber {
        number_of(self.count())
    }

    fn count(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// Numbers come round after 2^32 streams; epochs do not.
fn number_of(count: u64) -> StreamNumber {
    StreamNumber::try_from(count & u64::from(StreamNumber::MAX)).unwrap_or_default()
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): each number gives another one, far from its neighbours.
pub(crate) const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

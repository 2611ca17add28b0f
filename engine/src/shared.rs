//! What every part of a running engine shares.

use crate::clock::Clock;
use crate::config::{Config, Limits};
use crate::directory::Directory;
use crate::error::{Error, ErrorKind};
use crate::host::AnyHost;
use crate::outbox::{Outbox, OutboxLimits};
use crate::sessions::{Conn, Sessions};
use crate::stats::{Counters, Stats};
use crate::sync::lock;
use crate::timers::Wheel;
use std::collections::HashSet;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use tidings_core::grants::Grants;
use tidings_core::policy::{Policy, Rules};
use tidings_core::stream::Stream;
use tidings_core::time::{Instant, Now};
use tidings_proto::id::{Epoch, SessionId};
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// What a timer is for.
pub(crate) enum Timer {
    /// Look after a session.
    Session(SessionId),
    /// Nothing drained from a session for too long.
    Slow(SessionId),
    /// Look whether a channel is still of use.
    Channel(Arc<str>),
}

/// Outboxes that wait for a flusher.
#[derive(Default)]
pub(crate) struct FlushQueue {
    waiting: Mutex<Vec<Arc<Outbox>>>,
    pub(crate) notify: Notify,
}

impl FlushQueue {
    fn add(&self, dirty: impl Iterator<Item = Arc<Outbox>>) {
        lock(&self.waiting).extend(dirty);
        self.notify.notify_one();
    }

    /// Takes all that wait and leaves `empty` in their place.
    pub(crate) fn take(&self, empty: Vec<Arc<Outbox>>) -> Vec<Arc<Outbox>> {
        debug_assert!(empty.is_empty());
        mem::replace(&mut lock(&self.waiting), empty)
    }
}

/// Sets of rights that sessions share. Tokens of one kind carry the same rights, so thousands of sessions need one.
const GRANT_SETS_MAX: usize = 1_024;

pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) outbox_limits: OutboxLimits,
    pub(crate) rules: Rules,
    pub(crate) inbox_policy: Arc<Policy>,
    pub(crate) clock: Clock,
    pub(crate) channels: Directory,
    pub(crate) users: Directory,
    pub(crate) sessions: Sessions,
    pub(crate) host: Box<dyn AnyHost>,
    pub(crate) counters: Counters,
    pub(crate) flush_queues: Box<[FlushQueue]>,
    pub(crate) handle: Handle,
    pub(crate) stopping: AtomicBool,
    wheel: Mutex<Wheel<Timer>>,
    next_stream: AtomicU32,
    /// Random at each start.
    seed: u64,
    grant_sets: Mutex<HashSet<Arc<Grants>>>,
    nobody: Arc<Grants>,
}

impl Shared {
    pub(crate) fn new(config: &Config, host: Box<dyn AnyHost>, handle: Handle) -> Result<Self, Error> {
        let rules = config.rules()?;
        let limits = config.limits.clone();
        let clock = Clock::start();
        let wheel = Wheel::new(clock.now().instant);
        let homes = handle.metrics().num_workers().clamp(1, usize::from(u8::MAX));
        Ok(Self {
            outbox_limits: OutboxLimits { bytes_max: limits.outbox_bytes_max, pieces_max: limits.outbox_pieces_max },
            rules,
            inbox_policy: config.inbox_policy(),
            clock,
            channels: Directory::new(limits.channels_max),
            users: Directory::new(usize::MAX),
            sessions: Sessions::new(limits.connections_max),
            host,
            counters: Counters::default(),
            flush_queues: std::iter::repeat_with(FlushQueue::default).take(homes).collect(),
            handle,
            stopping: AtomicBool::new(false),
            wheel: Mutex::new(wheel),
            next_stream: AtomicU32::new(1),
            seed: random::<8, u64>(u64::from_ne_bytes),
            grant_sets: Mutex::default(),
            nobody: Arc::default(),
            limits,
        })
    }

    /// A stream in which nothing has happened. Its epoch is one that no stream of this start or another has had, but for
    /// a chance of one in 2^64: what offsets counted before is gone.
    pub(crate) fn new_stream(&self, policy: &Arc<Policy>, now: Now) -> Stream<Arc<Outbox>> {
        let number = self.next_stream.fetch_add(1, Ordering::Relaxed);
        let epoch = mix(self.seed.wrapping_add(u64::from(number)));
        Stream::new(number, Epoch(epoch), Arc::clone(policy), now)
    }

    pub(crate) fn nobody(&self) -> Arc<Grants> {
        Arc::clone(&self.nobody)
    }

    /// The same rights, shared with other sessions that have them.
    pub(crate) fn share_grants(&self, grants: Grants) -> Arc<Grants> {
        let mut sets = lock(&self.grant_sets);
        if let Some(known) = sets.get(&grants) {
            return Arc::clone(known);
        }
        if sets.len() >= GRANT_SETS_MAX {
            sets.retain(|set| Arc::strong_count(set) > 1);
        }
        let grants = Arc::new(grants);
        if sets.len() < GRANT_SETS_MAX {
            sets.insert(Arc::clone(&grants));
        }
        grants
    }

    pub(crate) fn add_timer(&self, at: Instant, timer: Timer) {
        lock(&self.wheel).add(at, timer);
    }

    /// Looks after the session at this time, and no more at the time that was armed before.
    pub(crate) fn arm(&self, conn: &Conn, at: Instant) {
        conn.arm(at);
        self.add_timer(at, Timer::Session(conn.outbox.session()));
    }

    pub(crate) fn due_timers(&self, now: Now, due: &mut Vec<Timer>) {
        lock(&self.wheel).advance(now.instant, due);
    }

    /// Hands outboxes to the flushers of their homes.
    pub(crate) fn queue_flush(&self, mut dirty: Vec<Arc<Outbox>>) {
        if let [queue] = &*self.flush_queues {
            return queue.add(dirty.drain(..));
        }
        let homes = self.flush_queues.len();
        for (home, queue) in self.flush_queues.iter().enumerate() {
            let mut here = dirty.iter().filter(|outbox| outbox.home() % homes == home).peekable();
            if here.peek().is_some() {
                queue.add(here.cloned());
            }
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(crate) fn check_running(&self) -> Result<(), Error> {
        if self.is_stopping() {
            return Err(Error::new(ErrorKind::Stopped, "the engine shuts down"));
        }
        Ok(())
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            connections: self.sessions.len() as u64,
            channels: self.channels.len() as u64,
            users: self.users.len() as u64,
            ..self.counters.read()
        }
    }
}

/// Random bits of the operating system.
pub(crate) fn random<const N: usize, T>(from: fn([u8; N]) -> T) -> T {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bits, or nothing here is safe");
    from(bytes)
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): each number gives another one, far from its neighbours.
const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

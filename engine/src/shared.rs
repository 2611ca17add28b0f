//! What every part of a running engine shares.

use crate::behind::Behind;
use crate::cell::Cell;
use crate::clock::Clock;
use crate::commit::Commit;
use crate::config::{Config, Limits, Times};
use crate::conn::Conn;
use crate::directory::Directory;
use crate::disk::Disk;
use crate::error::{Error, ErrorKind};
use crate::forgotten::Forgotten;
use crate::grant_sets::GrantSets;
use crate::host::AnyHost;
use crate::identities::Identities;
use crate::outbox::{Outbox, OutboxLimits};
use crate::paces::Paces;
use crate::presence::Presence;
use crate::random::{StreamMaker, random};
use crate::sessions::Sessions;
use crate::stats::{Counters, Stats};
use crate::sync::lock;
use crate::timers::Wheel;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tidings_core::keys::Keys;
use tidings_core::policy::{Policy, Rules};
use tidings_core::time::{Instant, Now};
use tidings_proto::id::SessionId;
use tidings_proto::kept::Kind;
use tidings_store::error::StoreError;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

/// Most inboxes in memory whose users have no session: each was sent to a moment ago.
const IDLE_INBOXES_MAX: usize = 100_000;

/// What a timer is for.
pub(crate) enum Timer {
    /// Look after a session.
    Session(SessionId),
    /// Nothing drained from a session for too long.
    Slow(SessionId),
    /// Look whether a stream is still of use.
    Stream(Arc<Cell>),
    /// A session has waited long enough for another connection.
    Parked(SessionId),
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

/// The configuration, checked and in the form in which it is used.
pub(crate) struct Settled {
    pub(crate) limits: Limits,
    pub(crate) times: Times,
    pub(crate) outbox: OutboxLimits,
    pub(crate) rules: Rules,
    pub(crate) inbox_policy: Arc<Policy>,
    pub(crate) presence_tick_ms: u64,
}

impl Settled {
    fn new(config: &Config, has_store: bool) -> Result<Self, Error> {
        let rules = config.rules(has_store)?;
        let limits = config.limits.clone();
        let outbox = OutboxLimits { bytes_max: limits.outbox_bytes_max, pieces_max: limits.outbox_pieces_max };
        Ok(Self {
            limits,
            times: config.times.clone(),
            outbox,
            rules,
            inbox_policy: config.inbox_policy(has_store),
            presence_tick_ms: config.presence.tick_ms,
        })
    }
}

pub(crate) struct Shared {
    pub(crate) settled: Settled,
    pub(crate) clock: Clock,
    pub(crate) streams: Streams,
    pub(crate) sessions: Sessions,
    pub(crate) identities: Identities,
    pub(crate) keys: Mutex<Keys>,
    pub(crate) users: Users,
    pub(crate) host: Box<dyn AnyHost>,
    pub(crate) counters: Counters,
    pub(crate) flushing: Flushing,
    pub(crate) store: Option<Store>,
    life: Life,
}

/// What the sessions of a user share, and users among each other.
pub(crate) struct Users {
    pub(crate) grants: GrantSets,
    pub(crate) paces: Paces,
}

impl Users {
    fn new(limits: &Limits) -> Self {
        let paces = Paces::new(limits.messages_per_minute, limits.users_paced_max);
        Self { grants: GrantSets::default(), paces }
    }
}

/// All streams that are in memory, and what they are found and made by.
pub(crate) struct Streams {
    pub(crate) channels: Directory,
    pub(crate) users: Directory,
    pub(crate) forgotten: Mutex<Forgotten>,
    pub(crate) maker: StreamMaker,
}

impl Streams {
    fn new(limits: &Limits) -> Self {
        let users_max = limits.connections_max.saturating_add(IDLE_INBOXES_MAX);
        Self {
            channels: Directory::new(Kind::Channel, limits.channels_max),
            users: Directory::new(Kind::Inbox, users_max),
            forgotten: Mutex::new(Forgotten::new(limits.forgotten_channels_max)),
            maker: StreamMaker::new(),
        }
    }
}

/// The engine's time and end.
struct Life {
    stopping: AtomicBool,
    wheel: Mutex<Wheel<Timer>>,
}

/// The disk, the threads that work for it, and what they share.
pub(crate) struct Store {
    pub(crate) disk: Disk,
    pub(crate) commit: Commit,
    pub(crate) behind: Behind,
    /// Where the sweeper is.
    pub(crate) sweep: Mutex<Sweep>,
    /// When old idempotency keys are to be removed.
    pub(crate) keys_due_ms: Mutex<u64>,
    /// Whether everything is written and the store closed.
    pub(crate) closed: watch::Sender<bool>,
}

/// How far the look at all streams on disk has come.
#[derive(Default)]
pub(crate) struct Sweep {
    pub(crate) after: Option<(Kind, Box<str>)>,
    pub(crate) due: Instant,
}

impl Store {
    pub(crate) fn new(disk: Disk, queue_bytes_max: usize) -> Self {
        Self {
            disk,
            commit: Commit::new(queue_bytes_max),
            behind: Behind::default(),
            sweep: Mutex::default(),
            keys_due_ms: Mutex::default(),
            closed: watch::Sender::new(false),
        }
    }

    /// Something could not be read: it is opened afresh.
    pub(crate) fn cannot_be_read(&self, error: &StoreError) {
        if !self.commit.is_failing() {
            tracing::error!(%error, "the store cannot be read; it is opened afresh");
            self.commit.fail();
        }
    }

    /// Its threads write what waits, and end.
    pub(crate) fn stop(&self) {
        self.behind.stop();
        self.commit.stop();
    }
}

/// Where flushing is done: the runtime, and a queue for each of its workers.
pub(crate) struct Flushing {
    pub(crate) handle: Handle,
    pub(crate) queues: Box<[FlushQueue]>,
}

impl Shared {
    pub(crate) fn new(
        config: &Config,
        host: Box<dyn AnyHost>,
        handle: Handle,
        store: Option<Store>,
    ) -> Result<Self, Error> {
        let settled = Settled::new(config, store.is_some())?;
        let clock = Clock::start();
        let presence = Presence::new(settled.rules.presence);
        let wheel = Wheel::new(clock.now().instant);
        let homes = handle.metrics().num_workers().clamp(1, usize::from(u8::MAX));
        let queues = std::iter::repeat_with(FlushQueue::default).take(homes).collect();
        Ok(Self {
            clock,
            streams: Streams::new(&settled.limits),
            identities: Identities::new(
                settled.limits.connections_max,
                settled.limits.connections_per_user_max,
                presence,
            ),
            keys: Mutex::new(Keys::new(config.idempotency_window(), random(u64::from_ne_bytes))),
            sessions: Sessions::new(settled.limits.connections_max),
            users: Users::new(&settled.limits),
            host,
            counters: Counters::default(),
            flushing: Flushing { handle, queues },
            store,
            life: Life { stopping: AtomicBool::new(false), wheel: Mutex::new(wheel) },
            settled,
        })
    }

    /// Who is there.
    pub(crate) fn presence(&self) -> &Presence {
        self.identities.presence()
    }

    pub(crate) fn add_timer(&self, at: Instant, timer: Timer) {
        lock(&self.life.wheel).add(at, timer);
    }

    /// Looks after the session at this time, and no more at the time that was armed before.
    pub(crate) fn arm(&self, conn: &Conn, at: Instant) {
        conn.arm(at);
        self.add_timer(at, Timer::Session(conn.outbox.session()));
    }

    pub(crate) fn due_timers(&self, now: Now, due: &mut Vec<Timer>) {
        lock(&self.life.wheel).advance(now.instant, due);
    }

    /// Hands outboxes to the flushers of their homes.
    pub(crate) fn queue_flush(&self, mut dirty: Vec<Arc<Outbox>>) {
        if let [queue] = &*self.flushing.queues {
            return queue.add(dirty.drain(..));
        }
        let homes = self.flushing.queues.len();
        for (home, queue) in self.flushing.queues.iter().enumerate() {
            let mut here = dirty.iter().filter(|outbox| outbox.home() % homes == home).peekable();
            if here.peek().is_some() {
                queue.add(here.cloned());
            }
        }
    }

    /// Takes no more connections, and lets the engine's tasks end once the last one is gone.
    pub(crate) fn stop(&self) {
        self.life.stopping.store(true, Ordering::Release);
        // The last one out closes the store: nobody is left who could publish.
        if let Some(store) = self.store.as_ref().filter(|_| self.sessions.len() == 0) {
            store.stop();
        }
        for queue in &self.flushing.queues {
            queue.notify.notify_one();
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.life.stopping.load(Ordering::Acquire)
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
            channels: self.streams.channels.len() as u64,
            users: self.streams.users.len() as u64,
            parked: self.identities.parked() as u64,
            users_paced: self.users.paces.len() as u64,
            store_waiting_bytes: self.store.as_ref().map_or(0, |store| store.commit.bytes() as u64),
            ..self.counters.read()
        }
    }

    /// The connections that a user has now.
    pub(crate) fn connections_of(&self, user: &str) -> Vec<SessionId> {
        let Some(cell) = self.streams.users.find(user) else { return Vec::new() };
        cell.stream().each_member().map(|outbox| outbox.session()).collect()
    }

    /// The sessions of a user, those that wait for their clients to come back among them.
    pub(crate) fn sessions_of(&self, user: &str) -> Vec<SessionId> {
        let connected = self.connections_of(user).into_iter().filter_map(|connection| self.sessions.find(connection));
        let mut sessions: Vec<_> = connected.map(|conn| conn.session_id()).collect();
        // Looked for after those that are connected: one that was lost in between waits now, and may be in both.
        sessions.extend(self.identities.parked_of(user));
        sessions.sort_unstable();
        sessions.dedup();
        sessions
    }
}

//! One connection: its session and its outbox.

use crate::cell::Cell;
use crate::outbox::Outbox;
use crate::sync::lock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use tidings_core::session::Session;
use tidings_core::time::Instant;
use tidings_proto::id::{Position, SessionId};

/// The channels of a session, and what its client surely has of each.
pub(crate) type Channels = Vec<(Arc<str>, Position)>;

/// One connection: its session and its outbox.
pub(crate) struct Conn {
    pub(crate) session: Mutex<Session<Arc<Cell>>>,
    pub(crate) outbox: Arc<Outbox>,
    /// The time of the one timer that counts; those armed before it find that it is not theirs.
    armed: AtomicU64,
    /// Which of its streams is brought forward first the next time.
    forward: AtomicUsize,
    /// The session that it goes on with; else the session has the connection's id.
    resumed: OnceLock<Box<SessionId>>,
    /// Channels of the session that it has not joined again, or has left because it ended. A leaf, locked under the
    /// session's lock.
    carried: Mutex<Channels>,
}

impl Conn {
    pub(crate) fn new(session: Session<Arc<Cell>>, outbox: Arc<Outbox>) -> Self {
        Self {
            session: Mutex::new(session),
            outbox,
            armed: AtomicU64::new(0),
            forward: AtomicUsize::new(0),
            resumed: OnceLock::new(),
            carried: Mutex::default(),
        }
    }

    /// The session's id, as its client and the host know it.
    pub(crate) fn session_id(&self) -> SessionId {
        self.resumed.get().map_or_else(|| self.outbox.session(), |session| **session)
    }

    /// From now on it is another session's connection.
    pub(crate) fn go_on_with(&self, session: SessionId) {
        // It asks to go on with a session once, before it is admitted.
        let _ = self.resumed.set(Box::new(session));
    }

    /// Whether it goes on with another connection's session.
    pub(crate) fn is_resumed(&self) -> bool {
        self.resumed.get().is_some()
    }

    /// What its session is to join again.
    pub(crate) fn carry(&self, channels: Channels) {
        *lock(&self.carried) = channels;
    }

    pub(crate) fn carried(&self) -> MutexGuard<'_, Channels> {
        lock(&self.carried)
    }

    /// It has joined a channel.
    pub(crate) fn has_joined(&self, channel: &str) {
        let mut carried = lock(&self.carried);
        if let Some(at) = carried.iter().position(|(name, _)| **name == *channel) {
            carried.swap_remove(at);
        }
    }

    pub(crate) fn arm(&self, at: Instant) {
        self.armed.store(at.0, Ordering::Relaxed);
    }

    /// The stream to begin with, another one each time.
    pub(crate) fn begin_forward(&self, streams: usize) -> usize {
        self.forward.fetch_add(1, Ordering::Relaxed) % streams
    }

    pub(crate) fn armed(&self) -> Instant {
        Instant(self.armed.load(Ordering::Relaxed))
    }
}

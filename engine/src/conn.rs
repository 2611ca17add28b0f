//! One connection: its session and its outbox.

use crate::cell::Cell;
use crate::outbox::Outbox;
use crate::sync::lock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use tidings_core::presence::DeviceId;
use tidings_core::session::Session;
use tidings_core::time::Instant;
use tidings_proto::id::{Epoch, Position, Secret, SessionId};

/// The channels of a session, and what its client surely has of each.
pub(crate) type Channels = Vec<(Arc<str>, Position)>;

/// One connection: its session and its outbox.
pub(crate) struct Conn {
    pub(crate) session: Mutex<Session<Arc<Cell>>>,
    pub(crate) outbox: Arc<Outbox>,
    /// The secret of the session that begins with it, if one does.
    secret: Secret,
    /// That session has begun and has no other connection, nor waits for one.
    owns_session: AtomicBool,
    /// What that session is among those who are present.
    device: AtomicU32,
    /// The time of the one timer that counts; those armed before it find that it is not theirs.
    armed: AtomicU64,
    /// Which of its streams is brought forward first the next time.
    forward: AtomicU32,
    /// What it has of a session of before. Boxed, because most have nothing.
    before: OnceLock<Box<Before>>,
}

/// A connection's part in a session that has outlived another, or is to outlive this one.
#[derive(Default)]
struct Before {
    /// The session that it goes on with; else the session has the connection's id.
    resumed: OnceLock<SessionId>,
    /// Channels of the session that it has not joined again, or has left because it ended. A leaf, locked under the
    /// session's lock.
    carried: Mutex<Channels>,
    /// Positions that its client has without knowing of which streams. A leaf as well.
    brought: Mutex<Option<Box<[Position]>>>,
}

impl Conn {
    pub(crate) fn new(session: Session<Arc<Cell>>, outbox: Arc<Outbox>, secret: Secret) -> Self {
        Self {
            session: Mutex::new(session),
            outbox,
            secret,
            owns_session: AtomicBool::new(false),
            device: AtomicU32::new(0),
            armed: AtomicU64::new(0),
            forward: AtomicU32::new(0),
            before: OnceLock::new(),
        }
    }

    /// The session's id, as its client and the host know it.
    pub(crate) fn session_id(&self) -> SessionId {
        self.before.get().and_then(|before| before.resumed.get().copied()).unwrap_or(self.outbox.session())
    }

    pub(crate) const fn secret(&self) -> Secret {
        self.secret
    }

    /// A session begins with it.
    pub(crate) fn begin_session(&self, device: DeviceId) {
        self.device.store(device, Ordering::Relaxed);
        self.owns_session.store(true, Ordering::Release);
    }

    /// What the session that began with it is among those who are present.
    pub(crate) fn device(&self) -> DeviceId {
        self.device.load(Ordering::Relaxed)
    }

    /// Whether the session that began with it is still its own.
    pub(crate) fn owns_session(&self) -> bool {
        self.owns_session.load(Ordering::Acquire)
    }

    /// That session is another's now, or waits, or is over. Returns whether it was its own until now. For
    /// [`crate::identities::Identities`] alone, which has the session from then on.
    pub(crate) fn give_up_session(&self) -> bool {
        self.owns_session.swap(false, Ordering::AcqRel)
    }

    /// From now on it is another session's connection.
    pub(crate) fn go_on_with(&self, session: SessionId) {
        // It asks to go on with a session once, before it is admitted.
        let _ = self.before.get_or_init(Box::default).resumed.set(session);
    }

    /// Whether it goes on with another connection's session.
    pub(crate) fn is_resumed(&self) -> bool {
        self.before.get().is_some_and(|before| before.resumed.get().is_some())
    }

    /// What its session is to join again.
    pub(crate) fn carry(&self, channels: Channels) {
        if !channels.is_empty() || self.before.get().is_some() {
            *lock(&self.before.get_or_init(Box::default).carried) = channels;
        }
    }

    /// The channels of its session that it has not joined.
    pub(crate) fn carried(&self) -> Channels {
        self.before.get().map_or_else(Channels::new, |before| lock(&before.carried).clone())
    }

    /// Notes positions of which nobody has said which streams they are of, or that there are none any more.
    pub(crate) fn brings(&self, positions: Option<Box<[Position]>>) {
        if positions.is_some() || self.before.get().is_some() {
            *lock(&self.before.get_or_init(Box::default).brought) = positions;
        }
    }

    /// What its client has of the stream of this epoch, as it brought it. Where none of what it brought is of that, it is a
    /// position of another epoch: what the client may miss is then told.
    pub(crate) fn brought(&self, epoch: Epoch) -> Option<Position> {
        let brought = lock(&self.before.get()?.brought);
        let of_this = brought.as_ref()?.iter().find(|position| position.epoch == epoch);
        Some(of_this.copied().unwrap_or(Position { epoch: Epoch(!epoch.0), offset: 0 }))
    }

    /// It has joined a channel.
    pub(crate) fn has_joined(&self, channel: &str) {
        let Some(before) = self.before.get() else { return };
        let mut carried = lock(&before.carried);
        if let Some(at) = carried.iter().position(|(name, _)| **name == *channel) {
            carried.swap_remove(at);
        }
    }

    pub(crate) fn arm(&self, at: Instant) {
        self.armed.store(at.0, Ordering::Relaxed);
    }

    /// The stream to begin with, another one each time.
    pub(crate) fn begin_forward(&self, streams: usize) -> usize {
        self.forward.fetch_add(1, Ordering::Relaxed) as usize % streams
    }

    pub(crate) fn armed(&self) -> Instant {
        Instant(self.armed.load(Ordering::Relaxed))
    }
}

//! The engine as a host sees it.

use crate::config::Config;
use crate::disk::{Disk, Opener};
use crate::error::{Error, ErrorKind};
use crate::host::{Host, Shareable};
use crate::link::Link;
use crate::local::Local;
use crate::port::{Batch, Port};
use crate::presence::{ChannelPresence, UserPresence};
use crate::random::random;
use crate::shared::{Shared, Store};
use crate::stats::{self, Stats};
use crate::tasks::spawn_all;
use crate::turn::close_session;
use crate::upkeep::restore_keys;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tidings_core::limit::Limit;
use tidings_proto::code::Code;
use tidings_proto::id::{Secret, SessionId};
use tidings_proto::payload::Codec;
use tidings_store::disk::{Options, SledStore};
use tidings_store::error::StoreError;
use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

/// How long a shutdown waits for the store to write what it has.
const STORE_PATIENCE: Duration = Duration::from_secs(30);

/// A running engine. Clones are handles to the same one. It runs until [`Engine::shutdown`], or until the last handle is
/// dropped and the last connection gone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    _handle: Arc<LastHandle>,
}

/// Ends the engine's tasks when nobody can reach it any more.
struct LastHandle(Arc<Shared>);

impl Drop for LastHandle {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// A round of a fan-out by the host gives way to others after this many sessions.
const YIELD_AFTER: usize = 256;

impl Engine {
    /// Starts an engine on the tokio runtime that the caller runs in. Outboxes are spread over its worker threads. Where
    /// [`Store::path`](crate::config::Store::path) is set, the store there is opened first, which may take a while.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] names the setting that cannot be; [`ErrorKind::Runtime`] means that there is no runtime;
    /// [`ErrorKind::Store`] that the store cannot be opened, and what to do.
    pub fn start<H: Host>(config: Config, host: H) -> Result<Self, Error> {
        let opener = config.store.path.clone().map(|path| {
            let open_timeout = Duration::from_millis(config.store.open_timeout_ms);
            let options = Options { cache_bytes: config.store.cache_bytes, open_timeout };
            Box::new(move || {
                let store = SledStore::open(&path, &options)?;
                if let Some(caveat) = store.caveat() {
                    tracing::warn!("{caveat}");
                }
                Ok(Arc::new(store) as Arc<dyn tidings_store::store::Store>)
            }) as Opener
        });
        Self::start_on(config, host, opener)
    }

    /// The same on a store of the caller's. `open` is called at the start, and each time after the store has failed; what
    /// it returned before is dropped by then.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub fn start_with_store<H: Host>(
        config: Config,
        host: H,
        open: impl Fn() -> Result<Arc<dyn tidings_store::store::Store>, StoreError> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        Self::start_on(config, host, Some(Box::new(open)))
    }

    fn start_on<H: Host>(config: Config, host: H, opener: Option<Opener>) -> Result<Self, Error> {
        let handle = Handle::try_current().map_err(|error| {
            let text = "start the engine inside a tokio runtime, with its time and io drivers enabled";
            Error::new(ErrorKind::Runtime, text).with_source(error)
        })?;
        let host = Box::new(Shareable(Arc::new(host)));
        let failed = |error: StoreError| Error::new(ErrorKind::Store, error.to_string()).with_source(error);
        let disk = opener.map(|opener| Disk::open(opener, random(u64::from_ne_bytes))).transpose().map_err(failed)?;
        let store = disk.map(|disk| Store::new(disk, config.store.queue_bytes_max));
        let shared = Arc::new(Shared::new(&config, host, handle, store)?);
        if let Some(store) = &shared.store {
            restore_keys(&shared, store).map_err(failed)?;
        }
        // If one of its tasks cannot be started, this ends the others.
        let handle = Arc::new(LastHandle(Arc::clone(&shared)));
        spawn_all(&shared)?;
        Ok(Self { shared, _handle: handle })
    }

    /// Opens a connection on a link; the caller feeds what comes in to the port. See [`crate::link`].
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] when `connections_max` are open, [`ErrorKind::Stopped`] when the engine shuts down.
    pub fn open(&self, link: Arc<dyn Link>) -> Result<Port, Error> {
        let admitted = self.shared.check_running().and_then(|()| {
            if self.shared.sessions.reserve() {
                return Ok(());
            }
            self.shared.counters.reached(Limit::Connections, 1);
            Err(Error::new(ErrorKind::Limit, "connections_max: as many connections are open as there may be"))
        });
        if let Err(error) = admitted {
            self.shared.counters.refused.add(1);
            return Err(error);
        }
        Ok(Port::open(&self.shared, link))
    }

    /// Takes a message for a session that comes on another way than its own connection, which is where the answers go: a
    /// transport whose connections go one way alone has this for the other. False if no session that is connected has this
    /// id and this secret; which of the two is wrong is not told.
    #[must_use]
    pub fn feed(&self, session: SessionId, secret: Secret, codec: Codec, message: &[u8]) -> bool {
        let Some(conn) = self.shared.identities.connection_for(&self.shared.sessions, session, secret) else {
            return false;
        };
        Batch::new(&self.shared, &conn).message(codec, message);
        true
    }

    /// Opens a connection inside this process, without a socket.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn connect_local(&self) -> Result<Local, Error> {
        Local::open(|link| self.open(link))
    }

    /// Whether a user has a device that is there: connected, or lost for less than the grace. One that hides is.
    #[must_use]
    pub fn is_user_online(&self, user: &str) -> bool {
        self.shared.presence().is_online(user)
    }

    /// How present a user is, as it is.
    #[must_use]
    pub fn presence(&self, user: &str) -> UserPresence {
        self.shared.presence().of(user)
    }

    /// How present users are, all at the same moment, in the order in which they are named.
    #[must_use]
    pub fn presence_of(&self, users: &[&str]) -> Vec<UserPresence> {
        self.shared.presence().of_many(users)
    }

    /// Who is in a channel as others see it, or with `list` false how many. Of a channel with more members than
    /// [`members_max`](crate::config::Presence::members_max) some are listed; of one whose namespace keeps no presence,
    /// none.
    #[must_use]
    pub fn channel_presence(&self, channel: &str, list: bool) -> ChannelPresence {
        self.shared.presence().in_channel(channel, list)
    }

    /// What the engine has counted and what it holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Hands the counters to the metrics recorder that the host installed, as the engine does once a second by itself:
    /// for whoever is asked for figures of this moment.
    pub fn record_metrics(&self) {
        stats::record(&self.stats());
        self.shared.counters.record_limits();
    }

    /// The limit that transports hold messages to, in bytes.
    #[must_use]
    pub fn message_bytes_max(&self) -> usize {
        self.shared.settled.limits.message_bytes_max
    }

    /// After how long a client is lost that was pinged and is silent.
    #[must_use]
    pub fn patience(&self) -> Duration {
        let times = &self.shared.settled.times;
        Duration::from_millis(times.ping_interval_ms.saturating_add(times.pong_timeout_ms))
    }

    /// Whether one more connection would be taken now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.is_stopping() && self.shared.sessions.len() < self.shared.settled.limits.connections_max
    }

    /// Whether [`Engine::shutdown`] was called.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.is_stopping()
    }

    /// Shuts down: takes no more connections, tells each client to come back at a time of its own, lets what waits for
    /// them leave, and returns when all are gone or `patience` is over; then what waits for the disk is written, and the
    /// store closed. Returns how many sessions were still there.
    pub async fn shutdown(&self, patience: Duration) -> usize {
        let shared = &self.shared;
        shared.stop();
        let deadline = Instant::now() + patience;
        for (at, session) in shared.sessions.ids().into_iter().enumerate() {
            if let Some(conn) = shared.sessions.find(session) {
                close_session(shared, &conn, Code::Shutdown);
            }
            if at % YIELD_AFTER == YIELD_AFTER - 1 {
                yield_now().await;
            }
        }
        while shared.sessions.len() > 0 && Instant::now() < deadline {
            sleep_until(deadline.min(Instant::now() + Duration::from_millis(10))).await;
        }
        stats::record(&shared.stats());
        shared.counters.record_limits();
        shared.stop();
        let left = shared.sessions.len();
        if let Some(store) = &shared.store {
            store.stop();
            let mut closed = store.closed.subscribe();
            if tokio::time::timeout(STORE_PATIENCE, closed.wait_for(|closed| *closed)).await.is_err() {
                tracing::error!("the store does not end; what it was told to be stored is, the rest may be lost");
            }
        }
        left
    }

    /// Whether the engine keeps things on disk, and can do so now.
    #[must_use]
    pub fn is_storing(&self) -> bool {
        self.shared.store.as_ref().is_some_and(|store| !store.commit.is_failing())
    }
}

//! The engine as a host sees it.

use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::fan::Fan;
use crate::flush::settle;
use crate::host::{Host, Shareable};
use crate::link::Link;
use crate::local::Local;
use crate::port::Port;
use crate::shared::Shared;
use crate::stats::{self, Stats};
use crate::tasks::spawn_all;
use crate::turn::{close_session, place_in_inbox, with_channel};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tidings_core::stream::Publication;
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::event::is_event;
use tidings_proto::id::{Position, SessionId};
use tidings_proto::payload::Data;
use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

/// A running engine. Clones are handles to the same one. It runs until [`Engine::shutdown`], or until the last handle is
/// dropped and the last connection gone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
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

/// The place that a publication was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishedAt {
    /// Its place in the channel.
    pub position: Position,
}

/// A round of a fan-out by the host gives way to others after this many sessions.
const YIELD_AFTER: usize = 256;

impl Engine {
    /// Starts an engine on the tokio runtime that the caller runs in. Outboxes are spread over its worker threads.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] names the setting that cannot be; [`ErrorKind::Runtime`] means that there is no runtime.
    pub fn start<H: Host>(config: Config, host: H) -> Result<Self, Error> {
        let handle = Handle::try_current().map_err(|error| {
            let text = "start the engine inside a tokio runtime, with its time and io drivers enabled";
            Error::new(ErrorKind::Runtime, text).with_source(error)
        })?;
        let host = Box::new(Shareable(Arc::new(host)));
        let shared = Arc::new(Shared::new(&config, host, handle)?);
        spawn_all(&shared)?;
        let handle = Arc::new(LastHandle(Arc::clone(&shared)));
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
            Err(Error::new(ErrorKind::Limit, "connections_max: as many connections are open as there may be"))
        });
        if let Err(error) = admitted {
            self.shared.counters.refused.add(1);
            return Err(error);
        }
        Ok(Port::open(&self.shared, link))
    }

    /// Opens a connection inside this process, without a socket.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn connect_local(&self) -> Result<Local, Error> {
        Local::open(|link| self.open(link))
    }

    /// Publishes to a channel as the host. All subscribers of the channel get the event.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a name or event that the protocol does not allow or a namespace that is not declared,
    /// [`ErrorKind::Limit`] when there are `channels_max` channels, [`ErrorKind::Stopped`] when the engine shuts down.
    pub fn publish(&self, channel: &str, event: &str, data: &Data) -> Result<PublishedAt, Error> {
        self.shared.check_running()?;
        let channel = ChannelName::parse(channel).map_err(|error| Error::new(ErrorKind::Input, error.text()))?;
        let policy = self.shared.settled.rules.namespace(channel.namespace());
        let policy = policy.ok_or_else(|| {
            let text = format!("namespace `{}` is not declared in the configuration", channel.namespace());
            Error::new(ErrorKind::Input, text)
        })?;
        check(event, data, policy.data_bytes_max)?;
        let publication = Publication { event, data: data.as_ref(), from: None, key: None };
        let now = self.shared.clock.now();
        let mut fan = Fan::new(self.shared.settled.outbox);
        let position = with_channel(&self.shared, channel, now, |_, mut stream| {
            stream.publish(&publication, now);
            stream.fan_out(&mut fan);
            stream.position()
        });
        let full = || Error::new(ErrorKind::Limit, "channels_max: as many channels are held as there may be");
        let position = position.ok_or_else(full)?;
        self.shared.counters.published.add(1);
        settle(&self.shared, fan);
        Ok(PublishedAt { position })
    }

    /// Sends an event to every connected session of a user. Returns how many those are; 0 means that nobody gets it.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for an event that the protocol does not allow or data above the inbox's limit,
    /// [`ErrorKind::Stopped`] when the engine shuts down.
    pub fn broadcast_to_user(&self, user: &str, event: &str, data: &Data) -> Result<usize, Error> {
        self.shared.check_running()?;
        check(event, data, self.shared.settled.inbox_policy.data_bytes_max)?;
        let publication = Publication { event, data: data.as_ref(), from: None, key: None };
        let placed = place_in_inbox(&self.shared, user, &publication, self.shared.clock.now());
        let Some((cell, sessions)) = placed else { return Ok(0) };
        let mut fan = Fan::new(self.shared.settled.outbox);
        cell.stream().fan_out(&mut fan);
        settle(&self.shared, fan);
        Ok(sessions)
    }

    /// Ends every session of a user with close code 3504. Returns how many those were.
    pub fn disconnect_user(&self, user: &str) -> usize {
        let Some(cell) = self.shared.users.find(user) else { return 0 };
        let sessions: Vec<SessionId> = cell.stream().each_member().map(|outbox| outbox.session()).collect();
        sessions.into_iter().filter(|session| self.disconnect_session(*session)).count()
    }

    /// Ends a session with close code 3504. False if there is no such session.
    pub fn disconnect_session(&self, session: SessionId) -> bool {
        let Some(conn) = self.shared.sessions.find(session) else { return false };
        close_session(&self.shared, &conn, Code::Disconnected);
        true
    }

    /// How many sessions a user has now.
    #[must_use]
    pub fn sessions_of(&self, user: &str) -> usize {
        self.shared.users.find(user).map_or(0, |cell| cell.stream().members())
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
    }

    /// The limit that transports hold messages to, in bytes.
    #[must_use]
    pub fn message_bytes_max(&self) -> usize {
        self.shared.settled.limits.message_bytes_max
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
    /// them leave, and returns when all are gone or `patience` is over. Returns how many were still there.
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
        shared.stop();
        shared.sessions.len()
    }
}

fn check(event: &str, data: &Data, data_bytes_max: usize) -> Result<(), Error> {
    if !is_event(event) {
        let text = "an event has 1 to 64 bytes of printable ASCII without space, quotation mark and backslash";
        return Err(Error::new(ErrorKind::Input, text));
    }
    if data.as_ref().bytes().len() > data_bytes_max {
        return Err(Error::new(ErrorKind::Input, format!("data_bytes_max: at most {data_bytes_max} bytes")));
    }
    Ok(())
}

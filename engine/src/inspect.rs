//! What the host can see: channels and their past, users' inboxes, sessions.

use crate::cell::Cell;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::place::Failed;
use crate::shared::Shared;
use crate::streams::{NoStream, look};
use crate::sync::lock;
use crate::wish::Wish;
use std::sync::Arc;
pub use tidings_core::policy::Class;
use tidings_core::policy::Policy;
pub use tidings_core::stream::Begin;
use tidings_core::stream::{Backlog, PastPage};
use tidings_proto::channel::ChannelName;
pub use tidings_proto::frame::{GapReason, Missing};
pub use tidings_proto::id::{Epoch, Position, SessionId};
use tidings_proto::kept::Kind;
pub use tidings_proto::kept::{Device, Entry};
use tidings_proto::user::is_user_id;

/// Data of one page of history. An entry that is larger than this comes alone.
const PAGE_BYTES: usize = 1024 * 1024;

/// Most entries of one page of history.
pub const HISTORY_ENTRIES_MAX: usize = 1_000;

/// A channel as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelView {
    /// Sessions that are subscribed.
    pub members: usize,
    /// Its last entry; `None` where nothing is known of it, because nobody has used it for long.
    pub position: Option<Position>,
    /// The first offset that is kept; that of the next entry when nothing is.
    pub first: u64,
    /// What its namespace promises.
    pub class: Class,
}

/// A page of what a channel keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct History {
    /// The entries, by rising offset.
    pub entries: Vec<Entry>,
    /// What is not there of what was asked for, by rising offset.
    pub missing: Vec<Missing>,
    /// The channel's last entry; `None` where nothing is known of it.
    pub position: Option<Position>,
    /// The first offset that is kept; that of the next entry when nothing is.
    pub first: u64,
    /// The first offset that this page is about: what stands before it was not looked at.
    pub from: u64,
    /// Where to go on: what is behind this position was not in this page.
    pub next: Option<Position>,
}

/// What waits for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InboxView {
    /// The inbox's last entry; `None` without a store, when the user is not there.
    pub position: Option<Position>,
    /// Entries that some device of the user has not acknowledged.
    pub depth: u64,
    /// What they count for on disk.
    pub bytes: u64,
    /// The oldest of them: its offset, and when the engine took it, in milliseconds since 1970.
    pub oldest: Option<(u64, u64)>,
    /// The user's devices, and how far each has come.
    pub devices: Vec<Device>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionView {
    /// Its id.
    pub session: SessionId,
    /// Whose it is.
    pub user: Arc<str>,
    /// The client's name for its device, while it is connected.
    pub device: Option<Box<str>>,
    /// Whether it is connected; else it waits for its client to come back.
    pub connected: bool,
    /// The channels that it is subscribed to, or is to be again when it comes back.
    pub channels: Vec<Arc<str>>,
}

impl From<NoStream> for Error {
    fn from(none: NoStream) -> Self {
        Failed::from(none).into()
    }
}

impl Engine {
    /// Whether a namespace is declared.
    #[must_use]
    pub fn has_namespace(&self, name: &str) -> bool {
        self.shared.settled.rules.namespace(name).is_some()
    }

    /// How a channel stands. It is not made for that.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a name that the protocol does not allow or a namespace that is not declared,
    /// [`ErrorKind::Store`] when the disk cannot be read now.
    pub async fn channel(&self, channel: &str) -> Result<ChannelView, Error> {
        let policy = self.policy_of(channel)?;
        let name = channel.to_owned();
        self.read(Arc::clone(&policy), move |shared| {
            let now = shared.clock.now();
            // Of no entries: where it stands is all that is asked.
            let seen = look(shared, Kind::Channel, &name, &policy, |stream| {
                (stream.members(), stream.past(Begin::Newest, 0, now))
            })?;
            Ok(match seen {
                Some((members, past)) => {
                    ChannelView { members, position: Some(past.position), first: past.first, class: policy.class }
                }
                None => ChannelView { members: 0, position: None, first: 1, class: policy.class },
            })
        })
        .await
    }

    /// A page of what a channel keeps: at most `entries_max` entries, which is at most [`HISTORY_ENTRIES_MAX`], and about
    /// 1 MiB of them. What the class keeps nothing of has no history.
    ///
    /// # Errors
    /// As [`Engine::channel`].
    pub async fn history(&self, channel: &str, begin: Begin, entries_max: usize) -> Result<History, Error> {
        let policy = self.policy_of(channel)?;
        let entries_max = entries_max.clamp(1, HISTORY_ENTRIES_MAX) as u64;
        let (kind, name, bytes_max) = (Kind::Channel, channel.into(), PAGE_BYTES);
        let wish = Wish { kind, name, policy: Arc::clone(&policy), begin, entries_max, bytes_max };
        self.read(policy, move |shared| history(shared, &wish)).await
    }

    /// What waits for a user. Without a store nothing does.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a user id that the protocol does not allow, [`ErrorKind::Store`] when the disk cannot be
    /// read now.
    pub async fn inbox(&self, user: &str) -> Result<InboxView, Error> {
        if !is_user_id(user) {
            return Err(Error::new(ErrorKind::Input, "a user id has 1 to 128 bytes without control characters"));
        }
        let (user, policy) = (user.to_owned(), Arc::clone(&self.shared.settled.inbox_policy));
        self.read(Arc::clone(&policy), move |shared| inbox(shared, &user, &policy)).await
    }

    /// How many sessions of a user are connected now.
    #[must_use]
    pub fn sessions_of(&self, user: &str) -> usize {
        self.shared.streams.users.find(user).map_or(0, |cell| cell.stream().members())
    }

    /// The sessions of a user, those included that wait for their clients to come back.
    #[must_use]
    pub fn sessions(&self, user: &str) -> Vec<SessionView> {
        self.shared.sessions_of(user).into_iter().filter_map(|session| self.session(session)).collect()
    }

    /// A session; `None` if there is none of this id.
    #[must_use]
    pub fn session(&self, session: SessionId) -> Option<SessionView> {
        let found = self.shared.identities.find(&self.shared.sessions, session)?;
        let Some(conn) = found.conn else {
            let (user, channels) = (found.user, found.channels);
            return Some(SessionView { session, user, device: None, connected: false, channels });
        };
        let live = lock(&conn.session);
        let device = live.place().map(|(_, device)| device).filter(|device| !device.is_empty()).map(Into::into);
        let channels = live.channels().map(|joined| Arc::clone(Cell::shared_name(&joined.channel))).collect();
        Some(SessionView { session, user: found.user, device, connected: true, channels })
    }

    fn policy_of(&self, channel: &str) -> Result<Arc<Policy>, Error> {
        let name = ChannelName::parse(channel).map_err(|error| Error::new(ErrorKind::Input, error.text()))?;
        let policy = self.shared.settled.rules.namespace(name.namespace());
        policy.cloned().ok_or(NoStream::Undeclared).map_err(Error::from)
    }

    /// Reads what may be on disk where that keeps nobody waiting.
    async fn read<T: Send + 'static>(
        &self,
        policy: Arc<Policy>,
        read: impl FnOnce(&Arc<Shared>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        if policy.class != Class::Durable {
            return read(&self.shared);
        }
        let shared = Arc::clone(&self.shared);
        let reading = self.shared.flushing.handle.spawn_blocking(move || read(&shared));
        let failed = |error| Error::new(ErrorKind::Store, "reading ended early; try again").with_source(error);
        reading.await.map_err(failed)?
    }
}

fn history(shared: &Shared, wish: &Wish) -> Result<History, Error> {
    let Some(page) = wish.read(shared)? else {
        let missing = wish.missing_of_unknown().into_iter().collect();
        return Ok(History { entries: Vec::new(), missing, position: None, first: 1, from: 1, next: None });
    };
    let PastPage { position, first, missing, from, to, entries, .. } = page;
    let next = Position { offset: to.min(position.offset), ..position };
    Ok(History { entries, missing, position: Some(position), first, from, next: Some(next) })
}

fn inbox(shared: &Shared, user: &str, policy: &Arc<Policy>) -> Result<InboxView, Error> {
    let now = shared.clock.now();
    let none = InboxView { position: None, depth: 0, bytes: 0, oldest: None, devices: Vec::new() };
    let Some(backlog) = look(shared, Kind::Inbox, user, policy, |stream| stream.backlog(now))? else { return Ok(none) };
    let Backlog { position, from, disk, bytes_sum, devices } = backlog;
    let none = InboxView { position: Some(position), devices, ..none };
    let (Some(store), Some(stream)) = (&shared.store, disk) else { return Ok(none) };
    if from > position.offset {
        return Ok(none);
    }
    let edge = store.disk.with(|archive| archive.edge(stream, from)).map_err(|error| {
        store.cannot_be_read(&error);
        NoStream::Unreadable
    })?;
    // What came meanwhile is not counted, and what went is not there any more.
    let Some(oldest) = edge.filter(|edge| edge.offset <= position.offset) else { return Ok(none) };
    Ok(InboxView {
        depth: position.offset + 1 - oldest.offset,
        bytes: bytes_sum.saturating_sub(oldest.bytes_sum - oldest.bytes),
        oldest: Some((oldest.offset, oldest.at)),
        ..none
    })
}

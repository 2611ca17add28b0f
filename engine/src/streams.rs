//! Finds a stream by its name, or makes it: from the disk where it is kept there.

use crate::cell::Cell;
use crate::directory::{Directory, NotAdded};
use crate::outbox::Outbox;
use crate::random::random;
use crate::shared::{Shared, Timer};
use crate::sync::lock;
use std::sync::{Arc, MutexGuard};
use tidings_core::limit::Limit;
use tidings_core::policy::{Class, Policy};
use tidings_core::stream::Stream;
use tidings_core::time::Now;
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::kept::Kind;

/// A stream under its lock.
pub(crate) type Streaming<'c> = MutexGuard<'c, Stream<Arc<Outbox>>>;

/// How often a channel is looked at, whether it is still of use: at most, and at least where it is of use for less.
const SWEEP_MS: u64 = 30_000;
const SWEEP_MS_MIN: u64 = 1_000;

/// How long an inbox on disk stays in memory when none of its user's sessions is there.
pub(crate) const INBOX_IDLE_MS: u64 = 5_000;

/// Why there is no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoStream {
    /// As many are held as may be.
    Full,
    /// It is on disk and cannot be read now.
    Unreadable,
    /// Its namespace is not declared.
    Undeclared,
}

impl NoStream {
    pub(crate) const fn code(self) -> Code {
        match self {
            Self::Full => Code::Limit,
            Self::Unreadable => Code::Unavailable,
            Self::Undeclared => Code::BadRequest,
        }
    }

    /// The limit that was reached, where it was one.
    pub(crate) fn limit(self) -> Option<Limit> {
        (self == Self::Full).then_some(Limit::Channels)
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Full => "channels_max: the server holds as many streams as it may",
            Self::Unreadable => "the store cannot be read now; try again later",
            Self::Undeclared => "the server has no such namespace",
        }
    }
}

/// Finds or makes a channel's cell, and does something with its stream.
pub(crate) fn with_channel<T>(
    shared: &Shared,
    channel: ChannelName<'_>,
    then: impl FnOnce(&Arc<Cell>, Streaming<'_>) -> T,
) -> Result<T, NoStream> {
    let policy = shared.settled.rules.namespace(channel.namespace()).ok_or(NoStream::Undeclared)?;
    with_cell(shared, &shared.streams.channels, Kind::Channel, channel.as_str(), policy, then)
}

/// The same of a user's inbox.
pub(crate) fn with_inbox<T>(
    shared: &Shared,
    user: &str,
    then: impl FnOnce(&Arc<Cell>, Streaming<'_>) -> T,
) -> Result<T, NoStream> {
    with_cell(shared, &shared.streams.users, Kind::Inbox, user, &shared.settled.inbox_policy, then)
}

/// The same of either.
pub(crate) fn with_stream<T>(
    shared: &Shared,
    kind: Kind,
    name: &str,
    then: impl FnOnce(&Arc<Cell>, Streaming<'_>) -> T,
) -> Result<T, NoStream> {
    match kind {
        Kind::Inbox => with_inbox(shared, name, then),
        Kind::Channel => {
            let channel = ChannelName::parse(name).map_err(|_| NoStream::Undeclared)?;
            with_channel(shared, channel, then)
        }
    }
}

fn with_cell<T>(
    shared: &Shared,
    directory: &Directory,
    kind: Kind,
    name: &str,
    policy: &Arc<Policy>,
    then: impl FnOnce(&Arc<Cell>, Streaming<'_>) -> T,
) -> Result<T, NoStream> {
    loop {
        let cell = match directory.find(name) {
            Some(cell) => cell,
            None => match add(shared, directory, kind, name, policy)? {
                Some(cell) => cell,
                None => continue,
            },
        };
        if let Some(stream) = cell.living() {
            return Ok(then(&cell, stream));
        }
    }
}

/// Looks at a stream without having it in memory for it: nobody's look takes a place in the directory. `None` where nothing
/// is known of it. May read the disk.
pub(crate) fn look<T>(
    shared: &Shared,
    kind: Kind,
    name: &str,
    policy: &Arc<Policy>,
    look: impl FnOnce(&mut Stream<Arc<Outbox>>) -> T,
) -> Result<Option<T>, NoStream> {
    let directory = match kind {
        Kind::Channel => &shared.streams.channels,
        Kind::Inbox => &shared.streams.users,
    };
    loop {
        if let Some(cell) = directory.find(name) {
            let Some(mut stream) = cell.living() else { continue };
            return Ok(Some(look(&mut stream)));
        }
        let removals = directory.removals(name);
        let now = shared.clock.now();
        let stream = match &shared.store {
            Some(store) if policy.class == Class::Durable => {
                let origin = store.disk.look(kind, name).map_err(|error| {
                    tracing::warn!(%error, "a stream cannot be read from the store");
                    NoStream::Unreadable
                })?;
                Some(Stream::on_disk(0, origin, kind, Arc::clone(policy), now))
            }
            _ => {
                let position = lock(&shared.streams.forgotten).position(name);
                position.map(|position| Stream::at(0, position, Arc::clone(policy), now))
            }
        };
        // What came into memory meanwhile may have been written without a barrier behind it.
        if directory.find(name).is_none() && directory.removals(name) == removals {
            return Ok(stream.map(|mut stream| look(&mut stream)));
        }
    }
}

/// Makes a cell. `None` when what it would be made of is stale.
fn add(
    shared: &Shared,
    directory: &Directory,
    kind: Kind,
    name: &str,
    policy: &Arc<Policy>,
) -> Result<Option<Arc<Cell>>, NoStream> {
    let now = shared.clock.now();
    // Before anything is read.
    let removals = directory.removals(name);
    // The disk is read here, by whoever asks, with nothing locked but the session that asks: two look-ups, which cost less
    // than handing them to another thread would.
    let origin = match &shared.store {
        Some(store) if policy.class == Class::Durable => {
            let origin = store.disk.origin(kind, name, random(u64::from_ne_bytes));
            Some(origin.map_err(|error| {
                tracing::warn!(%error, "a stream cannot be read from the store");
                NoStream::Unreadable
            })?)
        }
        _ => None,
    };
    let make = || match origin {
        Some(origin) => Stream::on_disk(shared.streams.maker.number(), origin, kind, Arc::clone(policy), now),
        None => make_in_memory(shared, name, policy, now),
    };
    match directory.find_or_add(name, removals, make) {
        Ok((cell, is_new)) => {
            if is_new {
                watch(shared, &cell, now);
            }
            Ok(Some(cell))
        }
        Err(NotAdded::Stale) => Ok(None),
        Err(NotAdded::Full) => Err(NoStream::Full),
    }
}

fn make_in_memory(shared: &Shared, name: &str, policy: &Arc<Policy>, now: Now) -> Stream<Arc<Outbox>> {
    match lock(&shared.streams.forgotten).recall(name) {
        Some(position) => Stream::at(shared.streams.maker.number(), position, Arc::clone(policy), now),
        None => shared.streams.maker.make(policy, now),
    }
}

/// Sees to it that somebody looks whether the stream can be forgotten.
pub(crate) fn watch(shared: &Shared, cell: &Arc<Cell>, now: Now) {
    let idle_ms = match cell.kind() {
        Kind::Channel => shared.settled.times.channel_idle_ms.clamp(SWEEP_MS_MIN, SWEEP_MS),
        Kind::Inbox => INBOX_IDLE_MS,
    };
    if cell.watch() {
        shared.add_timer(now.instant + idle_ms, Timer::Stream(Arc::clone(cell)));
    }
}

/// Forgets a stream that nobody is in and that is of no use in memory; else looks again later.
pub(crate) fn sweep(shared: &Shared, cell: &Arc<Cell>, now: Now) {
    cell.unwatch();
    let mut is_soiled = false;
    let directory = match cell.kind() {
        Kind::Channel => &shared.streams.channels,
        Kind::Inbox => &shared.streams.users,
    };
    let mut stays = false;
    let removed = directory.remove_if(cell, |stream| {
        stream.trim(now);
        let idle_ms = now.instant.since_ms(stream.active().instant);
        if stream.disk_number().is_some() {
            is_soiled = stream.wants_upkeep(now);
            stays = stream.members() > 0;
            return !stays && !is_soiled && stream.kept() == 0 && idle_ms >= INBOX_IDLE_MS;
        }
        if cell.kind() == Kind::Inbox {
            return stream.members() == 0;
        }
        let untouched = stream.position().offset == 0;
        let is_idle = untouched || idle_ms >= shared.settled.times.channel_idle_ms;
        let goes = stream.members() == 0 && stream.kept() == 0 && is_idle;
        if goes && !untouched {
            // While nobody can make it anew, who would not find it remembered.
            lock(&shared.streams.forgotten).remember(cell.shared_name(), stream.position());
        }
        goes
    });
    if removed {
        return;
    }
    if is_soiled && let Some(store) = &shared.store {
        store.commit.soil(cell);
    }
    // An inbox whose user is there is looked at again when the last session leaves.
    if cell.kind() == Kind::Channel || !stays {
        watch(shared, cell, now);
    }
}

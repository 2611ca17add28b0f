//! What a server sends.

use crate::code::Code;
use crate::id::{Epoch, Position, Secret, SessionId, StreamNumber};
use crate::members::{Changed, Members};
use crate::payload::DataRef;
use crate::presence::StatusFrame;
use serde::{Deserialize, Serialize, Serializer};

/// Everything a server sends but entries, which [`crate::wire::render_entry`] writes once for all their receivers.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ServerFrame<'a> {
    /// Answers `connect`.
    Connected(Connected<'a>),
    /// Answers `refresh`.
    Refreshed(Refreshed),
    /// The session's token ends soon.
    Expiring(Expiring),
    /// Answers `subscribe`.
    Subscribed(Subscribed<'a>),
    /// Answers `unsubscribe`, or tells that a channel was left without it.
    Unsubscribed(Unsubscribed<'a>),
    /// Answers `publish`.
    Published(Published),
    /// Answers `send`.
    Sent(Sent),
    /// Answers `call`.
    Result(DataRef<'a>),
    /// Answers `ping`.
    Pong,
    /// Asks for a sign of life.
    Ping,
    /// Answers `presence`: how present the user is, as its own devices see it.
    Presence(StatusFrame<'a>),
    /// How present a user is that is watched.
    Status(StatusFrame<'a>),
    /// Answers `watch`.
    Watching(Watching<'a>),
    /// Answers `unwatch`.
    Unwatched(Unwatched),
    /// Answers `info`.
    Info(Told<'a>),
    /// Who is in a channel, or how many.
    Members(Members<'a>),
    /// What has changed among the members of a channel.
    Changed(Changed<'a>),
    /// Answers `history`: a part of what a stream keeps.
    History(History<'a>),
    /// Entries that cannot be delivered.
    Gap(Gap),
    /// Answers any command that failed.
    Error(Failure<'a>),
    /// The last frame before the connection ends.
    Close(Close<'a>),
}

impl ServerFrame<'_> {
    /// The key that the frame stands under.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connected(_) => "connected",
            Self::Refreshed(_) => "refreshed",
            Self::Expiring(_) => "expiring",
            Self::Subscribed(_) => "subscribed",
            Self::Unsubscribed(_) => "unsubscribed",
            Self::Published(_) => "published",
            Self::Sent(_) => "sent",
            Self::Result(_) => "result",
            Self::Pong => "pong",
            Self::Ping => "ping",
            Self::Presence(_) => "presence",
            Self::Status(_) => "status",
            Self::Watching(_) => "watching",
            Self::Unwatched(_) => "unwatched",
            Self::Info(_) => "info",
            Self::Members(_) => "members",
            Self::Changed(changed) => changed.change.name(),
            Self::History(_) => "history",
            Self::Gap(_) => "gap",
            Self::Error(_) => "error",
            Self::Close(_) => "close",
        }
    }
}

/// The session is open.
#[derive(Debug, Clone, Serialize)]
pub struct Connected<'a> {
    /// The session's id: for hosts and logs, and to resume it.
    pub session: SessionId,
    /// Proves to a later connection's `resume` that the session is the client's own.
    pub secret: Secret,
    /// Whether this is the session that `resume` named; its channels' `subscribed` follow.
    pub resumed: bool,
    /// How long the session can be resumed after its connection is lost.
    pub resume_ms: u64,
    /// When the session's token ends and the session with it, from now; absent if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
    /// The user as the host knows it.
    pub user: &'a str,
    /// The stream that carries what is sent to the user.
    pub inbox: Inbox,
    /// The server pings this often.
    pub ping_ms: u64,
    /// What this server allows.
    pub limits: ToldLimits,
}

/// The session goes on with another token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Refreshed {
    /// When that one ends and the session with it, from now; absent if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
}

/// The session ends soon unless its token is refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Expiring {
    /// When.
    pub in_ms: u64,
}

/// Where the user's own stream stands.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Inbox {
    /// Its number in entries.
    pub stream: StreamNumber,
    /// The life that its offsets count.
    pub epoch: Epoch,
    /// Its last offset at the moment of connecting.
    pub offset: u64,
    /// This device has everything up to here; what is kept behind it follows.
    pub delivered: u64,
    /// The user has read everything up to here, on any device.
    pub read: u64,
    /// How much of what is behind `delivered` follows.
    pub recovered: Recovered,
}

/// The limits that a client can keep to if it knows them.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ToldLimits {
    /// Largest message in bytes.
    pub message_bytes_max: usize,
    /// Most channels for a session.
    pub subscriptions_max: usize,
    /// `publish`, `send` and `call` together, for a session; 0 is no limit.
    pub messages_per_minute: u32,
}

/// How much of what followed the position of a `subscribe` follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recovered {
    /// All of it.
    Complete,
    /// A gap is told first, then all that is kept.
    Gap,
    /// No position was given: from now on.
    None,
}

/// The session is a member of the channel.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Subscribed<'a> {
    /// The channel's name.
    pub channel: &'a str,
    /// Its number in entries.
    pub stream: StreamNumber,
    /// The life that its offsets count.
    pub epoch: Epoch,
    /// Its last offset at the moment of joining.
    pub offset: u64,
    /// What comes before live entries.
    pub recovered: Recovered,
}

/// The session is a member no more.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Unsubscribed<'a> {
    /// The channel's name.
    pub channel: &'a str,
    /// Why, if the client did not ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<LeftReason>,
}

/// Why a session is a member no more that has not asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LeftReason {
    /// The rights that its new token gives do not cover the channel.
    Forbidden,
}

/// What has happened to a publication so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Level {
    /// The engine has it, in memory.
    Accepted,
    /// It is on disk, behind the store's barrier.
    Stored,
}

/// The publication has its place in the channel.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Published {
    /// The channel's number.
    pub stream: StreamNumber,
    /// The life that its offsets count.
    pub epoch: Epoch,
    /// The publication's place.
    pub offset: u64,
    /// How safe it is.
    pub level: Level,
}

/// The event is on its way to the user's devices.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Sent {
    /// How many sessions the user has connected. Those of a namespace that stores get it as well when none is.
    pub sessions: usize,
    /// How safe it is.
    pub level: Level,
}

/// Why entries cannot be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum GapReason {
    /// They are older or more than the history keeps.
    Expired,
    /// The position counts in another epoch.
    Epoch,
    /// The position lies behind the last entry.
    Future,
    /// They were kept on disk and cannot be read there.
    Lost,
}

/// Entries `from` to `to`, both included, will not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The stream they are missing in.
    pub stream: StreamNumber,
    /// The first that is missing.
    pub from: u64,
    /// The last that is missing; `from - 1` when it is not known whether any is.
    pub to: u64,
    /// Why.
    pub reason: GapReason,
}

impl GapReason {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Epoch => "epoch",
            Self::Future => "future",
            Self::Lost => "lost",
        }
    }
}

/// Entries that are not there, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The first.
    pub from: u64,
    /// The last; `from - 1` when it is not known whether any is.
    pub to: u64,
    /// Why.
    pub reason: GapReason,
}

/// A part of what a stream keeps. It is written by hand, in [`crate::history`].
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// The channel's name; `None` for the user's inbox.
    pub channel: Option<&'a str>,
    /// The stream's last entry; `None` where nothing is known of the stream.
    pub position: Option<Position>,
    /// The first offset that is kept; that of the next entry when nothing is.
    pub first: u64,
    /// The first offset that this part is about.
    pub from: u64,
    /// The last; below the first when there is nothing.
    pub to: u64,
    /// Its entries, by rising offset. The number of their stream is not told.
    pub entries: &'a [EntryFrame<'a>],
    /// What is not there of what was asked for.
    pub gaps: &'a [Missing],
    /// There is more in the direction that was asked for.
    pub more: bool,
}

/// Whom the session watches from now on; a `status` of each follows.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Watching<'a> {
    /// How many users the session watches now.
    pub watched: usize,
    /// Those among the ones named that it may not watch; absent for none.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub refused: &'a [&'a str],
}

/// Whom the session watches no more.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Unwatched {
    /// How many users the session still watches.
    pub watched: usize,
}

/// The members of a channel are going to be told.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Told<'a> {
    /// The channel's name.
    pub channel: &'a str,
}

/// A command failed and changed nothing.
#[derive(Debug, Clone)]
pub struct Failure<'a> {
    /// What kind of failure.
    pub code: Code,
    /// What is wrong and what to do, for a person.
    pub message: &'a str,
    /// When the same attempt may succeed, in milliseconds from now.
    pub retry_after_ms: Option<u64>,
}

impl Serialize for Failure<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Body<'b> {
            code: Code,
            name: &'b str,
            message: &'b str,
            retry: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            retry_after_ms: Option<u64>,
        }
        let Self { code, message, retry_after_ms } = *self;
        Body { code, name: code.name(), message, retry: code.retry(), retry_after_ms }.serialize(serializer)
    }
}

/// The connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Close<'a> {
    /// Why, and by its range what to do.
    pub code: u16,
    /// The code's name, or the host's word.
    pub reason: &'a str,
    /// When to come back, in milliseconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// One entry of a stream, before it is rendered.
#[derive(Debug, Clone, Copy)]
pub struct EntryFrame<'a> {
    /// The stream's number.
    pub stream: StreamNumber,
    /// The entry's place in it; 0 for one that has none, because it was published as ephemeral in a stream that is not.
    pub offset: u64,
    /// The event's name, checked by [`crate::event::is_event`].
    pub event: &'a str,
    /// The application's data.
    pub data: DataRef<'a>,
    /// The user who published, `None` for the host.
    pub from: Option<&'a str>,
    /// When the engine took it, in milliseconds since 1970.
    pub at: u64,
}

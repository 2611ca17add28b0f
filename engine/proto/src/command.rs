//! What a client sends.

use crate::id::{Epoch, Position, Secret, SessionId, StreamNumber};
use crate::limit::{POSITIONS_MAX, USERS_MAX};
use crate::payload::DataRef;
use crate::presence::Present;
use crate::strict;
use serde::{Deserialize, Deserializer, de};
use std::borrow::Cow;

/// One command with the id that its answer will carry.
///
/// `publish` and `send` may come without an id and are then not answered unless they fail.
#[derive(Debug, Clone)]
pub struct ClientFrame<'a> {
    /// Chosen by the client; answers repeat it.
    pub id: Option<u64>,
    /// What is asked.
    pub command: Command<'a>,
}

/// The commands.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Command<'a> {
    /// Opens the session: the first command of a connection.
    Connect(Connect<'a>),
    /// Goes on with another token of the same user.
    Refresh(Refresh<'a>),
    /// Joins a channel.
    Subscribe(Subscribe<'a, DataRef<'a>>),
    /// Leaves a channel.
    Unsubscribe(Unsubscribe<'a>),
    /// Publishes to a channel.
    Publish(Publish<'a, DataRef<'a>>),
    /// Sends to every device of a user.
    Send(Send<'a, DataRef<'a>>),
    /// Calls a method of the host.
    Call(Call<'a, DataRef<'a>>),
    /// Says how present this device's user is.
    Presence(Present<'a>),
    /// Tells whether the device is being used. Never answered.
    Activity(Activity),
    /// Wants to be told how present users are.
    Watch(Users<'a>),
    /// Wants to be told no more.
    Unwatch(Users<'a>),
    /// Asks for what a channel or the inbox keeps.
    History(History<'a>),
    /// Asks who is in a channel.
    Members(Members<'a>),
    /// Says anew what others are told of the user in a channel.
    Info(Info<'a, DataRef<'a>>),
    /// This device has everything of a stream up to an offset. Never answered.
    Ack(Mark),
    /// The user has read everything of a stream up to an offset. Never answered.
    Read(Mark),
    /// Measures the way there and back.
    Ping,
    /// Answers a ping of the server.
    Pong,
}

/// `connect`: who is there.
#[derive(Debug, Clone, Deserialize)]
pub struct Connect<'a> {
    /// What proves it.
    #[serde(borrow, deserialize_with = "strict::text")]
    pub token: Cow<'a, str>,
    /// The client's own name for its device, the same each time it connects.
    #[serde(borrow, default, deserialize_with = "strict::text_or_null")]
    pub device: Option<Cow<'a, str>>,
    /// The last position of the inbox that the device has; without it, delivery goes on behind what it acknowledged.
    #[serde(default, deserialize_with = "strict::object_or_null")]
    pub since: Option<Position>,
    /// The session to go on with.
    #[serde(borrow, default, deserialize_with = "strict::object_or_null")]
    pub resume: Option<Resume<'a>>,
    /// How present the device is from the first moment on.
    #[serde(borrow, default, deserialize_with = "strict::object_or_null")]
    pub presence: Option<Present<'a>>,
}

/// `refresh`: another token of the same user, before the one that the session was opened with ends.
#[derive(Debug, Clone, Deserialize)]
pub struct Refresh<'a> {
    /// The token.
    #[serde(borrow, deserialize_with = "strict::text")]
    pub token: Cow<'a, str>,
}

/// `connect.resume`: which session, the proof that it is the client's own, and how far the client has come.
#[derive(Debug, Clone, Deserialize)]
pub struct Resume<'a> {
    /// The session's id, as `connected` told it.
    pub session: SessionId,
    /// Its secret, as `connected` told it.
    pub secret: Secret,
    /// The last position of each stream that the client has something of, at most [`POSITIONS_MAX`].
    #[serde(borrow, default, deserialize_with = "strict::objects_or_null::<_, _, POSITIONS_MAX>")]
    pub positions: Vec<StreamPosition<'a>>,
}

/// The last position that a client has of one stream: either of a channel or of the inbox.
#[derive(Debug, Clone)]
pub struct StreamPosition<'a> {
    /// The channel's name; absent for the inbox.
    pub channel: Option<Cow<'a, str>>,
    /// Whether it is the inbox.
    pub inbox: bool,
    /// The life of the stream that the offset counts in.
    pub epoch: Epoch,
    /// The last entry that was received, 0 for none.
    pub offset: u64,
}

impl<'de: 'a, 'a> Deserialize<'de> for StreamPosition<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow, default, deserialize_with = "strict::text_or_null")]
            channel: Option<Cow<'a, str>>,
            inbox: Option<bool>,
            epoch: Epoch,
            offset: u64,
        }
        let Fields { channel, inbox, epoch, offset } = Fields::deserialize(deserializer)?;
        let inbox = inbox.unwrap_or(false);
        if inbox == channel.is_some() {
            return Err(de::Error::custom("a position is of a `channel` or of the `inbox`"));
        }
        Ok(Self { channel, inbox, epoch, offset })
    }
}

/// `ack` and `read`: all of a stream up to an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Mark {
    /// The stream's number.
    pub stream: StreamNumber,
    /// The last of them.
    pub offset: u64,
}

/// `subscribe`: from now on, or from what followed a position.
#[derive(Debug, Clone, Deserialize)]
pub struct Subscribe<'a, D> {
    /// The channel's name.
    #[serde(borrow, deserialize_with = "strict::text")]
    pub channel: Cow<'a, str>,
    /// The last position that the client has; what followed it comes first.
    #[serde(default, deserialize_with = "strict::object_or_null")]
    pub since: Option<Position>,
    /// Whether to be told who is in the channel.
    #[serde(default)]
    pub presence: Option<bool>,
    /// What the channel's members are told of the user.
    pub info: Option<D>,
}

/// `history`: a part of what a channel or the inbox keeps. With neither of the two positions, its newest entries.
#[derive(Debug, Clone)]
pub struct History<'a> {
    /// The channel's name; absent for the inbox.
    pub channel: Option<Cow<'a, str>>,
    /// What followed this position.
    pub since: Option<Position>,
    /// What stands before this position; never beside `since`.
    pub before: Option<Position>,
    /// Most entries.
    pub limit: Option<u64>,
}

impl<'de: 'a, 'a> Deserialize<'de> for History<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow, default, deserialize_with = "strict::text_or_null")]
            channel: Option<Cow<'a, str>>,
            inbox: Option<bool>,
            #[serde(default, deserialize_with = "strict::object_or_null")]
            since: Option<Position>,
            #[serde(default, deserialize_with = "strict::object_or_null")]
            before: Option<Position>,
            limit: Option<u64>,
        }
        let Fields { channel, inbox, since, before, limit } = Fields::deserialize(deserializer)?;
        if inbox.unwrap_or(false) == channel.is_some() {
            return Err(de::Error::custom("a history is of a `channel` or of the `inbox`"));
        }
        if since.is_some() && before.is_some() {
            return Err(de::Error::custom("a history is `since` a position or `before` one"));
        }
        Ok(Self { channel, since, before, limit })
    }
}

/// `activity`: whether the device is being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Activity {
    /// Someone uses it.
    pub active: bool,
}

/// `watch` and `unwatch`: whom.
#[derive(Debug, Clone, Deserialize)]
pub struct Users<'a> {
    /// Their ids, at most [`USERS_MAX`].
    #[serde(borrow, deserialize_with = "strict::texts::<_, USERS_MAX>")]
    pub users: Vec<Cow<'a, str>>,
}

/// `members`: who is in a channel.
#[derive(Debug, Clone, Deserialize)]
pub struct Members<'a> {
    /// The channel's name.
    #[serde(borrow, deserialize_with = "strict::text")]
    pub channel: Cow<'a, str>,
    /// Whether to list them, or only to count.
    #[serde(default)]
    pub list: Option<bool>,
}

/// `info`: what the channel's members are told of the user.
#[derive(Debug, Clone, Deserialize)]
pub struct Info<'a, D> {
    /// The channel's name.
    #[serde(borrow, deserialize_with = "strict::text")]
    pub channel: Cow<'a, str>,
    /// The application's data; none when absent.
    pub info: Option<D>,
}

/// `unsubscribe`.
#[derive(Debug, Clone, Deserialize)]
pub struct Unsubscribe<'a> {
    /// The channel's name.
    #[serde(borrow, deserialize_with = "strict::text")]
    pub channel: Cow<'a, str>,
}

/// What the publisher wants to hear before it counts a publication as done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wait {
    /// The engine has it, in memory.
    #[default]
    Accepted,
    /// It is on disk, behind the store's barrier.
    Stored,
}

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match strict::text_or_null(deserializer)?.as_deref() {
            None | Some("accepted") => Ok(Self::Accepted),
            Some("stored") => Ok(Self::Stored),
            Some(_) => Err(de::Error::custom("`wait` is `accepted` or `stored`")),
        }
    }
}

/// What one publication asks of its namespace's class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Narrowed {
    /// What the namespace promises.
    #[default]
    No,
    /// At most once, to whoever is there; it gets no place in the stream.
    Ephemeral,
}

impl<'de> Deserialize<'de> for Narrowed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match strict::text_or_null(deserializer)?.as_deref() {
            None => Ok(Self::No),
            Some("ephemeral") => Ok(Self::Ephemeral),
            Some(_) => Err(de::Error::custom("`class` is `ephemeral` or absent")),
        }
    }
}

/// `publish`: an event to all subscribers of a channel. `D` is the data in the form that the reader of frames uses.
#[derive(Debug, Clone, Deserialize)]
pub struct Publish<'a, D> {
    /// The channel's name.
    #[serde(borrow, deserialize_with = "strict::text")]
    pub channel: Cow<'a, str>,
    /// The event's name.
    #[serde(borrow, deserialize_with = "strict::text")]
    pub event: Cow<'a, str>,
    /// The application's data, `null` when absent.
    pub data: Option<D>,
    /// In class `latest`: which value this replaces.
    #[serde(borrow, default, deserialize_with = "strict::text_or_null")]
    pub key: Option<Cow<'a, str>>,
    /// Made by the client: the same key again is the same publication, answered as the first time.
    #[serde(borrow, default, deserialize_with = "strict::text_or_null")]
    pub idempotency_key: Option<Cow<'a, str>>,
    /// A lesser promise than the namespace's, for this publication.
    #[serde(default)]
    pub class: Narrowed,
    /// What to wait for.
    #[serde(default)]
    pub wait: Wait,
}

/// `send`: an event to every device of a user.
#[derive(Debug, Clone, Deserialize)]
pub struct Send<'a, D> {
    /// The user's id.
    #[serde(borrow, deserialize_with = "strict::text")]
    pub user: Cow<'a, str>,
    /// The namespace whose policy applies.
    #[serde(borrow, deserialize_with = "strict::text")]
    pub namespace: Cow<'a, str>,
    /// The event's name.
    #[serde(borrow, deserialize_with = "strict::text")]
    pub event: Cow<'a, str>,
    /// The application's data, `null` when absent.
    pub data: Option<D>,
    /// As in [`Publish`].
    #[serde(borrow, default, deserialize_with = "strict::text_or_null")]
    pub idempotency_key: Option<Cow<'a, str>>,
    /// As in [`Publish`].
    #[serde(default)]
    pub class: Narrowed,
    /// What to wait for.
    #[serde(default)]
    pub wait: Wait,
}

/// `call`: a question to the host, answered by `result`.
#[derive(Debug, Clone, Deserialize)]
pub struct Call<'a, D> {
    /// The method's name.
    #[serde(borrow, deserialize_with = "strict::text")]
    pub method: Cow<'a, str>,
    /// The application's data, `null` when absent.
    pub data: Option<D>,
}

//! What a client sends.

use crate::id::Position;
use crate::payload::DataRef;
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
    /// Joins a channel.
    Subscribe(Subscribe<'a>),
    /// Leaves a channel.
    Unsubscribe(Unsubscribe<'a>),
    /// Publishes to a channel.
    Publish(Publish<'a, DataRef<'a>>),
    /// Sends to every device of a user.
    Send(Send<'a, DataRef<'a>>),
    /// Calls a method of the host.
    Call(Call<'a, DataRef<'a>>),
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
}

/// `subscribe`: from now on, or from what followed a position.
#[derive(Debug, Clone, Deserialize)]
pub struct Subscribe<'a> {
    /// The channel's name.
    #[serde(borrow, deserialize_with = "strict::text")]
    pub channel: Cow<'a, str>,
    /// The last position that the client has; what followed it comes first.
    #[serde(default, deserialize_with = "strict::object_or_null")]
    pub since: Option<Position>,
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
        match &*strict::text(deserializer)? {
            "accepted" => Ok(Self::Accepted),
            "stored" => Ok(Self::Stored),
            _ => Err(de::Error::custom("`wait` is `accepted` or `stored`")),
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
    /// What to wait for.
    #[serde(default)]
    pub wait: Wait,
}

/// `send`: an event to every connected device of a user.
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

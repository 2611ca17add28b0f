//! Bytes of one message to commands: the header is decoded, the data stays a slice.

use crate::command::{
    Activity, Call, ClientFrame, Command, Connect, History, Info, Mark, Members, Publish, Refresh, Send, Subscribe,
    Unsubscribe, Users,
};
use crate::data_error::DataError;
use crate::limit::{DATA_DEPTH_MAX, FRAMES_PER_MESSAGE_MAX};
use crate::msgpack::{Head, Reader};
use crate::payload::{Codec, DataRef};
use crate::presence::Present;
use crate::strict::Object;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

/// A frame that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// The command's id where that much could be read.
    pub id: Option<u64>,
    /// What is wrong, for a person.
    pub text: String,
    /// Nothing behind this frame can be read either: its end is not known.
    pub last: bool,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for DecodeError {}

/// The frames of one message, in order.
#[derive(Debug)]
pub struct Frames<'a> {
    codec: Codec,
    rest: &'a [u8],
    count: usize,
}

/// The frames of one message. JSON: one a line. MessagePack: one after the other.
#[must_use]
pub fn frames(codec: Codec, message: &[u8]) -> Frames<'_> {
    Frames { codec, rest: message, count: 0 }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<ClientFrame<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.codec == Codec::Json {
            self.rest = self.rest.trim_ascii();
        }
        if self.rest.is_empty() {
            return None;
        }
        self.count += 1;
        if self.count > FRAMES_PER_MESSAGE_MAX {
            self.rest = &[];
            let text = format!("more than {FRAMES_PER_MESSAGE_MAX} frames in one message");
            return Some(Err(DecodeError { id: None, text, last: true }));
        }
        let frame = match self.codec {
            Codec::Json => self.next_json(),
            Codec::Msgpack => self.next_msgpack(),
        };
        if matches!(&frame, Err(error) if error.last) {
            self.rest = &[];
        }
        Some(frame)
    }
}

impl<'a> Frames<'a> {
    fn next_json(&mut self) -> Result<ClientFrame<'a>, DecodeError> {
        let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        let line = std::str::from_utf8(line).map_err(|_| refused(None, "not UTF-8"))?;
        let Object(raw) = serde_json::from_str::<Object<RawFrame<'a, &'a RawValue>>>(line)
            .map_err(|error| refused(id_of(line), &plain_cause(&error.to_string())))?;
        raw.into_frame(&|data: &'a RawValue| DataRef::parse(Codec::Json, data.get().as_bytes()))
    }

    fn next_msgpack(&mut self) -> Result<ClientFrame<'a>, DecodeError> {
        let shape = shape_of(self.rest).map_err(unreadable)?;
        let (frame, rest) = self.rest.split_at(shape.bytes);
        self.rest = rest;
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(frame);
        deserializer.set_max_depth(DATA_DEPTH_MAX + 8);
        // The data is checked first: its own words for what is wrong are better than those of the walk over it.
        let data = shape.data.map(|range| DataRef::parse(Codec::Msgpack, &frame[range])).transpose();
        let data = data.map_err(|error| data_refused(shape.id, error))?;
        let Object(raw) = Object::<RawFrame<'a, IgnoredAny>>::deserialize(&mut deserializer)
            .map_err(|error| refused(shape.id, &plain_cause(&error.to_string())))?;
        raw.into_frame(&|_: IgnoredAny| data.ok_or(DataError::Syntax))
    }
}

/// A deserializer's words, without the value that it found (which may be long, or a secret) and without the place,
/// which would be one that only we can count to.
fn plain_cause(text: &str) -> String {
    let placeless = |text: &str| text.split(" at line ").next().unwrap_or_default().to_owned();
    match text.rsplit_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid ") => format!("expected {}", placeless(expected)),
        _ => placeless(text),
    }
}

fn refused(id: Option<u64>, text: &str) -> DecodeError {
    DecodeError { id, text: text.to_owned(), last: false }
}

fn data_refused(id: Option<u64>, error: DataError) -> DecodeError {
    refused(id, &format!("data: {error}"))
}

fn info_refused(id: Option<u64>, error: DataError) -> DecodeError {
    refused(id, &format!("info: {error}"))
}

fn unreadable(error: DataError) -> DecodeError {
    DecodeError { id: None, text: error.to_string(), last: true }
}

/// The id of a command whose other parts could not be read, so that the answer can still carry it.
fn id_of(text: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Only {
        id: Option<u64>,
    }
    serde_json::from_str::<Object<Only>>(text).ok().and_then(|only| only.0.id)
}

/// Where a MessagePack frame ends, and where its id and its data stand.
struct Shape {
    bytes: usize,
    id: Option<u64>,
    data: Option<Range<usize>>,
}

/// Walks one frame, `{ id, command: { …, data } }`, without believing a length. Only what cannot be walked over is an
/// error; keys and types are judged by who reads the frame.
fn shape_of(input: &[u8]) -> Result<Shape, DataError> {
    let mut reader = Reader::new(input);
    let Head::Map(entries) = reader.head()? else { return Err(DataError::Syntax) };
    let mut shape = Shape { bytes: 0, id: None, data: None };
    let mut ids = 0;
    for _ in 0..entries {
        match reader.key_or_skip()? {
            Some("id") => {
                shape.id = reader.uint_or_skip()?;
                ids += 1;
            }
            Some("publish" | "send" | "call") => shape.data = data_in(&mut reader, "data")?,
            Some("subscribe" | "info") => shape.data = data_in(&mut reader, "info")?,
            _ => reader.skip()?,
        }
    }
    // Which of several is meant cannot be known.
    shape.id = shape.id.filter(|_| ids == 1);
    shape.bytes = reader.at();
    Ok(shape)
}

/// Where the data stands in the body of a command, which the reader passes over.
fn data_in(reader: &mut Reader<'_>, name: &str) -> Result<Option<Range<usize>>, DataError> {
    let mut body = *reader;
    let Head::Map(fields) = body.head()? else { return reader.skip().map(|()| None) };
    let mut data = None;
    for _ in 0..fields {
        let is_data = body.key_or_skip()? == Some(name);
        let from = body.at();
        body.skip()?;
        if is_data {
            data = Some(from..body.at());
        }
    }
    *reader = body;
    Ok(data)
}

/// A command with its data as the codec's reader gives it.
enum RawCommand<'a, D> {
    Connect(Connect<'a>),
    Refresh(Refresh<'a>),
    Subscribe(Subscribe<'a, D>),
    Unsubscribe(Unsubscribe<'a>),
    Publish(Publish<'a, D>),
    Send(Send<'a, D>),
    Call(Call<'a, D>),
    Presence(Present<'a>),
    Activity(Activity),
    Watch(Users<'a>),
    Unwatch(Users<'a>),
    History(History<'a>),
    Members(Members<'a>),
    Info(Info<'a, D>),
    Ack(Mark),
    Read(Mark),
    Ping,
    Pong,
}

/// A frame as it stands, before its data is looked at.
struct RawFrame<'a, D> {
    id: Option<u64>,
    command: Option<RawCommand<'a, D>>,
    commands: usize,
}

impl<'de, D: Deserialize<'de>> Deserialize<'de> for RawFrame<'de, D> {
    fn deserialize<T: Deserializer<'de>>(deserializer: T) -> Result<Self, T::Error> {
        deserializer.deserialize_map(FrameVisitor(PhantomData))
    }
}

/// Reads a frame in one pass, each command straight into its own place.
struct FrameVisitor<D>(PhantomData<D>);

impl<'de, D: Deserialize<'de>> Visitor<'de> for FrameVisitor<D> {
    type Value = RawFrame<'de, D>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut frame = RawFrame { id: None, command: None, commands: 0 };
        let mut ids = 0;
        while let Some(name) = map.next_key::<Name>()? {
            let command = match name {
                Name::Id => {
                    ids += 1;
                    frame.id = map.next_value()?;
                    None
                }
                Name::Connect => body(&mut map)?.map(RawCommand::Connect),
                Name::Refresh => body(&mut map)?.map(RawCommand::Refresh),
                Name::Subscribe => body(&mut map)?.map(RawCommand::Subscribe),
                Name::Unsubscribe => body(&mut map)?.map(RawCommand::Unsubscribe),
                Name::Publish => body(&mut map)?.map(RawCommand::Publish),
                Name::Send => body(&mut map)?.map(RawCommand::Send),
                Name::Call => body(&mut map)?.map(RawCommand::Call),
                Name::Presence => body(&mut map)?.map(RawCommand::Presence),
                Name::Activity => body(&mut map)?.map(RawCommand::Activity),
                Name::Watch => body(&mut map)?.map(RawCommand::Watch),
                Name::Unwatch => body(&mut map)?.map(RawCommand::Unwatch),
                Name::History => body(&mut map)?.map(RawCommand::History),
                Name::Members => body(&mut map)?.map(RawCommand::Members),
                Name::Info => body(&mut map)?.map(RawCommand::Info),
                Name::Ack => body(&mut map)?.map(RawCommand::Ack),
                Name::Read => body(&mut map)?.map(RawCommand::Read),
                Name::Ping => body::<A, IgnoredAny>(&mut map)?.map(|_| RawCommand::Ping),
                Name::Pong => body::<A, IgnoredAny>(&mut map)?.map(|_| RawCommand::Pong),
                Name::Other => map.next_value::<IgnoredAny>().map(|_| None)?,
            };
            if command.is_some() {
                frame.command = command;
                frame.commands += 1;
            }
        }
        if ids > 1 {
            return Err(A::Error::duplicate_field("id"));
        }
        Ok(frame)
    }
}

/// The body of a command, `None` for null.
fn body<'de, A: MapAccess<'de>, T: Deserialize<'de>>(map: &mut A) -> Result<Option<T>, A::Error> {
    Ok(map.next_value::<Option<Object<T>>>()?.map(|object| object.0))
}

/// The names that may stand in a frame. Others are passed over, for those who come later.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Name {
    Id,
    Connect,
    Refresh,
    Subscribe,
    Unsubscribe,
    Publish,
    Send,
    Call,
    Presence,
    Activity,
    Watch,
    Unwatch,
    History,
    Members,
    Info,
    Ack,
    Read,
    Ping,
    Pong,
    #[serde(other)]
    Other,
}

type ParseData<'a, 'p, D> = &'p dyn Fn(D) -> Result<DataRef<'a>, DataError>;

impl<'a, D> RawFrame<'a, D> {
    /// Exactly one command must be there.
    fn into_frame(self, parse: ParseData<'a, '_, D>) -> Result<ClientFrame<'a>, DecodeError> {
        let id = self.id;
        let command = match (self.command, self.commands) {
            (Some(command), 1) => command,
            (None, _) => return Err(refused(id, "no command that this server knows")),
            _ => return Err(refused(id, "more than one command in a frame")),
        };
        let data_of = |data: Option<D>| data.map(parse).transpose().map_err(|error| data_refused(id, error));
        let info_of = |info: Option<D>| info.map(parse).transpose().map_err(|error| info_refused(id, error));
        let command = match command {
            RawCommand::Connect(connect) => Command::Connect(connect),
            RawCommand::Refresh(refresh) => Command::Refresh(refresh),
            RawCommand::Subscribe(Subscribe { channel, since, presence, info }) => {
                let info = info_of(info)?;
                Command::Subscribe(Subscribe { channel, since, presence, info })
            }
            RawCommand::Presence(present) => Command::Presence(present),
            RawCommand::Activity(activity) => Command::Activity(activity),
            RawCommand::Watch(users) => Command::Watch(users),
            RawCommand::Unwatch(users) => Command::Unwatch(users),
            RawCommand::History(history) => Command::History(history),
            RawCommand::Members(members) => Command::Members(members),
            RawCommand::Info(Info { channel, info }) => Command::Info(Info { channel, info: info_of(info)? }),
            RawCommand::Unsubscribe(unsubscribe) => Command::Unsubscribe(unsubscribe),
            RawCommand::Publish(Publish { channel, event, data, key, idempotency_key, class, wait }) => {
                let data = data_of(data)?;
                Command::Publish(Publish { channel, event, data, key, idempotency_key, class, wait })
            }
            RawCommand::Send(Send { user, namespace, event, data, idempotency_key, class, wait }) => {
                let data = data_of(data)?;
                Command::Send(Send { user, namespace, event, data, idempotency_key, class, wait })
            }
            RawCommand::Ack(mark) => Command::Ack(mark),
            RawCommand::Read(mark) => Command::Read(mark),
            RawCommand::Call(Call { method, data }) => Command::Call(Call { method, data: data_of(data)? }),
            RawCommand::Ping => Command::Ping,
            RawCommand::Pong => Command::Pong,
        };
        Ok(ClientFrame { id, command })
    }
}

#[cfg(test)]
mod tests;

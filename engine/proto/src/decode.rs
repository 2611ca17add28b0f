//! Bytes of one message to commands: the header is decoded, the data stays a slice.

use crate::command::{Call, ClientFrame, Command, Connect, Publish, Send, Subscribe, Unsubscribe};
use crate::json;
use crate::limit::{DATA_DEPTH_MAX, FRAMES_PER_MESSAGE_MAX};
use crate::msgpack::{Head, Reader};
use crate::payload::{Codec, DataError, DataRef};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::fmt;
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
            return Some(Err(unreadable("more than 1,024 frames in one message".to_owned())));
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
        let raw: RawFrame<'a, &'a RawValue> = serde_json::from_slice(line).map_err(|error| DecodeError {
            id: json::id_of(line),
            text: plain_cause(&error),
            last: false,
        })?;
        raw.into_frame(&|data: &'a RawValue| DataRef::parse(Codec::Json, data.get().as_bytes()))
    }

    fn next_msgpack(&mut self) -> Result<ClientFrame<'a>, DecodeError> {
        let shape = shape_of(self.rest).map_err(|error| unreadable(error.to_string()))?;
        let (frame, rest) = self.rest.split_at(shape.bytes);
        self.rest = rest;
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(frame);
        deserializer.set_max_depth(DATA_DEPTH_MAX + 8);
        let raw: RawFrame<'a, IgnoredAny> = RawFrame::deserialize(&mut deserializer).map_err(|error| DecodeError {
            id: shape.id,
            text: error.to_string(),
            last: false,
        })?;
        let data = shape.data.map_or(&[0xc0][..], |range| &frame[range]);
        raw.into_frame(&|_: IgnoredAny| DataRef::parse(Codec::Msgpack, data))
    }
}

/// serde_json's words without the place, which would be a place in a line that only we have.
fn plain_cause(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

fn unreadable(text: String) -> DecodeError {
    DecodeError { id: None, text, last: true }
}

/// Where a MessagePack frame ends, and where its id and its data stand.
struct Shape {
    bytes: usize,
    id: Option<u64>,
    data: Option<Range<usize>>,
}

/// Walks one frame, `{ id, command: { …, data } }`, without believing a length.
fn shape_of(input: &[u8]) -> Result<Shape, DataError> {
    let mut reader = Reader::new(input);
    let Head::Map(entries) = reader.head()? else { return Err(DataError::Syntax) };
    let mut shape = Shape { bytes: 0, id: None, data: None };
    for _ in 0..entries {
        let key = reader.key()?;
        let mut value = reader;
        match value.head()? {
            Head::Uint(id) if key == "id" => {
                shape.id = Some(id);
                reader = value;
            }
            Head::Map(fields) => {
                for _ in 0..fields {
                    let name = value.key()?;
                    let from = value.at();
                    value.check(2)?;
                    if name == "data" {
                        shape.data = Some(from..value.at());
                    }
                }
                reader = value;
            }
            _ => reader.check(1)?,
        }
    }
    shape.bytes = reader.at();
    Ok(shape)
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "D: Deserialize<'de>"))]
struct RawFrame<'a, D> {
    id: Option<u64>,
    #[serde(borrow)]
    connect: Option<Connect<'a>>,
    #[serde(borrow)]
    subscribe: Option<Subscribe<'a>>,
    #[serde(borrow)]
    unsubscribe: Option<Unsubscribe<'a>>,
    #[serde(borrow)]
    publish: Option<Publish<'a, D>>,
    #[serde(borrow)]
    send: Option<Send<'a, D>>,
    #[serde(borrow)]
    call: Option<Call<'a, D>>,
    ping: Option<IgnoredAny>,
    pong: Option<IgnoredAny>,
}

type ParseData<'a, 'p, D> = &'p dyn Fn(D) -> Result<DataRef<'a>, DataError>;

impl<'a, D> RawFrame<'a, D> {
    /// Exactly one command must be there.
    fn into_frame(self, parse: ParseData<'a, '_, D>) -> Result<ClientFrame<'a>, DecodeError> {
        let id = self.id;
        let mut found = Found { command: None, count: 0 };
        found.add(self.connect.map(Command::Connect));
        found.add(self.subscribe.map(Command::Subscribe));
        found.add(self.unsubscribe.map(Command::Unsubscribe));
        found.add(self.ping.map(|_| Command::Ping));
        found.add(self.pong.map(|_| Command::Pong));
        let refuse = |error: DataError| DecodeError { id, text: format!("data: {error}"), last: false };
        if let Some(raw) = self.publish {
            let data = data_of(raw.data, parse).map_err(refuse)?;
            let Publish { channel, event, key, wait, .. } = raw;
            found.add(Some(Command::Publish(Publish { channel, event, key, wait, data })));
        }
        if let Some(raw) = self.send {
            let data = data_of(raw.data, parse).map_err(refuse)?;
            let Send { user, namespace, event, wait, .. } = raw;
            found.add(Some(Command::Send(Send { user, namespace, event, wait, data })));
        }
        if let Some(raw) = self.call {
            let data = data_of(raw.data, parse).map_err(refuse)?;
            found.add(Some(Command::Call(Call { method: raw.method, data })));
        }
        match found {
            Found { command: Some(command), count: 1 } => Ok(ClientFrame { id, command }),
            Found { count: 0, .. } => Err(not_one(id, "no command that this server knows")),
            Found { .. } => Err(not_one(id, "more than one command in a frame")),
        }
    }
}

struct Found<'a> {
    command: Option<Command<'a>>,
    count: usize,
}

impl<'a> Found<'a> {
    fn add(&mut self, command: Option<Command<'a>>) {
        if command.is_some() {
            self.command = command;
            self.count += 1;
        }
    }
}

fn data_of<'a, D>(data: Option<D>, parse: ParseData<'a, '_, D>) -> Result<Option<DataRef<'a>>, DataError> {
    data.map(parse).transpose()
}

fn not_one(id: Option<u64>, text: &str) -> DecodeError {
    DecodeError { id, text: text.to_owned(), last: false }
}

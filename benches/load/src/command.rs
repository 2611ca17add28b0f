//! What the driver sends: commands of the protocol, and templates of the frames that it sends by the million.

use crate::codec::Codec;
use crate::marker::{MARK_BYTES, Mark};
use crate::ws;
use anyhow::{Result, ensure};
use memchr::memmem;
use serde_json::{Value, json};

/// The first id of answered messages. All ids of a run are as long as this one, in both codecs.
pub const FIRST_ID: u32 = 1_000_000_000;

/// Most distinct users and channels, so that every name of them is equally long.
pub const NAMES_MAX: u32 = 100_000;

/// The id of the connect command.
pub const CONNECT_ID: u64 = 1;
/// The id of the subscribe command.
pub const SUBSCRIBE_ID: u64 = 2;

/// The name of a user of the load.
#[must_use]
pub fn user_name(user: u32) -> String {
    format!("u{user:05}")
}

/// The name of a channel of the load.
#[must_use]
pub fn channel_name(namespace: &str, channel: u32) -> String {
    format!("{namespace}:c{channel:05}")
}

/// The connect command.
#[must_use]
pub fn connect(token: &str) -> Value {
    json!({"id": CONNECT_ID, "connect": {"token": token}})
}

/// The connect command of a device that goes on where it was.
#[must_use]
pub fn connect_device(token: &str, device: &str) -> Value {
    json!({"id": CONNECT_ID, "connect": {"token": token, "device": device}})
}

/// The command that says up to which offset a stream has arrived.
#[must_use]
pub fn ack(stream: u64, offset: u64) -> Value {
    json!({"ack": {"stream": stream, "offset": offset}})
}

/// The subscribe command.
#[must_use]
pub fn subscribe(channel: &str) -> Value {
    json!({"id": SUBSCRIBE_ID, "subscribe": {"channel": channel}})
}

/// What the server shall answer to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nothing.
    Nothing,
    /// That it has it.
    Accepted,
    /// That it is on disk.
    Stored,
}

/// A message of the load: what kind, how long, and what the server shall answer to it.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Form of the frames.
    pub codec: Codec,
    /// Namespace of channels, or of what is sent to users.
    pub namespace: String,
    /// Length of the text that the data holds, mark included, in bytes.
    pub payload_bytes: usize,
    /// The answer that is asked for; for any, messages carry an id.
    pub answer: Answer,
    /// Whether messages go to a user rather than to a channel.
    pub unicast: bool,
}

/// Where and how a template names the destination.
#[derive(Debug, Clone, Copy)]
enum Destination {
    /// Five decimal digits.
    Digits(usize),
    /// Four bytes, big endian: the floor's form.
    Binary(usize),
    /// There is none.
    None,
}

/// A whole client frame, ready but for destination, mark and id.
#[derive(Debug, Clone)]
pub struct Template {
    frame: Vec<u8>,
    destination: Destination,
    mark_at: usize,
    id_at: Option<(usize, Codec)>,
}

impl Template {
    /// The frame of a Tidings server.
    ///
    /// # Errors
    /// When the payload is shorter than a mark.
    pub fn tidings(shape: &Shape) -> Result<Self> {
        ensure!(shape.payload_bytes >= MARK_BYTES, "the payload needs at least {MARK_BYTES} bytes");
        let mut text = vec![b'x'; shape.payload_bytes];
        Mark { sequence: 0, due_ns: 0 }.write(&mut text);
        let data = json!({ "t": String::from_utf8_lossy(&text) });
        let (name, mut fields) = if shape.unicast {
            ("send", json!({"user": user_name(0), "namespace": shape.namespace, "event": "load", "data": data}))
        } else {
            ("publish", json!({"channel": channel_name(&shape.namespace, 0), "event": "load", "data": data}))
        };
        if shape.answer == Answer::Stored {
            fields["wait"] = "stored".into();
        }
        let answered = shape.answer != Answer::Nothing;
        let mut command = json!({ name: fields });
        if answered {
            command["id"] = FIRST_ID.into();
        }
        let mut frame = Vec::new();
        ws::push_client_frame(&mut frame, shape.codec.opcode(), &shape.codec.encode(&command)?);
        let name: &[u8] = if shape.unicast { b"u00000" } else { b":c00000" };
        let find = |needle: &[u8]| {
            memmem::rfind(&frame, needle).ok_or_else(|| anyhow::anyhow!("a template lacks its own placeholder"))
        };
        let destination = Destination::Digits(find(name)? + name.len() - 5);
        let mark_at = find(&text)?;
        let id_at = match (answered, shape.codec) {
            (false, _) => None,
            (true, Codec::Json) => Some((find(FIRST_ID.to_string().as_bytes())?, shape.codec)),
            (true, Codec::Msgpack) => Some((find(&FIRST_ID.to_be_bytes())?, shape.codec)),
        };
        Ok(Self { frame, destination, mark_at, id_at })
    }

    /// The frame that says something else of a user: its text is the mark and what fills it up.
    ///
    /// # Errors
    /// When the text is shorter than a mark.
    pub fn presence(codec: Codec, text_bytes: usize) -> Result<Self> {
        ensure!(text_bytes >= MARK_BYTES, "the text needs at least {MARK_BYTES} bytes");
        let mut text = vec![b'x'; text_bytes];
        Mark { sequence: 0, due_ns: 0 }.write(&mut text);
        let command = json!({ "presence": { "status": "online", "text": String::from_utf8_lossy(&text) } });
        let mut frame = Vec::new();
        ws::push_client_frame(&mut frame, codec.opcode(), &codec.encode(&command)?);
        let mark_at = memmem::rfind(&frame, &text).ok_or_else(|| anyhow::anyhow!("a template lacks its own mark"))?;
        Ok(Self { frame, destination: Destination::None, mark_at, id_at: None })
    }

    /// The frame of a floor server: destination, length of the body, body, and padding, so that it is as long as the
    /// frame that a Tidings server would get.
    ///
    /// # Errors
    /// When the payload is shorter than a mark or does not fit in a frame of the floor.
    pub fn floor(shape: &Shape) -> Result<Self> {
        let frame_bytes = Self::tidings(shape)?.frame.len();
        let body_bytes = u16::try_from(shape.payload_bytes)?;
        let mut payload = vec![0; 4];
        payload.extend_from_slice(&body_bytes.to_be_bytes());
        payload.resize(6 + shape.payload_bytes, b'x');
        let head_bytes = |payload: usize| if payload < 126 { 6 } else { 8 };
        let padded = frame_bytes - head_bytes(frame_bytes - 6);
        payload.resize(payload.len().max(padded), b' ');
        let head_bytes = head_bytes(payload.len());
        let mut frame = Vec::new();
        ws::push_client_frame(&mut frame, ws::BINARY, &payload);
        Ok(Self { frame, destination: Destination::Binary(head_bytes), mark_at: head_bytes + 6, id_at: None })
    }

    /// Length of the frame in bytes.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        self.frame.len()
    }

    /// Appends the frame of one message to `out`.
    pub fn push(&mut self, out: &mut Vec<u8>, destination: u32, mark: Mark) {
        match self.destination {
            Destination::Digits(at) => write_digits(&mut self.frame[at..at + 5], destination),
            Destination::Binary(at) => self.frame[at..at + 4].copy_from_slice(&destination.to_be_bytes()),
            Destination::None => {}
        }
        mark.write(&mut self.frame[self.mark_at..]);
        let id = FIRST_ID + (mark.sequence % u64::from(FIRST_ID)) as u32;
        match self.id_at {
            Some((at, Codec::Json)) => write_digits(&mut self.frame[at..at + 10], id),
            Some((at, Codec::Msgpack)) => self.frame[at..at + 4].copy_from_slice(&id.to_be_bytes()),
            None => {}
        }
        out.extend_from_slice(&self.frame);
    }
}

fn write_digits(at: &mut [u8], mut value: u32) {
    for digit in at.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

#[cfg(test)]
mod tests;

//! Frames to bytes, once for each wire form.
//!
//! Server frames of WebSocket are not masked (RFC 6455 section 5.1), so header and payload are the same bytes for every
//! receiver: what is rendered here is shared, never copied.

use crate::frame::{Close, EntryFrame, ServerFrame};
use crate::limit::CLOSE_REASON_BYTES_MAX;
use crate::payload::Codec;
use crate::{history, json, msgpack};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The forms in which frames leave. A closed set, so that what is rendered is found by an array's index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum WireForm {
    /// JSON in WebSocket text frames, subprotocol `tidings.v1.json`.
    WebSocketJson,
    /// MessagePack in WebSocket binary frames, subprotocol `tidings.v1.msgpack`.
    WebSocketMsgpack,
    /// JSON, one frame a line, with no envelope.
    JsonLines,
    /// JSON as the data of server-sent events, one frame an event. Where the client stands is the connection's own affair,
    /// so an `id` is no part of what is shared.
    Sse,
}

impl WireForm {
    /// How many there are.
    pub const COUNT: usize = 4;

    /// All of them, in the order of [`WireForm::index`].
    pub const ALL: [Self; Self::COUNT] = [Self::WebSocketJson, Self::WebSocketMsgpack, Self::JsonLines, Self::Sse];

    /// The codec of the frames.
    #[must_use]
    pub const fn codec(self) -> Codec {
        match self {
            Self::WebSocketJson | Self::JsonLines | Self::Sse => Codec::Json,
            Self::WebSocketMsgpack => Codec::Msgpack,
        }
    }

    /// Whether frames leave in WebSocket frames.
    const fn is_websocket(self) -> bool {
        matches!(self, Self::WebSocketJson | Self::WebSocketMsgpack)
    }

    /// The place in an array of [`WireForm::COUNT`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

/// What the data of a server-sent event stands behind, and what ends the event (HTML, 9.2.5). No frame holds a raw line end.
const SSE_DATA: &[u8] = b"data: ";
const SSE_END: &[u8] = b"\n\n";

/// A comment: a sign of life that no client has to look at.
const SSE_PING: &[u8] = b":\n\n";

/// The header that most frames need: two bytes, and two more of length.
const HEADER_GUESS_BYTES: usize = 4;

/// Appends one frame, with the id of the command that it answers.
pub fn render(form: WireForm, id: Option<u64>, frame: &ServerFrame<'_>, out: &mut Vec<u8>) {
    match (form, frame) {
        (WireForm::Sse, ServerFrame::Ping) => return out.extend_from_slice(SSE_PING),
        (WireForm::Sse, ServerFrame::Close(Close { retry_after_ms: Some(retry_after_ms), .. })) => {
            // For clients that come back by themselves.
            out.extend_from_slice(b"retry: ");
            json::put_uint(out, *retry_after_ms);
            out.push(b'\n');
        }
        (_, ServerFrame::Ping) if form.is_websocket() => out.extend_from_slice(&[PING, 0]),
        _ => {}
    }
    enclose(form, out, |out| match form.codec() {
        Codec::Json => render_json(id, frame, out),
        Codec::Msgpack => render_msgpack(id, frame, out),
    });
    if let (true, ServerFrame::Close(close)) = (form.is_websocket(), frame) {
        render_websocket_close(close, out);
    }
}

/// Appends one entry.
pub fn render_entry(form: WireForm, entry: &EntryFrame<'_>, out: &mut Vec<u8>) {
    out.reserve(entry.data.bytes().len() + entry.event.len() + entry.from.map_or(0, str::len) + 96);
    enclose(form, out, |out| match form.codec() {
        Codec::Json => entry_json(entry, out),
        Codec::Msgpack => entry_msgpack(entry, out),
    });
}

/// Puts the form's envelope round what `body` appends.
fn enclose(form: WireForm, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let first = match form {
        WireForm::JsonLines => {
            body(out);
            out.push(b'\n');
            return;
        }
        WireForm::Sse => {
            out.extend_from_slice(SSE_DATA);
            body(out);
            out.extend_from_slice(SSE_END);
            return;
        }
        WireForm::WebSocketJson => TEXT,
        WireForm::WebSocketMsgpack => BINARY,
    };
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_GUESS_BYTES]);
    body(out);
    write_header(first, start, out);
}

/// Writes the header (RFC 6455 section 5.2) before a payload for which [`HEADER_GUESS_BYTES`] were left at `start`.
fn write_header(first: u8, start: usize, out: &mut Vec<u8>) {
    let payload = start + HEADER_GUESS_BYTES;
    let length = (out.len() - payload) as u64;
    let wide = length.to_be_bytes();
    match length {
        0..=125 => {
            out.copy_within(payload.., start + 2);
            out.truncate(out.len() - 2);
            out[start + 1] = wide[7];
        }
        126..=0xffff => {
            out[start + 1] = 126;
            out[start + 2..payload].copy_from_slice(&wide[6..]);
        }
        _ => {
            out.extend_from_slice(&[0; 6]);
            let end = out.len() - 6;
            out.copy_within(payload..end, payload + 6);
            out[start + 1] = 127;
            out[start + 2..start + 10].copy_from_slice(&wide);
        }
    }
    out[start] = first;
}

fn render_websocket_close(close: &Close<'_>, out: &mut Vec<u8>) {
    let mut reason = close.reason;
    while reason.len() > CLOSE_REASON_BYTES_MAX {
        let mut end = CLOSE_REASON_BYTES_MAX;
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        reason = &reason[..end];
    }
    let length = (reason.len() + 2) as u64;
    out.extend_from_slice(&[CLOSE, length.to_be_bytes()[7]]);
    out.extend_from_slice(&close.code.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

fn entry_json(entry: &EntryFrame<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"entry":{"stream":"#);
    json::put_uint(out, u64::from(entry.stream));
    if entry.offset > 0 {
        out.extend_from_slice(br#","offset":"#);
        json::put_uint(out, entry.offset);
    }
    out.extend_from_slice(br#","event":"#);
    json::put(out, entry.event);
    out.extend_from_slice(br#","data":"#);
    entry.data.append(Codec::Json, out);
    if let Some(from) = entry.from {
        out.extend_from_slice(br#","from":"#);
        json::put(out, from);
    }
    out.extend_from_slice(br#","at":"#);
    json::put_uint(out, entry.at);
    out.extend_from_slice(b"}}");
}

fn entry_msgpack(entry: &EntryFrame<'_>, out: &mut Vec<u8>) {
    msgpack::put_map(out, 1);
    msgpack::put_str(out, "entry");
    msgpack::put_map(out, 4 + u8::from(entry.from.is_some()) + u8::from(entry.offset > 0));
    msgpack::put_str(out, "stream");
    msgpack::put_uint(out, u64::from(entry.stream));
    if entry.offset > 0 {
        msgpack::put_str(out, "offset");
        msgpack::put_uint(out, entry.offset);
    }
    msgpack::put_str(out, "event");
    msgpack::put_str(out, entry.event);
    msgpack::put_str(out, "data");
    entry.data.append(Codec::Msgpack, out);
    if let Some(from) = entry.from {
        msgpack::put_str(out, "from");
        msgpack::put_str(out, from);
    }
    msgpack::put_str(out, "at");
    msgpack::put_uint(out, entry.at);
}

fn render_json(id: Option<u64>, frame: &ServerFrame<'_>, out: &mut Vec<u8>) {
    if !has_raw_data(frame) {
        return json::put(out, &Envelope { id, frame });
    }
    out.push(b'{');
    if let Some(id) = id {
        out.extend_from_slice(br#""id":"#);
        json::put_uint(out, id);
        out.push(b',');
    }
    json::put(out, frame.name());
    out.push(b':');
    put_raw(Codec::Json, frame, out);
    out.push(b'}');
}

/// Frames that hold an application's data, which goes out as it came in.
const fn has_raw_data(frame: &ServerFrame<'_>) -> bool {
    matches!(
        frame,
        ServerFrame::Result(_) | ServerFrame::Members(_) | ServerFrame::Changed(_) | ServerFrame::History(_)
    )
}

fn put_raw(codec: Codec, frame: &ServerFrame<'_>, out: &mut Vec<u8>) {
    match frame {
        ServerFrame::Result(data) => data.append(codec, out),
        ServerFrame::Members(members) => members.append(codec, out),
        ServerFrame::Changed(changed) => changed.append(codec, out),
        ServerFrame::History(told) => history::append(told, codec, out),
        _ => {}
    }
}

fn render_msgpack(id: Option<u64>, frame: &ServerFrame<'_>, out: &mut Vec<u8>) {
    if has_raw_data(frame) {
        msgpack::put_map(out, if id.is_some() { 2 } else { 1 });
        if let Some(id) = id {
            msgpack::put_str(out, "id");
            msgpack::put_uint(out, id);
        }
        msgpack::put_str(out, frame.name());
        put_raw(Codec::Msgpack, frame, out);
        return;
    }
    let mut serializer = rmp_serde::Serializer::new(out).with_struct_map();
    Envelope { id, frame }.serialize(&mut serializer).expect("writing a frame to memory does not fail");
}

/// `{ "id": …, "name": { … } }`.
struct Envelope<'a, 'f> {
    id: Option<u64>,
    frame: &'a ServerFrame<'f>,
}

#[derive(Serialize)]
struct Nothing {}

impl Serialize for Envelope<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + usize::from(self.id.is_some())))?;
        if let Some(id) = self.id {
            map.serialize_entry("id", &id)?;
        }
        let name = self.frame.name();
        match self.frame {
            ServerFrame::Connected(body) => map.serialize_entry(name, body)?,
            ServerFrame::Refreshed(body) => map.serialize_entry(name, body)?,
            ServerFrame::Expiring(body) => map.serialize_entry(name, body)?,
            ServerFrame::Subscribed(body) => map.serialize_entry(name, body)?,
            ServerFrame::Unsubscribed(body) => map.serialize_entry(name, body)?,
            ServerFrame::Published(body) => map.serialize_entry(name, body)?,
            ServerFrame::Sent(body) => map.serialize_entry(name, body)?,
            ServerFrame::Gap(body) => map.serialize_entry(name, body)?,
            ServerFrame::Error(body) => map.serialize_entry(name, body)?,
            ServerFrame::Close(body) => map.serialize_entry(name, body)?,
            ServerFrame::Presence(body) | ServerFrame::Status(body) => map.serialize_entry(name, body)?,
            ServerFrame::Watching(body) => map.serialize_entry(name, body)?,
            ServerFrame::Unwatched(body) => map.serialize_entry(name, body)?,
            ServerFrame::Info(body) => map.serialize_entry(name, body)?,
            ServerFrame::Pong | ServerFrame::Ping => map.serialize_entry(name, &Nothing {})?,
            ServerFrame::Result(_) | ServerFrame::Members(_) | ServerFrame::Changed(_) | ServerFrame::History(_) => {
                unreachable!("what holds raw data is written by hand")
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests;

//! What a server sends, byte for byte as the vectors of `conformance/server` and `conformance/wire.json` say, and read
//! back by readers that are not ours.

mod support;

use serde_json::{Value, json};
use std::io::{Read, Write};
use support::{bytes, expanded, name, text, vectors};
use tidings_proto::code::Code;
use tidings_proto::frame::{
    Close, Connected, EntryFrame, Expiring, Failure, Gap, GapReason, History, Inbox, LeftReason, Level, Missing,
    Published, Recovered, Refreshed, Sent, ServerFrame, Subscribed, Told, ToldLimits, Unsubscribed, Unwatched,
    Watching,
};
use tidings_proto::id::{Position, StreamNumber};
use tidings_proto::members::{Change, Changed, Member, Members};
use tidings_proto::payload::{Codec, DataRef};
use tidings_proto::presence::{Reason, Status, StatusFrame};
use tidings_proto::wire::{self, WireForm};
use tungstenite::protocol::{Role, WebSocket};

const NAMES: [&str; 24] = [
    "connected",
    "refreshed",
    "expiring",
    "subscribed",
    "unsubscribed",
    "published",
    "sent",
    "result",
    "pong",
    "ping",
    "gap",
    "error",
    "close",
    "entry",
    "presence",
    "status",
    "watching",
    "unwatched",
    "info",
    "members",
    "joined",
    "left",
    "updated",
    "history",
];

/// The body of a frame, by its fields.
struct Body<'a>(&'a Value);

impl<'a> Body<'a> {
    fn text(&self, field: &str) -> &'a str {
        self.0[field].as_str().unwrap_or_else(|| panic!("{field} of {}", self.0))
    }

    fn number(&self, field: &str) -> u64 {
        self.0[field].as_u64().unwrap_or_else(|| panic!("{field} of {}", self.0))
    }

    fn size(&self, field: &str) -> usize {
        usize::try_from(self.number(field)).unwrap()
    }

    fn stream(&self) -> StreamNumber {
        StreamNumber::try_from(self.number("stream")).unwrap()
    }
}

fn connected<'a>(body: &Body<'a>) -> Connected<'a> {
    let (inbox, limits) = (Body(&body.0["inbox"]), Body(&body.0["limits"]));
    Connected {
        session: body.text("session").parse().unwrap(),
        secret: body.text("secret").parse().unwrap(),
        resumed: body.0["resumed"].as_bool().unwrap(),
        resume_ms: body.number("resume_ms"),
        expires_in_ms: body.0["expires_in_ms"].as_u64(),
        user: body.text("user"),
        inbox: Inbox {
            stream: inbox.stream(),
            epoch: inbox.text("epoch").parse().unwrap(),
            offset: inbox.number("offset"),
            delivered: inbox.number("delivered"),
            read: inbox.number("read"),
            recovered: recovered(&inbox),
        },
        ping_ms: body.number("ping_ms"),
        limits: ToldLimits {
            message_bytes_max: limits.size("message_bytes_max"),
            subscriptions_max: limits.size("subscriptions_max"),
            messages_per_minute: u32::try_from(limits.number("messages_per_minute")).unwrap(),
        },
    }
}

fn recovered(body: &Body<'_>) -> Recovered {
    match body.text("recovered") {
        "complete" => Recovered::Complete,
        "gap" => Recovered::Gap,
        "none" => Recovered::None,
        other => panic!("{other}"),
    }
}

fn level(body: &Body<'_>) -> Level {
    match body.text("level") {
        "accepted" => Level::Accepted,
        "stored" => Level::Stored,
        other => panic!("{other}"),
    }
}

fn subscribed<'a>(body: &Body<'a>) -> Subscribed<'a> {
    let (epoch, recovered) = (body.text("epoch").parse().unwrap(), recovered(body));
    Subscribed { channel: body.text("channel"), stream: body.stream(), epoch, offset: body.number("offset"), recovered }
}

fn reason(body: &Body<'_>) -> GapReason {
    match body.text("reason") {
        "expired" => GapReason::Expired,
        "epoch" => GapReason::Epoch,
        "future" => GapReason::Future,
        "lost" => GapReason::Lost,
        other => panic!("{other}"),
    }
}

fn gap(body: &Body<'_>) -> Gap {
    Gap { stream: body.stream(), from: body.number("from"), to: body.number("to"), reason: reason(body) }
}

/// Renders a `history`, whose entries' data are read as JSON.
fn render_history(form: WireForm, id: Option<u64>, body: &Body<'_>, out: &mut Vec<u8>) {
    let listed = |field: &str| body.0[field].as_array().into_iter().flatten();
    let data: Vec<String> = listed("entries").map(|entry| entry["data"].to_string()).collect();
    let entries: Vec<_> = listed("entries")
        .map(Body)
        .zip(&data)
        .map(|(entry, data)| EntryFrame {
            stream: 7,
            offset: entry.number("offset"),
            event: entry.text("event"),
            data: DataRef::parse(Codec::Json, data.as_bytes()).unwrap(),
            from: entry.0["from"].as_str(),
            at: entry.number("at"),
        })
        .collect();
    let missing = |gap: Body<'_>| Missing { from: gap.number("from"), to: gap.number("to"), reason: reason(&gap) };
    let gaps: Vec<_> = listed("gaps").map(Body).map(missing).collect();
    let epoch = body.0["epoch"].as_str().map(|epoch| epoch.parse().unwrap());
    let history = History {
        channel: body.0["channel"].as_str(),
        position: epoch.map(|epoch| Position { epoch, offset: body.number("offset") }),
        first: body.number("first"),
        from: body.number("from"),
        to: body.number("to"),
        entries: &entries,
        gaps: &gaps,
        more: body.0["more"].as_bool().unwrap(),
    };
    wire::render(form, id, &ServerFrame::History(history), out);
}

fn failure<'a>(body: &Body<'a>) -> Failure<'a> {
    let code = Code::from_number(u16::try_from(body.number("code")).unwrap()).unwrap();
    Failure { code, message: body.text("message"), retry_after_ms: body.0["retry_after_ms"].as_u64() }
}

fn close<'a>(body: &Body<'a>) -> Close<'a> {
    let code = u16::try_from(body.number("code")).unwrap();
    Close { code, reason: body.text("reason"), retry_after_ms: body.0["retry_after_ms"].as_u64() }
}

fn unsubscribed<'a>(body: &Body<'a>) -> Unsubscribed<'a> {
    let reason = body.0["reason"].as_str().map(|reason| match reason {
        "forbidden" => LeftReason::Forbidden,
        other => panic!("{other}"),
    });
    Unsubscribed { channel: body.text("channel"), reason }
}

fn published(body: &Body<'_>) -> Published {
    let epoch = body.text("epoch").parse().unwrap();
    Published { stream: body.stream(), epoch, offset: body.number("offset"), level: level(body) }
}

fn status<'a>(body: &Body<'a>) -> StatusFrame<'a> {
    StatusFrame {
        user: body.text("user"),
        status: Status::from_name(body.text("status")).unwrap(),
        since: body.0["since"].as_u64(),
        reason: Reason::from_name(body.text("reason")).unwrap(),
        last_seen: body.0["last_seen"].as_u64(),
        text: body.0["text"].as_str(),
    }
}

/// The data that members carry, as JSON.
fn infos(body: &Body<'_>) -> Vec<Option<String>> {
    let members = body.0["members"].as_array().unwrap().iter();
    members.map(|member| member.get("info").map(Value::to_string)).collect()
}

fn members<'a>(body: &Body<'a>, infos: &'a [Option<String>]) -> Vec<Member<'a>> {
    let members = body.0["members"].as_array().unwrap().iter().map(Body).zip(infos);
    let members = members.map(|(member, info)| Member {
        user: member.text("user"),
        info: info.as_ref().map(|info| DataRef::parse(Codec::Json, info.as_bytes()).unwrap()),
        at: member.number("at"),
        reason: member.0["reason"].as_str().map(|reason| Reason::from_name(reason).unwrap()),
    });
    members.collect()
}

/// Renders the frame that a vector means. `data` is what it carries.
fn rendered(form: WireForm, meaning: &Value, data: DataRef<'_>) -> Vec<u8> {
    let frame = meaning.as_object().unwrap();
    let (name, body) = frame.iter().find(|(name, _)| *name != "id").unwrap();
    let (id, body, mut out) = (meaning["id"].as_u64(), Body(body), Vec::new());
    let frame = match &**name {
        "connected" => ServerFrame::Connected(connected(&body)),
        "subscribed" => ServerFrame::Subscribed(subscribed(&body)),
        "unsubscribed" => ServerFrame::Unsubscribed(unsubscribed(&body)),
        "refreshed" => ServerFrame::Refreshed(Refreshed { expires_in_ms: body.0["expires_in_ms"].as_u64() }),
        "expiring" => ServerFrame::Expiring(Expiring { in_ms: body.number("in_ms") }),
        "published" => ServerFrame::Published(published(&body)),
        "sent" => ServerFrame::Sent(Sent { sessions: body.size("sessions"), level: level(&body) }),
        "result" => ServerFrame::Result(data),
        "pong" => ServerFrame::Pong,
        "ping" => ServerFrame::Ping,
        "gap" => ServerFrame::Gap(gap(&body)),
        "error" => ServerFrame::Error(failure(&body)),
        "close" => ServerFrame::Close(close(&body)),
        "presence" => ServerFrame::Presence(status(&body)),
        "status" => ServerFrame::Status(status(&body)),
        "watching" => {
            let refused: Vec<&str> =
                body.0["refused"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let frame = ServerFrame::Watching(Watching { watched: body.size("watched"), refused: &refused });
            wire::render(form, id, &frame, &mut out);
            return out;
        }
        "history" => {
            render_history(form, id, &body, &mut out);
            return out;
        }
        "unwatched" => ServerFrame::Unwatched(Unwatched { watched: body.size("watched") }),
        "info" => ServerFrame::Info(Told { channel: body.text("channel") }),
        "members" | "joined" | "left" | "updated" => {
            let infos = infos(&body);
            let members = members(&body, &infos);
            let (channel, count) = (body.text("channel"), body.size("count"));
            let change = [Change::Joined, Change::Left, Change::Updated].into_iter().find(|one| one.name() == name);
            let frame = match change {
                Some(change) => ServerFrame::Changed(Changed { change, channel, count, members }),
                None => {
                    let complete = body.0["complete"].as_bool().unwrap();
                    ServerFrame::Members(Members { channel, count, complete, members })
                }
            };
            assert_eq!(frame.name(), name);
            wire::render(form, id, &frame, &mut out);
            return out;
        }
        "entry" => {
            let (stream, at) = (body.stream(), body.number("at"));
            // No place in the stream.
            let offset = body.0.get("offset").map_or(0, |_| body.number("offset"));
            let (event, from) = (body.text("event"), body.0["from"].as_str());
            wire::render_entry(form, &EntryFrame { stream, offset, event, data, from, at }, &mut out);
            return out;
        }
        other => panic!("{other} is no frame of the server"),
    };
    assert_eq!(frame.name(), name);
    wire::render(form, id, &frame, &mut out);
    out
}

/// The frame alone: JSON lines without the end of the line, MessagePack out of its WebSocket frame.
fn encoded(codec: Codec, meaning: &Value, data: DataRef<'_>) -> Vec<u8> {
    match codec {
        Codec::Json => {
            let mut line = rendered(WireForm::JsonLines, meaning, data);
            assert_eq!(line.pop(), Some(b'\n'));
            line
        }
        Codec::Msgpack => {
            let messages = foreign(rendered(WireForm::WebSocketMsgpack, meaning, data));
            messages.into_iter().find(tungstenite::Message::is_binary).unwrap().into_data().to_vec()
        }
    }
}

/// The bytes of a server, as a client's socket has them.
struct Received(std::io::Cursor<Vec<u8>>);

impl Read for Received {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(out)
    }
}

impl Write for Received {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What tungstenite reads.
fn foreign(bytes: Vec<u8>) -> Vec<tungstenite::Message> {
    let mut socket = WebSocket::from_raw_socket(Received(std::io::Cursor::new(bytes)), Role::Client, None);
    let mut messages = Vec::new();
    loop {
        match socket.read() {
            Ok(message) => messages.push(message),
            // The stream of bytes ends without a handshake of closing, or after one.
            Err(tungstenite::Error::ConnectionClosed | tungstenite::Error::Protocol(_)) => return messages,
            Err(tungstenite::Error::Io(_)) => return messages,
            Err(error) => panic!("{error}"),
        }
    }
}

fn value(codec: Codec, bytes: &[u8]) -> Value {
    match codec {
        Codec::Json => serde_json::from_slice(bytes).unwrap(),
        Codec::Msgpack => rmp_serde::from_slice(bytes).unwrap(),
    }
}

/// The data of a vector as each codec has it; null for frames without any.
fn carried(vector: &Value) -> [(Codec, Vec<u8>); 2] {
    match vector.get("data") {
        None => [(Codec::Json, b"null".to_vec()), (Codec::Msgpack, vec![0xc0])],
        Some(data) => [(Codec::Json, text(&data["json"]).into_bytes()), (Codec::Msgpack, bytes(&data["msgpack"]))],
    }
}

#[test]
fn frames_are_written_byte_for_byte() {
    for file in NAMES {
        for vector in vectors(&format!("server/{file}.json")) {
            let meaning = expanded(&vector["frame"]);
            for (from, data) in carried(&vector) {
                let data = DataRef::parse(from, &data).unwrap();
                let json = encoded(Codec::Json, &meaning, data);
                assert_eq!(String::from_utf8(json).unwrap(), text(&vector["json"]), "{file}, {}", name(&vector));
                let packed = encoded(Codec::Msgpack, &meaning, data);
                assert_eq!(packed, bytes(&vector["msgpack"]), "{file}, {}", name(&vector));
            }
            assert_eq!(value(Codec::Json, text(&vector["json"]).as_bytes()), meaning, "{file}, {}", name(&vector));
            assert_eq!(value(Codec::Msgpack, &bytes(&vector["msgpack"])), meaning, "{file}, {}", name(&vector));
        }
    }
}

#[test]
fn frames_of_a_later_server_can_be_read() {
    for vector in vectors("server/later.json") {
        let json = value(Codec::Json, text(&vector["json"]).as_bytes());
        assert_eq!(json, value(Codec::Msgpack, &bytes(&vector["msgpack"])), "{}", name(&vector));
        let known = NAMES.iter().any(|name| json.get(name).is_some());
        assert_eq!(known, !vector["frame"].is_null(), "{}", name(&vector));
    }
}

fn form(vector: &Value) -> WireForm {
    match vector["form"].as_str().unwrap() {
        "websocket-json" => WireForm::WebSocketJson,
        "websocket-msgpack" => WireForm::WebSocketMsgpack,
        "json-lines" => WireForm::JsonLines,
        "sse" => WireForm::Sse,
        other => panic!("{other}"),
    }
}

#[test]
fn wire_forms_have_their_headers() {
    for vector in vectors("wire.json") {
        let meaning = expanded(&vector["frame"]);
        let data = meaning["entry"]["data"].to_string();
        let data = DataRef::parse(Codec::Json, data.as_bytes()).unwrap();
        let found = rendered(form(&vector), &meaning, data);
        assert!(found == bytes(&vector["bytes"]), "{}: {:x?}", name(&vector), &found[..found.len().min(400)]);
    }
}

/// Holds one event against its meaning, read as the HTML standard says (9.2.6).
fn read_event(event: &str, meaning: &Value) {
    let fields = event.strip_suffix("\n\n").unwrap();
    if fields == ":" {
        return assert_eq!(meaning, &json!({ "ping": {} }));
    }
    let (mut data, mut retry) = (None, Value::Null);
    for line in fields.split('\n') {
        match line.split_once(": ").unwrap() {
            ("data", value) => assert_eq!(data.replace(serde_json::from_str::<Value>(value).unwrap()), None),
            ("retry", value) => retry = value.parse::<u64>().unwrap().into(),
            (other, _) => panic!("{other}"),
        }
    }
    assert_eq!(data.as_ref(), Some(meaning));
    assert_eq!(retry, meaning["close"]["retry_after_ms"]);
}

#[test]
fn another_reader_reads_each_wire_form() {
    for vector in vectors("wire.json") {
        let (meaning, sent) = (expanded(&vector["frame"]), bytes(&vector["bytes"]));
        if form(&vector) == WireForm::JsonLines {
            assert_eq!(value(Codec::Json, &sent), meaning, "{}", name(&vector));
            continue;
        }
        if form(&vector) == WireForm::Sse {
            read_event(&String::from_utf8(sent).unwrap(), &meaning);
            continue;
        }
        let mut messages = foreign(sent).into_iter();
        if meaning.get("ping").is_some() {
            assert!(messages.next().is_some_and(|message| message.is_ping()), "{}", name(&vector));
        }
        let message = messages.next().unwrap();
        let codec = form(&vector).codec();
        assert_eq!(message.is_text(), codec == Codec::Json, "{}", name(&vector));
        assert_eq!(value(codec, &message.into_data()), meaning, "{}", name(&vector));
        let closed = messages.next().map(|message| match message {
            tungstenite::Message::Close(Some(frame)) => json!([u16::from(frame.code), frame.reason.as_str()]),
            other => panic!("{}: {other:?}", name(&vector)),
        });
        let told = meaning.get("close").map(|close| &close["code"]);
        assert_eq!(closed.as_ref().map(|closed| &closed[0]), told, "{}", name(&vector));
    }
}

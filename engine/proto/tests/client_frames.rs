//! What a client sends, read as the vectors of `conformance/client` say.

mod support;

use serde_json::{Map, Value, json};
use support::{bytes, expanded, name, text, vectors};
use tidings_proto::command::{ClientFrame, Command, History, Mark, Narrowed, Resume, Wait};
use tidings_proto::decode::{self, DecodeError};
use tidings_proto::id::Position;
use tidings_proto::payload::{Codec, DataRef};
use tidings_proto::presence::{Chosen, Present};

fn data(data: Option<DataRef<'_>>) -> Value {
    let Some(data) = data else { return Value::Null };
    match data.codec() {
        Codec::Json => serde_json::from_slice(data.bytes()).unwrap(),
        Codec::Msgpack => rmp_serde::from_slice(data.bytes()).unwrap(),
    }
}

fn wait(wait: Wait) -> &'static str {
    match wait {
        Wait::Accepted => "accepted",
        Wait::Stored => "stored",
    }
}

fn class(class: Narrowed) -> Option<&'static str> {
    match class {
        Narrowed::No => None,
        Narrowed::Ephemeral => Some("ephemeral"),
    }
}

fn position(position: Option<Position>) -> Value {
    serde_json::to_value(position).unwrap()
}

fn resume(resume: &Resume<'_>) -> Value {
    let positions = resume.positions.iter().map(|position| match (&position.channel, position.inbox) {
        (Some(channel), false) => json!({ "channel": channel, "epoch": position.epoch, "offset": position.offset }),
        (None, true) => json!({ "inbox": true, "epoch": position.epoch, "offset": position.offset }),
        other => panic!("{other:?} is no stream"),
    });
    json!({ "session": resume.session, "secret": resume.secret, "positions": positions.collect::<Vec<_>>() })
}

fn present(present: &Present<'_>) -> Value {
    let status = present.status.map(|status| match status {
        Chosen::Online => "online",
        Chosen::Away => "away",
        Chosen::Busy => "busy",
        Chosen::Invisible => "invisible",
    });
    let mut body = json!({ "status": status, "text": present.text });
    body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    body
}

fn history(body: &History<'_>) -> Value {
    let inbox = body.channel.is_none().then_some(true);
    let (since, before) = (position(body.since), position(body.before));
    json!({ "channel": body.channel, "inbox": inbox, "since": since, "before": before, "limit": body.limit })
}

fn mark(mark: Mark) -> Value {
    json!({ "stream": mark.stream, "offset": mark.offset })
}

/// A frame as the vectors tell it.
fn meaning(frame: &ClientFrame<'_>) -> Value {
    let (command, body) = match &frame.command {
        Command::Connect(body) => {
            let (since, resume) = (position(body.since), body.resume.as_ref().map(resume));
            let (token, device, presence) = (&body.token, &body.device, body.presence.as_ref().map(present));
            let body =
                json!({ "token": token, "device": device, "since": since, "resume": resume, "presence": presence });
            ("connect", body)
        }
        Command::Subscribe(body) => {
            let info = body.info.map(|info| data(Some(info)));
            (
                "subscribe",
                json!({ "channel": body.channel, "since": position(body.since), "presence": body.presence,
                "info": info }),
            )
        }
        Command::Presence(body) => ("presence", present(body)),
        Command::Activity(body) => ("activity", json!({ "active": body.active })),
        Command::Watch(body) => ("watch", json!({ "users": body.users })),
        Command::Unwatch(body) => ("unwatch", json!({ "users": body.users })),
        Command::Members(body) => ("members", json!({ "channel": body.channel, "list": body.list })),
        Command::Info(body) => {
            let info = body.info.map(|info| data(Some(info)));
            ("info", json!({ "channel": body.channel, "info": info }))
        }
        Command::History(body) => ("history", history(body)),
        Command::Refresh(body) => ("refresh", json!({ "token": body.token })),
        Command::Unsubscribe(body) => ("unsubscribe", json!({ "channel": body.channel })),
        Command::Publish(body) => {
            let (channel, event, key) = (&body.channel, &body.event, &body.key);
            (
                "publish",
                json!({ "channel": channel, "event": event, "key": key, "wait": wait(body.wait),
                "idempotency_key": body.idempotency_key, "class": class(body.class) }),
            )
        }
        Command::Send(body) => {
            let (user, namespace, event) = (&body.user, &body.namespace, &body.event);
            (
                "send",
                json!({ "user": user, "namespace": namespace, "event": event, "wait": wait(body.wait),
                "idempotency_key": body.idempotency_key, "class": class(body.class) }),
            )
        }
        Command::Call(body) => ("call", json!({ "method": body.method })),
        Command::Ack(body) => ("ack", mark(*body)),
        Command::Read(body) => ("read", mark(*body)),
        Command::Ping => ("ping", json!({})),
        Command::Pong => ("pong", json!({})),
        other => panic!("{other:?} has no vectors"),
    };
    let mut body: Map<_, _> = body.as_object().unwrap().clone();
    body.retain(|_, value| !value.is_null());
    let carried = match &frame.command {
        Command::Publish(body) => Some(body.data),
        Command::Send(body) => Some(body.data),
        Command::Call(body) => Some(body.data),
        _ => None,
    };
    if let Some(carried) = carried {
        body.insert("data".to_owned(), data(carried));
    }
    let mut whole = json!({ command: body });
    if let Some(id) = frame.id {
        whole["id"] = id.into();
    }
    whole
}

fn outcome(frame: &Result<ClientFrame<'_>, DecodeError>) -> Value {
    match frame {
        Ok(frame) => json!({ "frame": meaning(frame) }),
        Err(error) => {
            assert!((1..200).contains(&error.text.len()), "{error}");
            json!({ "error": { "id": error.id } })
        }
    }
}

fn outcomes(codec: Codec, message: &[u8]) -> Vec<Value> {
    decode::frames(codec, message).map(|frame| outcome(&frame)).collect()
}

/// The message of a vector in each codec that it has.
fn messages(vector: &Value) -> Vec<(Codec, Vec<u8>)> {
    let json = vector.get("json").map(|json| (Codec::Json, text(json).into_bytes()));
    let json_hex = vector.get("json_hex").map(|hex| (Codec::Json, bytes(hex)));
    let msgpack = vector.get("msgpack").map(|hex| (Codec::Msgpack, bytes(hex)));
    let messages: Vec<_> = json.into_iter().chain(json_hex).chain(msgpack).collect();
    assert!(!messages.is_empty(), "{vector}");
    messages
}

const COMMANDS: [&str; 18] = [
    "connect",
    "refresh",
    "subscribe",
    "unsubscribe",
    "publish",
    "send",
    "call",
    "ack",
    "read",
    "ping",
    "pong",
    "presence",
    "activity",
    "watch",
    "unwatch",
    "members",
    "info",
    "history",
];

#[test]
fn valid_frames_say_what_they_say() {
    for command in COMMANDS {
        for vector in vectors(&format!("client/{command}.json")) {
            let expected = [json!({ "frame": expanded(&vector["frame"]) })];
            let messages = messages(&vector);
            assert_eq!(messages.len(), 2, "{command}, {}: both codecs", name(&vector));
            for (codec, message) in messages {
                assert_eq!(outcomes(codec, &message), expected, "{command}, {} ({codec:?})", name(&vector));
            }
        }
    }
}

/// The outcome of a vector, repeated ones written out.
fn expected_outcomes(vector: &Value) -> Vec<Value> {
    let listed = vector["outcome"].as_array().unwrap();
    let times = |one: &Value| usize::try_from(one["times"].as_u64().unwrap()).unwrap();
    listed
        .iter()
        .flat_map(|one| match one.get("repeat") {
            Some(repeated) => vec![repeated.clone(); times(one)],
            None => vec![one.clone()],
        })
        .collect()
}

fn check_outcomes(file: &str) {
    for vector in vectors(file) {
        for (codec, message) in messages(&vector) {
            assert_eq!(outcomes(codec, &message), expected_outcomes(&vector), "{} ({codec:?})", name(&vector));
        }
    }
}

#[test]
fn messages_are_taken_apart() {
    check_outcomes("client/messages.json");
}

const INVALID: [&str; 3] = ["client/invalid.json", "client/invalid-json.json", "client/invalid-msgpack.json"];

#[test]
fn invalid_frames_are_errors_with_their_id_where_there_is_one() {
    INVALID.into_iter().for_each(check_outcomes);
}

/// The deepest vectors are 100,000 levels deep; a walk that follows them would need many megabytes.
#[test]
fn a_small_stack_is_enough() {
    let walk = || {
        INVALID
            .into_iter()
            .chain(["client/connect.json", "client/publish.json", "client/messages.json"])
            .for_each(walk_all)
    };
    std::thread::Builder::new().stack_size(256 * 1024).spawn(walk).unwrap().join().unwrap();
}

fn walk_all(file: &str) {
    for (codec, message) in vectors(file).iter().flat_map(messages) {
        for frame in decode::frames(codec, &message) {
            let _ = frame.map_err(|error| error.to_string());
        }
    }
}

/// Address space that was ever reserved, in KiB.
#[cfg(target_os = "linux")]
fn reserved_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_reserved_for_what_was_only_announced() {
    let vectors = vectors("client/invalid-msgpack.json");
    let liars: Vec<_> = vectors.iter().filter(|vector| name(vector).contains("4 GiB")).flat_map(messages).collect();
    assert!(liars.len() >= 10);
    let before = reserved_kib();
    for (codec, message) in &liars {
        assert!(decode::frames(*codec, message).any(|frame| frame.is_err()));
    }
    assert!(reserved_kib() - before < 512 * 1024, "address space grew by more than the other tests need");
}

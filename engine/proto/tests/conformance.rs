//! The vectors for names, patterns and data, and the two files that are written from this crate's own tables.
//!
//! `TIDINGS_WRITE_VECTORS=1 cargo test -p tidings-proto --test conformance` writes those two anew.

mod support;

use serde_json::{Value, json};
use support::{bytes, name, text, vectors};
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::event::{is_event, is_method};
use tidings_proto::limit;
use tidings_proto::pattern::Pattern;
use tidings_proto::payload::{Codec, DataError, DataRef};
use tidings_proto::user::{is_device, is_user_id};

/// Writes a file, or compares it with what would be written.
fn keep(file: &str, about: &str, key: &str, rows: &[String]) {
    let rows: Vec<_> = rows.iter().map(|row| format!("    {row}")).collect();
    let content = format!("{{\n  \"about\": {},\n  \"{key}\": [\n{}\n  ]\n}}\n", json!(about), rows.join(",\n"));
    let path = support::folder().join(file);
    if std::env::var_os("TIDINGS_WRITE_VECTORS").is_some() {
        std::fs::write(&path, content).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, content, "{file} is out of date: run `cargo xtask vectors`");
}

#[test]
fn the_table_of_codes_is_up_to_date() {
    let row = |code: &Code| {
        let (number, name, retry, closes) = (code.number(), code.name(), code.retry(), code.closes());
        format!(r#"{{"number":{number},"name":"{name}","retry":{retry},"closes":{closes}}}"#)
    };
    let rows: Vec<_> = Code::ALL.iter().map(row).collect();
    keep("codes.json", "Every code: 2000-2999 answer a command, 3000-3999 close the connection.", "codes", &rows);
}

#[test]
fn the_table_of_limits_is_up_to_date() {
    let limits = [
        ("channel_bytes_max", limit::CHANNEL_BYTES_MAX),
        ("namespace_bytes_max", limit::NAMESPACE_BYTES_MAX),
        ("user_bytes_max", limit::USER_BYTES_MAX),
        ("device_bytes_max", limit::DEVICE_BYTES_MAX),
        ("event_bytes_max", limit::EVENT_BYTES_MAX),
        ("key_bytes_max", limit::KEY_BYTES_MAX),
        ("idempotency_key_bytes_max", limit::IDEMPOTENCY_KEY_BYTES_MAX),
        ("positions_max", limit::POSITIONS_MAX),
        ("users_max", limit::USERS_MAX),
        ("method_bytes_max", limit::METHOD_BYTES_MAX),
        ("token_bytes_max", limit::TOKEN_BYTES_MAX),
        ("data_depth_max", limit::DATA_DEPTH_MAX),
        ("frames_per_message_max", limit::FRAMES_PER_MESSAGE_MAX),
        ("close_reason_bytes_max", limit::CLOSE_REASON_BYTES_MAX),
        ("sse_channels_max", limit::SSE_CHANNELS_MAX),
        ("sse_positions_max", limit::SSE_POSITIONS_MAX),
    ];
    let declared: Vec<_> = include_str!("../src/limit.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ")?.split(':').next())
        .map(str::to_lowercase)
        .collect();
    assert_eq!(declared, limits.map(|(name, _)| name), "limit.rs and this test list the same limits");
    let rows = limits.map(|(name, value)| format!(r#"{{"name":"{name}","value":{value}}}"#));
    keep("limits.json", "The limits that are the same for every server.", "limits", &rows);
}

/// The text is written by hand; its tables must not fall behind those of the code.
#[test]
fn the_text_of_the_protocol_has_every_code_and_limit() {
    let path = support::folder().join("../docs/protocol.md");
    let protocol = std::fs::read_to_string(path).unwrap();
    for code in Code::ALL {
        let row = format!("| {} | `{}` | {} |", code.number(), code.name(), if code.retry() { "yes" } else { "no" });
        assert!(protocol.contains(&row), "docs/protocol.md has no row that begins with {row}");
    }
    let limits: Value =
        serde_json::from_str(&std::fs::read_to_string(support::folder().join("limits.json")).unwrap()).unwrap();
    for limit in limits["limits"].as_array().unwrap() {
        let value = limit["value"].as_u64().unwrap();
        let written = if value < 1_000 { value.to_string() } else { format!("{},{:03}", value / 1_000, value % 1_000) };
        let row = format!("| `{}` | {written} |", limit["name"].as_str().unwrap());
        assert!(protocol.contains(&row), "docs/protocol.md has no row {row}");
    }
}

#[test]
fn names_are_judged() {
    for vector in vectors("names.json") {
        let text = text(&vector["text"]);
        let valid = match vector["kind"].as_str().unwrap() {
            "channel" => ChannelName::parse(&text).is_ok(),
            "user" => is_user_id(&text),
            "device" => is_device(&text),
            "event" => is_event(&text),
            "method" => is_method(&text),
            other => panic!("{other}"),
        };
        assert_eq!(valid, vector["valid"], "{vector}");
    }
}

#[test]
fn patterns_cover_what_they_cover() {
    for vector in vectors("patterns.json") {
        let pattern = Pattern::new(&text(&vector["pattern"]));
        assert_eq!(pattern.covers(&text(&vector["text"])), vector["covers"], "{}", name(&vector));
    }
}

fn rewritten(from: Codec, data: &[u8], to: Codec, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    DataRef::parse(from, data).unwrap_or_else(|error| panic!("{name}: {error}")).append(to, &mut out);
    out
}

fn value(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap()
}

#[test]
fn data_is_the_same_in_both_codecs() {
    for vector in vectors("data/both-ways.json") {
        let (json, packed) = (text(&vector["json"]), bytes(&vector["msgpack"]));
        assert!(rewritten(Codec::Json, json.as_bytes(), Codec::Msgpack, name(&vector)) == packed, "{}", name(&vector));
        let back = rewritten(Codec::Msgpack, &packed, Codec::Json, name(&vector));
        assert!(back == json.as_bytes(), "{}: {}", name(&vector), String::from_utf8_lossy(&back));
    }
}

#[test]
fn data_becomes_messagepack() {
    for vector in vectors("data/to-msgpack.json") {
        let out = rewritten(Codec::Json, text(&vector["json"]).as_bytes(), Codec::Msgpack, name(&vector));
        assert_eq!(out, bytes(&vector["msgpack"]), "{}", name(&vector));
    }
}

#[test]
fn data_becomes_json() {
    for vector in vectors("data/to-json.json") {
        let out = rewritten(Codec::Msgpack, &bytes(&vector["msgpack"]), Codec::Json, name(&vector));
        assert_eq!(value(&out), value(text(&vector["json"]).as_bytes()), "{}", name(&vector));
    }
}

#[test]
fn data_that_breaks_a_rule_is_refused() {
    for vector in vectors("data/refused.json") {
        let found = match vector.get("json") {
            Some(json) => DataRef::parse(Codec::Json, text(json).as_bytes()).map(drop),
            None => DataRef::parse(Codec::Msgpack, &bytes(&vector["msgpack"])).map(drop),
        };
        let expected = match vector["error"].as_str().unwrap() {
            "syntax" => DataError::Syntax,
            "depth" => DataError::Depth,
            "duplicate_key" => DataError::DuplicateKey,
            "key" => DataError::Key,
            "number" => DataError::Number,
            "extension" => DataError::Extension,
            other => panic!("{other}"),
        };
        assert_eq!(found, Err(expected), "{}", name(&vector));
    }
}

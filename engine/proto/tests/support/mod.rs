//! Reading the vectors of `conformance/`. The form is described in its README.

#![allow(dead_code, reason = "each test binary uses a part of this")]

use serde_json::Value;
use std::path::PathBuf;

/// The folder of the vectors.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance")
}

/// The vectors of one file.
pub(crate) fn vectors(file: &str) -> Vec<Value> {
    let path = folder().join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut file: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let Value::Array(vectors) = file["vectors"].take() else { panic!("{} holds no vectors", path.display()) };
    assert!(!vectors.is_empty());
    vectors
}

/// The name of a vector, for messages.
pub(crate) fn name(vector: &Value) -> &str {
    vector["name"].as_str().expect("a vector has a name")
}

/// A text: a string, a repeated one, or several of them.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text).collect(),
        Value::Object(_) => repeated(value).expect("an object stands for a repeated text"),
        other => panic!("{other} is no text"),
    }
}

fn repeated(value: &Value) -> Option<String> {
    let object = value.as_object().filter(|object| object.len() == 2)?;
    let (what, times) = (object.get("repeat")?.as_str()?, object.get("times")?.as_u64()?);
    Some(what.repeat(usize::try_from(times).unwrap()))
}

/// Bytes, written as a text of hexadecimal digits.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    let digits = text(value).into_bytes();
    assert!(digits.len().is_multiple_of(2));
    let digit =
        |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).expect("hexadecimal");
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// What stands in an array: one meaning, or one that is repeated.
fn items(value: &Value) -> Vec<Value> {
    let times = |repeated: &Value| repeated["times"].as_u64().and_then(|times| usize::try_from(times).ok());
    match value.get("repeat").filter(|repeated| repeated.is_object()) {
        Some(repeated) => vec![expanded(repeated); times(value).expect("it is told how often")],
        None => vec![expanded(value)],
    }
}

/// A meaning, with what is repeated written out.
pub(crate) fn expanded(value: &Value) -> Value {
    if let Some(text) = repeated(value) {
        return text.into();
    }
    match value {
        Value::Array(listed) => listed.iter().flat_map(items).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), expanded(value))).collect(),
        other => other.clone(),
    }
}

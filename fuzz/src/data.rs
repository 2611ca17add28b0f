//! Application data: what is taken goes through the other codec and back, and is what other readers read.

use serde_json::Value;
use tidings_proto::payload::{Codec, DataRef};

/// The first byte chooses the codec, the others are the data.
pub fn run(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let codec = if first % 2 == 0 { Codec::Json } else { Codec::Msgpack };
    if let Ok(data) = DataRef::parse(codec, bytes) {
        both_ways(data);
        if codec == Codec::Json {
            let read: Value = serde_json::from_slice(bytes).expect("another reader takes what we take");
            let mut packed = Vec::new();
            data.append(Codec::Msgpack, &mut packed);
            let foreign: Value = rmp_serde::from_slice(&packed).expect("another reader takes what we wrote");
            // Numbers have many spellings, which the other reader tells apart.
            assert_eq!(shape(&foreign), shape(&read));
        }
    }
}

/// Data that was taken: each codec's form of it is taken too, and stays what it is from then on.
pub(crate) fn both_ways(data: DataRef<'_>) {
    let json = written(data, Codec::Json);
    let msgpack = written(data, Codec::Msgpack);
    assert!(!json.contains(&b'\n') && !json.contains(&b'\r'), "one line");
    let from_json = DataRef::parse(Codec::Json, &json).expect("what we write is taken");
    let from_msgpack = DataRef::parse(Codec::Msgpack, &msgpack).expect("what we write is taken");
    assert_eq!(written(from_json, Codec::Json), json);
    assert_eq!(written(from_msgpack, Codec::Msgpack), msgpack);
    if data.codec() == Codec::Json {
        // Its numbers are in one spelling after the first time.
        let again = written(from_msgpack, Codec::Json);
        let again = DataRef::parse(Codec::Json, &again).expect("what we write is taken");
        assert_eq!(written(again, Codec::Msgpack), msgpack);
    }
}

fn written(data: DataRef<'_>, codec: Codec) -> Vec<u8> {
    let mut out = Vec::new();
    data.append(codec, &mut out);
    out
}

/// A value without its numbers.
fn shape(value: &Value) -> Value {
    match value {
        Value::Number(_) => Value::from(0),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        other => other.clone(),
    }
}

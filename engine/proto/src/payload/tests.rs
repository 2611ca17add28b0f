use super::{Codec, Data, DataError, DataRef};
use bytes::Bytes;
use serde_json::{Value, json};

fn msgpack_of(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    DataRef::parse(Codec::Json, text.as_bytes()).unwrap().append(Codec::Msgpack, &mut out);
    out
}

#[test]
fn keys_keep_their_order_in_both_directions() {
    let text = r#"{"z":1,"a":[],"m":{"y":null,"b":true}}"#;
    let packed = msgpack_of(text);
    assert_eq!(packed, b"\x83\xa1z\x01\xa1a\x90\xa1m\x82\xa1y\xc0\xa1b\xc3");
    assert_eq!(Data::parse(Codec::Msgpack, Bytes::from(packed)).unwrap().to_json(), text);
}

/// Why such keys are refused: a host that reads data as a value would see another one than everybody else, which nobody checked.
#[test]
fn a_library_takes_some_keys_for_its_own() {
    let text = r#"{"$serde_json::private::RawValue":"{\"is_admin\":true,\"is_admin\":false}"}"#;
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), json!({"is_admin": false}));
}

#[test]
fn keys_that_a_library_takes_for_its_own_are_refused_wherever_they_stand() {
    for key in ["$serde_json::private::RawValue", "$serde_json::private::Number", "$serde_json::private::"] {
        for value in [json!({key: "1"}), json!([{"a": 1, key: "1"}]), json!({"a": {"b": [{key: []}]}})] {
            let packed = rmp_serde::to_vec(&value).unwrap();
            assert_eq!(Data::parse(Codec::Msgpack, Bytes::from(packed)), Err(DataError::Key), "{value}");
            let text = value.to_string();
            for text in [text.replace('$', "\\u0024"), text.replace("priv", "pri\\u0076"), text] {
                assert_eq!(Data::parse(Codec::Json, Bytes::from(text)), Err(DataError::Key), "{value}");
            }
            assert_eq!(Data::new(&value), Err(DataError::Key), "{value}");
        }
    }
    for fine in [r#"{"$serde_json":1,"private":2,"$serde_json::private:":3}"#, r#"["$serde_json::private::RawValue"]"#]
    {
        assert_eq!(Data::parse(Codec::Json, Bytes::from(fine)).unwrap().to_json(), fine);
    }
}

#[test]
fn floats_keep_their_last_bit() {
    for number in [0.1, 1.0 / 3.0, 5e-324, 2.225_073_858_507_201_4e-308, 1.797_693_134_862_315_7e308, 9.5e-7] {
        assert_eq!(msgpack_of(&format!("{number:e}"))[1..], f64::to_be_bytes(number));
    }
    assert_eq!(msgpack_of("-0"), [0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn integers_stay_integers_as_far_as_64_bits_go() {
    assert_eq!(msgpack_of("18446744073709551615")[0], 0xcf);
    assert_eq!(msgpack_of("-9223372036854775808")[0], 0xd3);
    assert_eq!(msgpack_of("18446744073709551616")[0], 0xcb);
    assert_eq!(msgpack_of("1.0")[0], 0xcb);
}

#[test]
fn containers_of_every_size_are_those_of_another_writer() {
    for count in [0, 15, 16, 65_535, 65_536] {
        let array = Value::from(vec![json!(["a"]); count]);
        let object: Value =
            (0..count).map(|key| (format!("{key:08}"), json!({}))).collect::<serde_json::Map<_, _>>().into();
        for value in [array, object] {
            assert!(msgpack_of(&value.to_string()) == rmp_serde::to_vec(&value).unwrap(), "{count}");
        }
    }
}

#[test]
fn binary_becomes_base64() {
    let data = Data::parse(Codec::Msgpack, Bytes::from_static(b"\x92\xc4\x04\xff\xfe\xfd\xfc\xc4\x00")).unwrap();
    assert_eq!(data.to_json(), r#"["//79/A==",""]"#);
}

#[test]
fn a_value_of_rust_makes_the_way() {
    let data = Data::new(&json!({"text": "hi", "n": [1, 2]})).unwrap();
    assert_eq!(data.to::<Value>().unwrap(), json!({"text": "hi", "n": [1, 2]}));
    assert_eq!(data.to::<u32>(), Err(DataError::Syntax));
    let packed = Data::parse(Codec::Msgpack, Bytes::from_static(b"\x93\x01\x02\x03")).unwrap();
    assert_eq!(packed.to::<Vec<u8>>().unwrap(), [1, 2, 3]);
    assert_eq!(Data::null().to_json(), "null");
}

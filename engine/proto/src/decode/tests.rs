use super::{DecodeError, frames};
use crate::command::{ClientFrame, Command};
use crate::limit::FRAMES_PER_MESSAGE_MAX;
use crate::payload::Codec;

fn one(codec: Codec, message: &[u8]) -> Result<ClientFrame<'_>, DecodeError> {
    let mut frames = frames(codec, message);
    let first = frames.next().expect("there is a frame");
    assert!(frames.next().is_none());
    first
}

fn data<'a>(frame: &ClientFrame<'a>) -> &'a [u8] {
    match &frame.command {
        Command::Call(call) => call.data.unwrap().bytes(),
        Command::Publish(publish) => publish.data.unwrap().bytes(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn data_is_a_slice_of_the_message() {
    let message = br#"{"id":1,"call":{"method":"m","data":{"b": [1.50,  2]}}}"#.to_vec();
    let frame = one(Codec::Json, &message).unwrap();
    assert_eq!(data(&frame), br#"{"b": [1.50,  2]}"#);
    assert!(message.as_ptr_range().contains(&data(&frame).as_ptr()));
}

#[test]
fn the_data_is_that_of_the_command() {
    let message = b"\x83\xa2id\x01\xa4call\x82\xa6method\xa1m\xa4data\x01\xa1x\x81\xa4data\x02";
    assert_eq!(data(&one(Codec::Msgpack, message).unwrap()), [1]);
    let before = b"\x83\xa1x\x81\xa4data\x02\xa4call\x82\xa4data\x01\xa6method\xa1m\xa2id\x01";
    assert_eq!(data(&one(Codec::Msgpack, before).unwrap()), [1]);
}

#[test]
fn an_object_is_not_an_array_and_a_string_not_binary() {
    for text in [
        r#"[1,{"token":"x"},null,null,null,null,null,null,null]"#,
        r#"{"id":1,"connect":["x","d"]}"#,
        r#"{"id":1,"subscribe":{"channel":"a:b","since":["0000000000000001",1]}}"#,
        r#"{"id":1,"publish":{"channel":"a:b","event":"e","wait":{"stored":null}}}"#,
        r#"{"id":1,"ping":1}"#,
    ] {
        assert!(one(Codec::Json, text.as_bytes()).is_err(), "{text}");
    }
    for bytes in [
        &b"\x82\xa2id\x01\xa7connect\x91\xa1x"[..],
        b"\x82\xa2id\x01\xa7connect\x81\xa5token\xc4\x01x",
        b"\x82\xa2id\x01\xa7connect\x81\x00\xa1x",
        b"\x82\x00\x01\xa7connect\x81\xa5token\xa1x",
        b"\x82\xa2id\x01\xa4ping\x90",
    ] {
        assert!(one(Codec::Msgpack, bytes).is_err(), "{bytes:x?}");
    }
}

#[test]
fn an_error_says_nothing_of_the_value_it_found() {
    let secret = "s3cret".repeat(10_000);
    let text = format!(r#"{{"id":7,"connect":"{secret}, expected {secret} at line 1"}}"#);
    let error = one(Codec::Json, text.as_bytes()).unwrap_err();
    assert_eq!((error.id, &*error.text), (Some(7), "expected an object"));
    let packed = [b"\x82\xa2id\x07\xa7connect\xda\x00\x06", &secret.as_bytes()[..6]].concat();
    let error = one(Codec::Msgpack, &packed).unwrap_err();
    assert_eq!((error.id, &*error.text), (Some(7), "expected an object"));
}

#[test]
fn an_id_is_recovered_if_there_is_one() {
    for (text, id) in [
        (r#"{"id":5,"publish":{"channel":1}}"#, Some(5)),
        (r#"{"publish":{"channel":1},"id":5}"#, Some(5)),
        (r#"{"id":5}"#, Some(5)),
        (r#"{"id":5,"id":5,"ping":{}}"#, None),
        (r#"{"id":-1,"ping":{}}"#, None),
        (r#"{"id":"5","ping":{}}"#, None),
        (r#"{"id":5,"publish":"#, None),
    ] {
        assert_eq!(one(Codec::Json, text.as_bytes()).unwrap_err().id, id, "{text}");
    }
    for (bytes, id) in [
        (&b"\x82\xa2id\x05\xa4call\x90"[..], Some(5)),
        (b"\x82\xa2id\xd3\0\0\0\0\0\0\0\x05\xa4call\x90", Some(5)),
        (b"\x82\xa4call\x90\xa2id\x05", Some(5)),
        (b"\x83\xa2id\x05\xa2id\x05\xa4ping\x80", None),
        (b"\x82\xa2id\xff\xa4ping\x80", None),
    ] {
        assert_eq!(one(Codec::Msgpack, bytes).unwrap_err().id, id, "{bytes:x?}");
    }
}

#[test]
fn what_follows_a_bad_frame_is_read() {
    let text = "{\"id\":1,\"ping\":{}}\n{\"id\":2,\"oops\":{}}\n\r\n  {\"pong\":{}} \r\n";
    let read: Vec<_> = frames(Codec::Json, text.as_bytes()).collect();
    assert!(matches!(read[0], Ok(ClientFrame { id: Some(1), command: Command::Ping })));
    assert!(matches!(read[1], Err(DecodeError { id: Some(2), last: false, .. })));
    assert!(matches!(read[2], Ok(ClientFrame { id: None, command: Command::Pong })));
    assert_eq!(read.len(), 3);
    let bytes =
        b"\x82\xa2id\x01\xa4ping\x80\x82\xa2id\x02\xa4call\x81\xa4data\xd4\x01\x00\x81\xa4pong\x80\x07\x81\xa4ping\x80";
    let read: Vec<_> = frames(Codec::Msgpack, bytes).collect();
    assert!(matches!(read[1], Err(DecodeError { id: Some(2), last: false, .. })));
    assert!(matches!(read[2], Ok(ClientFrame { id: None, command: Command::Pong })));
    assert!(matches!(read[3], Err(DecodeError { id: None, last: true, .. })));
    assert_eq!(read.len(), 4);
}

#[test]
fn a_message_holds_so_many_frames() {
    let pings = "{\"ping\":{}}\n".repeat(FRAMES_PER_MESSAGE_MAX + 9);
    assert_eq!(frames(Codec::Json, pings.as_bytes()).filter(Result::is_ok).count(), FRAMES_PER_MESSAGE_MAX);
    assert_eq!(frames(Codec::Json, pings.as_bytes()).count(), FRAMES_PER_MESSAGE_MAX + 1);
    let pings = b"\x81\xa4ping\x80".repeat(FRAMES_PER_MESSAGE_MAX);
    assert!(frames(Codec::Msgpack, &pings).all(|frame| frame.is_ok()));
    assert_eq!(frames(Codec::Json, b" \n\r\n\t").count(), 0);
}

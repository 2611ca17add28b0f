use super::{DecodeError, frames};
use crate::command::{ClientFrame, Command, Connect, Narrowed, Wait};
use crate::limit::{FRAMES_PER_MESSAGE_MAX, POSITIONS_MAX};
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

const SECRET: &str = "f0e1d2c3b4a5968778695a4b3c2d1e0f";

/// A `connect` that resumes, with its positions as they are given.
fn resume(secret: &str, positions: &str) -> String {
    let session = "000102030405060708090a0b0c0d0e0f";
    let resume = format!(r#"{{"session":"{session}","secret":"{secret}","positions":{positions}}}"#);
    format!(r#"{{"id":7,"connect":{{"token":"t","resume":{resume}}}}}"#)
}

fn connect(text: &str) -> Result<Connect<'_>, String> {
    match one(Codec::Json, text.as_bytes()).map_err(|error| error.text)?.command {
        Command::Connect(connect) => Ok(connect),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_secret_is_told_to_nobody() {
    let text = resume(SECRET, "[]");
    let shown = format!("{:?}", connect(&text).unwrap());
    assert!(shown.contains("secret: Secret") && !shown.contains(&SECRET[..8]), "{shown}");
    for secret in [&SECRET[1..], "f0e1d2c3b4a5968778695a4b3c2d1e0g", &SECRET.repeat(100), ", expected f0e1"] {
        let error = connect(&resume(secret, "[]")).unwrap_err();
        assert_eq!(error, "not the hexadecimal digits that the server gave");
    }
    let error = connect(&resume("", "[]").replace(r#""secret":"""#, r#""secret":["f0e1"]"#)).unwrap_err();
    assert_eq!(error, "expected a string");
}

#[test]
fn a_position_is_of_one_stream() {
    let of = |stream: &str| resume(SECRET, &format!(r#"[{{{stream}"epoch":"00000000000000ab","offset":1}}]"#));
    for stream in [r#""inbox":true,"#, r#""channel":"a:b","#, r#""channel":"a:b","inbox":false,"#] {
        assert!(connect(&of(stream)).is_ok(), "{stream}");
    }
    for stream in ["", r#""inbox":false,"#, r#""inbox":null,"#, r#""channel":"a:b","inbox":true,"#] {
        assert_eq!(connect(&of(stream)).unwrap_err(), "a position is of a `channel` or of the `inbox`", "{stream}");
    }
}

#[test]
fn so_many_positions_are_taken() {
    let position = r#"{"inbox":true,"epoch":"00000000000000ab","offset":1},"#;
    let text = |count: usize| resume(SECRET, &format!("[{}]", position.repeat(count).trim_end_matches(',')));
    let most = text(POSITIONS_MAX);
    assert_eq!(connect(&most).unwrap().resume.unwrap().positions.len(), POSITIONS_MAX);
    assert_eq!(connect(&text(POSITIONS_MAX + 1)).unwrap_err(), "more than 1024 objects in one array");
    assert_eq!(connect(&resume(SECRET, "{}")).unwrap_err(), "expected an array of objects");
}

#[test]
fn what_is_null_is_absent() {
    let text =
        r#"{"publish":{"channel":"a:b","event":"e","key":null,"idempotency_key":null,"class":null,"wait":null}}"#;
    let Command::Publish(publish) = one(Codec::Json, text.as_bytes()).unwrap().command else { panic!("{text}") };
    assert_eq!((publish.key, publish.idempotency_key), (None, None));
    assert_eq!((publish.class, publish.wait), (Narrowed::No, Wait::Accepted));
    let packed = b"\x81\xa4send\x84\xa4user\xa1u\xa9namespace\xa1n\xa5event\xa1e\xa4wait\xc0";
    let Command::Send(send) = one(Codec::Msgpack, packed).unwrap().command else { panic!("{packed:x?}") };
    assert_eq!(send.wait, Wait::Accepted);
    let text = resume(SECRET, r#"[{"channel":"a:b","inbox":null,"epoch":"00000000000000ab","offset":1}]"#);
    assert!(!connect(&text).unwrap().resume.unwrap().positions[0].inbox);
    let text = resume(SECRET, "null");
    assert!(connect(&text).unwrap().resume.unwrap().positions.is_empty());
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

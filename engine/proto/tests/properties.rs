//! What holds for any value and any bytes.

mod support;

use proptest::prelude::*;
use serde_json::{Value, json};
use support::{bytes, text, vectors};
use tidings_proto::channel::ChannelName;
use tidings_proto::command::{ClientFrame, Command, Mark, Narrowed, StreamPosition, Wait};
use tidings_proto::decode;
use tidings_proto::frame::EntryFrame;
use tidings_proto::id::{Epoch, Secret, SessionId};
use tidings_proto::limit::{FRAMES_PER_MESSAGE_MAX, POSITIONS_MAX};
use tidings_proto::payload::{Codec, DataRef};
use tidings_proto::wire::{self, WireForm};

const CODECS: [Codec; 2] = [Codec::Json, Codec::Msgpack];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-200_i16..200).prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "[\\x00-\\x1f\"\\\\/]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::from),
            prop::collection::btree_map(".{0,12}", inner, 0..20)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

fn rewritten(from: Codec, data: &[u8], to: Codec) -> Vec<u8> {
    let mut out = Vec::new();
    DataRef::parse(from, data).expect("valid data is taken").append(to, &mut out);
    out
}

fn data<'a>(frame: &ClientFrame<'a>) -> Option<&'a [u8]> {
    match &frame.command {
        Command::Publish(publish) => publish.data.map(DataRef::bytes),
        _ => None,
    }
}

/// Reads a message to its end. Whatever it is, that ends, panics nowhere, and each error says something.
fn read_all(codec: Codec, message: &[u8]) {
    let mut count = 0;
    for frame in decode::frames(codec, message) {
        count += 1;
        match frame {
            Ok(frame) => {
                if let Command::Connect(connect) = &frame.command {
                    let positions = connect.resume.iter().flat_map(|resume| &resume.positions);
                    assert!(positions.clone().all(|position| position.inbox == position.channel.is_none()));
                    assert!(positions.count() <= POSITIONS_MAX);
                }
                let _ = data(&frame).map(|bytes| rewritten(codec, bytes, Codec::Json));
                let _ = data(&frame).map(|bytes| rewritten(codec, bytes, Codec::Msgpack));
            }
            Err(error) => assert!((1..200).contains(&error.text.len()), "{error}"),
        }
    }
    assert!(count <= FRAMES_PER_MESSAGE_MAX + 1);
}

/// Every valid frame of the vectors.
fn seeds() -> Vec<(Codec, Vec<u8>)> {
    let files =
        ["connect", "refresh", "subscribe", "unsubscribe", "publish", "send", "call", "ack", "read", "ping", "pong"];
    let all = files.iter().chain(&["messages"]).flat_map(|file| vectors(&format!("client/{file}.json")));
    let both = all.flat_map(|vector| {
        let json = vector.get("json").map(|json| (Codec::Json, text(json).into_bytes()));
        let packed = vector.get("msgpack").map(|hex| (Codec::Msgpack, bytes(hex)));
        json.into_iter().chain(packed)
    });
    both.filter(|(_, message)| (1..2_000).contains(&message.len())).collect()
}

/// A value as each codec's other writer writes it.
fn messages(value: &Value) -> [(Codec, Vec<u8>); 2] {
    [(Codec::Json, value.to_string().into_bytes()), (Codec::Msgpack, rmp_serde::to_vec(value).unwrap())]
}

/// The one command of a message.
fn command(codec: Codec, message: &[u8]) -> Command<'_> {
    let mut frames = decode::frames(codec, message);
    let frame = frames.next().expect("there is a frame").unwrap_or_else(|error| panic!("{error}"));
    assert!(frames.next().is_none());
    frame.command
}

/// Names in what they may hold and what they may not: the decoder does not judge them.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,40}", "[!-~]{1,20}:[!-~]{1,20}", "[\\x00-\\x1f\"\\\\/]{0,8}"]
}

/// A position, as a client writes it.
fn any_position() -> impl Strategy<Value = Value> {
    (prop::option::of(any_text()), any::<u64>(), any::<u64>()).prop_map(|(channel, epoch, offset)| {
        let mut position = json!({ "epoch": Epoch(epoch), "offset": offset });
        match channel {
            Some(channel) => position["channel"] = channel.into(),
            None => position["inbox"] = true.into(),
        }
        position
    })
}

fn told(position: &StreamPosition<'_>) -> Value {
    let mut told = json!({ "epoch": position.epoch, "offset": position.offset });
    if let Some(channel) = &position.channel {
        told["channel"] = channel.as_ref().into();
    }
    if position.inbox {
        told["inbox"] = true.into();
    }
    told
}

/// What stands where an offset belongs and is none.
fn no_offset() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (i64::MIN..0).prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        "[0-9]{0,20}".prop_map(Value::from),
        Just(json!([1])),
        Just(json!({ "offset": 1 })),
    ]
}

/// A change to a message: at a place, some bytes go and others come.
type Change = (prop::sample::Index, usize, Vec<u8>);

fn changed(message: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut message = message.to_vec();
    for (at, gone, new) in changes {
        let at = at.index(message.len() + 1);
        let end = (at + gone).min(message.len());
        message.splice(at..end, new.iter().copied());
    }
    message
}

fn any_change() -> impl Strategy<Value = Change> {
    let bytes = prop::collection::vec(
        prop_oneof![any::<u8>(), prop::sample::select(&b"{}[]\":,0e-\\u\xa2id\x81\xdf\xff"[..])],
        0..4,
    );
    (any::<prop::sample::Index>(), 0_usize..4, bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn json_goes_through_messagepack_unharmed(value in any_json()) {
        let text = value.to_string();
        let packed = rewritten(Codec::Json, text.as_bytes(), Codec::Msgpack);
        let foreign: Value = rmp_serde::from_slice(&packed).unwrap();
        prop_assert_eq!(&foreign, &value, "as another reader sees it");
        prop_assert_eq!(&packed, &rmp_serde::to_vec(&value).unwrap(), "as another writer writes it");
        let back = rewritten(Codec::Msgpack, &packed, Codec::Json);
        prop_assert_eq!(String::from_utf8(back).unwrap(), text);
    }

    #[test]
    fn data_is_what_was_sent(value in any_json(), id in any::<Option<u64>>()) {
        let packed = rmp_serde::to_vec(&value).unwrap();
        let text = serde_json::to_string_pretty(&value).unwrap().replace('\n', " ");
        let id_text = id.map(|id| format!("\"id\":{id},")).unwrap_or_default();
        let json = format!("{{{id_text}\"publish\":{{\"channel\":\"a:b\",\"data\":{text},\"event\":\"e\"}}}}");
        let mut msgpack = vec![0x81 + u8::from(id.is_some())];
        if let Some(id) = id {
            msgpack.extend_from_slice(b"\xa2id");
            msgpack.extend(rmp_serde::to_vec(&id).unwrap());
        }
        msgpack.extend_from_slice(b"\xa7publish\x83\xa7channel\xa3a:b\xa4data");
        msgpack.extend_from_slice(&packed);
        msgpack.extend_from_slice(b"\xa5event\xa1e");
        let messages = [(Codec::Json, json.as_bytes(), text.as_bytes()), (Codec::Msgpack, &msgpack, &packed)];
        for (codec, message, sent) in messages {
            let frames: Vec<_> = decode::frames(codec, message).map(Result::unwrap).collect();
            prop_assert_eq!(frames.len(), 1);
            prop_assert_eq!(frames[0].id, id);
            prop_assert_eq!(data(&frames[0]), (!value.is_null()).then_some(sent));
        }
    }

    #[test]
    fn an_entry_is_read_by_others(
        value in any_json(), stream in any::<u32>(), offset in prop_oneof![Just(0), any::<u64>()], at in any::<u64>(),
        event in "[!-~]{1,64}", from in prop::option::of("\\PC{1,100}"),
    ) {
        let body = json!({ "stream": stream, "event": event, "data": value, "at": at });
        let mut expected = json!({ "entry": body });
        if offset > 0 {
            expected["entry"]["offset"] = offset.into();
        }
        if let Some(from) = &from {
            expected["entry"]["from"] = from.as_str().into();
        }
        let sent = [value.to_string().into_bytes(), rmp_serde::to_vec(&value).unwrap()];
        for (codec, sent) in CODECS.into_iter().zip(&sent) {
            let data = DataRef::parse(codec, sent).unwrap();
            let entry = EntryFrame { stream, offset, event: &event, data, from: from.as_deref(), at };
            for form in WireForm::ALL {
                let mut out = Vec::new();
                wire::render_entry(form, &entry, &mut out);
                let body = &out[header_bytes(form, &out)..];
                let read: Value = match form.codec() {
                    Codec::Json => serde_json::from_slice(body).unwrap(),
                    Codec::Msgpack => rmp_serde::from_slice(body).unwrap(),
                };
                prop_assert_eq!(&read, &expected);
            }
        }
    }

    #[test]
    fn any_text_is_judged(text in "\\PC{0,200}|.{0,8}|[0-9a-f]{30,34}") {
        let _ = ChannelName::parse(&text).map(|name| assert_eq!(name.as_str(), text));
        let _ = text.parse::<Epoch>().map(|epoch| assert!(epoch.to_string().eq_ignore_ascii_case(&text)));
        let _ = text.parse::<SessionId>().map(|id| assert!(id.to_string().eq_ignore_ascii_case(&text)));
        let _ = text.parse::<Secret>().map(|secret| assert!(secret.to_string().eq_ignore_ascii_case(&text)));
    }

    #[test]
    fn a_resume_is_what_was_sent(
        session in any::<u128>(), secret in any::<u128>(), since in prop::option::of((any::<u64>(), any::<u64>())),
        positions in prop::collection::vec(any_position(), 0..40),
    ) {
        let (session, secret) = (SessionId(session), Secret(secret));
        let since = since.map(|(epoch, offset)| json!({ "epoch": Epoch(epoch), "offset": offset }));
        let resume = json!({ "session": session, "secret": secret, "positions": positions });
        let sent = json!({ "connect": { "token": "t", "since": since, "resume": resume } });
        for (codec, message) in messages(&sent) {
            let Command::Connect(connect) = command(codec, &message) else { panic!("{sent}") };
            prop_assert_eq!(json!(connect.since), json!(since));
            let resume = connect.resume.unwrap();
            prop_assert_eq!(resume.session, session);
            prop_assert!(resume.secret.is(secret));
            prop_assert_eq!(resume.positions.iter().map(told).collect::<Vec<_>>(), positions.clone());
        }
    }

    #[test]
    fn one_bad_position_spoils_all(
        mut positions in prop::collection::vec(any_position(), 1..20), at in any::<prop::sample::Index>(),
        what in 0..6, offset in no_offset(), epoch in "[0-9a-g]{0,18}",
    ) {
        let bad = at.index(positions.len());
        let bad = &mut positions[bad];
        match what {
            0 => bad["offset"] = offset,
            1 => *bad = json!([bad["channel"], bad["inbox"], bad["epoch"], bad["offset"]]),
            2 => *bad = json!({ "epoch": bad["epoch"], "offset": bad["offset"] }),
            3 => *bad = json!({ "channel": "a:b", "inbox": true, "epoch": bad["epoch"], "offset": bad["offset"] }),
            4 => *bad = offset,
            _ => bad["epoch"] = epoch.parse::<Epoch>().map_or(epoch.into(), |_| Value::Null),
        }
        let resume = json!({ "session": SessionId(1), "secret": Secret(2), "positions": positions });
        let sent = json!({ "id": 7, "connect": { "token": "t", "resume": resume } });
        for (codec, message) in messages(&sent) {
            let frames: Vec<_> = decode::frames(codec, &message).collect();
            prop_assert_eq!(frames.len(), 1);
            prop_assert_eq!(frames[0].as_ref().map(drop).map_err(|error| error.id), Err(Some(7)), "{}", sent);
        }
    }

    #[test]
    fn a_mark_is_what_was_sent(stream in any::<u32>(), offset in any::<u64>(), read in any::<bool>()) {
        let name = if read { "read" } else { "ack" };
        for (codec, message) in messages(&json!({ name: { "stream": stream, "offset": offset } })) {
            let (mark, was_read) = match command(codec, &message) {
                Command::Ack(mark) => (mark, false),
                Command::Read(mark) => (mark, true),
                other => panic!("{other:?}"),
            };
            prop_assert_eq!((mark, was_read), (Mark { stream, offset }, read));
        }
    }

    #[test]
    fn no_mark_is_made_of_something_else(
        name in prop::sample::select(&["ack", "read"][..]), field in prop::sample::select(&["stream", "offset"][..]),
        value in no_offset(),
    ) {
        let mut body = json!({ "stream": 1, "offset": 1 });
        body[field] = value;
        for (codec, message) in messages(&json!({ "id": 7, name: body })) {
            let frames: Vec<_> = decode::frames(codec, &message).collect();
            prop_assert_eq!(frames.len(), 1);
            prop_assert_eq!(frames[0].as_ref().map(drop).map_err(|error| error.id), Err(Some(7)));
        }
    }

    #[test]
    fn a_publication_asks_for_what_was_sent(
        idempotency_key in prop::option::of(any_text()), narrowed in any::<bool>(), stored in prop::option::of(any::<bool>()),
        value in any_json(),
    ) {
        let class = if narrowed { Narrowed::Ephemeral } else { Narrowed::No };
        let wait = if stored == Some(true) { Wait::Stored } else { Wait::Accepted };
        let mut body = json!({
            "event": "e", "data": value, "idempotency_key": idempotency_key, "class": narrowed.then_some("ephemeral"),
            "wait": stored.map(|stored| if stored { "stored" } else { "accepted" }),
        });
        body["channel"] = "a:b".into();
        for (codec, message) in messages(&json!({ "publish": body })) {
            let Command::Publish(publish) = command(codec, &message) else { panic!("{body}") };
            prop_assert_eq!(publish.idempotency_key.as_deref(), idempotency_key.as_deref());
            prop_assert_eq!((publish.class, publish.wait), (class, wait));
        }
        (body["user"], body["namespace"]) = ("u".into(), "n".into());
        for (codec, message) in messages(&json!({ "send": body })) {
            let Command::Send(send) = command(codec, &message) else { panic!("{body}") };
            prop_assert_eq!(send.idempotency_key.as_deref(), idempotency_key.as_deref());
            prop_assert_eq!((send.class, send.wait), (class, wait));
        }
    }

    #[test]
    fn a_secret_is_itself_alone(one in any::<u128>(), bit in 0..128_u32) {
        prop_assert!(Secret(one).is(Secret(one)));
        prop_assert!(!Secret(one).is(Secret(one ^ (1 << bit))));
        prop_assert!(Secret(one).to_string().parse::<Secret>().is_ok_and(|read| read.is(Secret(one))));
        prop_assert_eq!(format!("{:?}", Secret(one)), "Secret");
    }
}

/// The length of what stands before a frame; of WebSocket's header (RFC 6455 section 5.2) after its length was found right.
fn header_bytes(form: WireForm, frame: &[u8]) -> usize {
    match form {
        WireForm::JsonLines => return 0,
        WireForm::Sse => return b"data: ".len(),
        WireForm::WebSocketJson | WireForm::WebSocketMsgpack => {}
    }
    let (header, length) = match frame[1] {
        126 => (4, u64::from(u16::from_be_bytes([frame[2], frame[3]]))),
        127 => (10, u64::from_be_bytes(frame[2..10].try_into().unwrap())),
        short => (2, u64::from(short)),
    };
    assert_eq!(length, (frame.len() - header) as u64);
    header
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_to_the_end(message in prop::collection::vec(any::<u8>(), 0..200)) {
        for codec in CODECS {
            read_all(codec, &message);
            if let Ok(data) = DataRef::parse(codec, &message) {
                for to in CODECS {
                    let out = rewritten(codec, data.bytes(), to);
                    prop_assert!(DataRef::parse(to, &out).is_ok(), "what is written can be read");
                }
            }
        }
    }

    #[test]
    fn changed_frames_are_read_to_the_end(
        seed in prop::sample::select(seeds()), changes in prop::collection::vec(any_change(), 1..4),
    ) {
        let (codec, message) = seed;
        read_all(codec, &changed(&message, &changes));
    }
}

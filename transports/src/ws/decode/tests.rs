use std::ops::ControlFlow;

use proptest::prelude::*;

use super::{Decoder, Partial};
use crate::{
    limits::Limits,
    ws::{incoming::Incoming, violation::Violation},
};

#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

impl From<Incoming<'_>> for Seen {
    fn from(incoming: Incoming<'_>) -> Self {
        match incoming {
            Incoming::Text(text) => Self::Text(text.to_owned()),
            Incoming::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Incoming::Ping(bytes) => Self::Ping(bytes.to_vec()),
            Incoming::Pong(bytes) => Self::Pong(bytes.to_vec()),
            Incoming::Close { code, reason } => Self::Close(code, reason.to_owned()),
        }
    }
}

/// A client's frame with the shortest length that holds it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut out = vec![first];
    match payload.len() {
        n @ 0..=125 => out.push(0x80 | n as u8),
        n @ 126..=0xffff => {
            out.push(0xfe);
            out.extend((n as u16).to_be_bytes());
        }
        n => {
            out.push(0xff);
            out.extend((n as u64).to_be_bytes());
        }
    }
    out.extend(mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

fn limits() -> Limits {
    Limits { message_bytes_max: 200_000, fragments_max: 16, ..Limits::default() }
}

struct Run {
    decoder: Decoder,
    seen: Vec<Seen>,
    now_ms: u64,
}

impl Run {
    fn new() -> Self {
        Self { decoder: Decoder::default(), seen: Vec::new(), now_ms: 0 }
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let mut input = bytes.to_vec();
        let seen = &mut self.seen;
        self.now_ms += 1;
        let decoded = self.decoder.decode(&mut input, &limits(), self.now_ms, &mut |incoming| {
            seen.push(Seen::from(incoming));
            ControlFlow::<()>::Continue(())
        })?;
        assert_eq!(decoded.used, bytes.len());
        Ok(())
    }
}

fn decode_in(pieces: &[&[u8]]) -> (Vec<Seen>, Result<(), Violation>) {
    let mut run = Run::new();
    for piece in pieces {
        if let Err(violation) = run.feed(piece) {
            return (run.seen, Err(violation));
        }
    }
    (run.seen, Ok(()))
}

fn violation(bytes: &[u8]) -> Violation {
    let whole = decode_in(&[bytes]).1.expect_err("breaks a rule");
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(decode_in(&single).1, Err(whole), "byte by byte it's the same");
    whole
}

#[test]
fn an_idle_decoder_takes_eight_bytes() {
    assert_eq!(size_of::<Decoder>(), 8);
    assert!(size_of::<Partial>() < 320);
}

#[test]
fn whole_frames_are_decoded_in_place() {
    let bytes = [frame(0x81, "hé".as_bytes()), frame(0x82, b"\0\xff"), frame(0x89, b"p"), frame(0x8a, b"")].concat();
    let mut run = Run::new();
    run.feed(&bytes).unwrap();
    assert!(run.decoder.state.is_none());
    assert_eq!(
        run.seen,
        [Seen::Text("hé".into()), Seen::Binary(vec![0, 255]), Seen::Ping(b"p".into()), Seen::Pong(vec![])]
    );
}

#[test]
fn fragments_with_control_frames_between_them_make_one_message() {
    let bytes = [
        frame(0x01, b"one "),
        frame(0x89, b"mid"),
        frame(0x00, b""),
        frame(0x8a, b"air"),
        frame(0x80, b"two"),
        frame(0x88, b""),
    ]
    .concat();
    let expected = [
        Seen::Ping(b"mid".into()),
        Seen::Pong(b"air".into()),
        Seen::Text("one two".into()),
        Seen::Close(None, String::new()),
    ];
    for size in 1..=bytes.len() {
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        assert_eq!(decode_in(&pieces), (expected.to_vec(), Ok(())));
    }
}

#[test]
fn a_sink_that_breaks_off_can_go_on_later() {
    let mut bytes = [frame(0x81, b"a"), frame(0x81, b"b")].concat();
    let mut decoder = Decoder::default();
    let first =
        decoder.decode(&mut bytes, &limits(), 0, &mut |incoming| ControlFlow::Break(Seen::from(incoming))).unwrap();
    assert_eq!(first.flow, ControlFlow::Break(Seen::Text("a".into())));
    let rest = &mut bytes[first.used..];
    let second = decoder.decode(rest, &limits(), 0, &mut |incoming| ControlFlow::Break(Seen::from(incoming))).unwrap();
    assert_eq!(second.flow, ControlFlow::Break(Seen::Text("b".into())));
    assert_eq!(second.used, rest.len());
}

#[test]
fn every_row_of_bad_frames_is_a_violation() {
    use Violation as V;
    assert_eq!(violation(&[0x81, 0x01, b'a']), V::Unmasked);
    assert_eq!(violation(&frame(0xc1, b"a")), V::ReservedBits);
    assert_eq!(violation(&frame(0x83, b"a")), V::UnknownOpcode);
    assert_eq!(violation(&frame(0x09, b"a")), V::ControlFragmented);
    assert_eq!(violation(&frame(0x89, &[0; 126])), V::ControlTooLong);
    assert_eq!(violation(&frame(0x80, b"a")), V::UnexpectedContinuation);
    assert_eq!(violation(&[frame(0x01, b"a"), frame(0x81, b"b")].concat()), V::InterleavedMessage);
    assert_eq!(violation(&[0x82, 0xfe, 0, 5]), V::LengthNotMinimal);
    assert_eq!(violation(&[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]), V::LengthTopBit);
    assert_eq!(violation(&frame(0x88, b"\x03")), V::CloseTooShort);
    assert_eq!(violation(&frame(0x88, &1005_u16.to_be_bytes())), V::CloseCode);
    assert_eq!(violation(&frame(0x88, b"\x03\xe8\xff")), V::CloseReason);
    assert_eq!(violation(&frame(0x81, b"a\xff")), V::BadUtf8);
    assert_eq!(violation(&frame(0x81, b"a\xe2\x82")), V::BadUtf8);
    assert_eq!(violation(&[0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0]), V::MessageTooLong);
    let empty = [frame(0x01, b""), frame(0x00, b"").repeat(16)].concat();
    assert_eq!(violation(&empty), V::TooManyFragments);
    for violation in [V::Unmasked, V::BadUtf8, V::TooManyFragments, V::MessageTooLong, V::CloseReason] {
        let expected = match violation {
            V::BadUtf8 | V::CloseReason => 1007,
            V::TooManyFragments => 1008,
            V::MessageTooLong => 1009,
            _ => 1002,
        };
        assert_eq!(violation.close_code(), expected);
        assert!(violation.reason().len() <= 123 && !violation.name().contains(' '));
    }
}

#[test]
fn what_came_before_a_violation_is_handed_out() {
    let bytes = [frame(0x81, b"good"), frame(0xc1, b"bad")].concat();
    assert_eq!(decode_in(&[&bytes]), (vec![Seen::Text("good".into())], Err(Violation::ReservedBits)));
}

#[test]
fn fragments_as_many_as_the_limit_pass_and_one_more_does_not() {
    let at_limit = [frame(0x01, b"a"), frame(0x00, b"a").repeat(14), frame(0x80, b"a")].concat();
    assert_eq!(decode_in(&[&at_limit]), (vec![Seen::Text("a".repeat(16))], Ok(())));
    let above = [frame(0x01, b"a"), frame(0x00, b"a").repeat(15), frame(0x80, b"a")].concat();
    assert_eq!(violation(&above), Violation::TooManyFragments);
}

#[test]
fn bad_text_is_told_with_the_first_byte_that_breaks_it() {
    // In one frame that is still arriving.
    let mut run = Run::new();
    let bytes = frame(0x81, b"abc\xe2\x28defghij");
    run.feed(&bytes[..10]).unwrap();
    assert_eq!(run.feed(&bytes[10..11]), Err(Violation::BadUtf8));
    // In a message whose fragments are still arriving, in the middle of a character.
    let mut run = Run::new();
    run.feed(&frame(0x01, b"\xe2\x82")).unwrap();
    assert_eq!(run.feed(&frame(0x00, b"\x28")), Err(Violation::BadUtf8));
    // A message must not end in the middle of one.
    let mut run = Run::new();
    run.feed(&frame(0x01, b"\xe2\x82")).unwrap();
    assert_eq!(run.feed(&frame(0x80, b"")), Err(Violation::BadUtf8));
}

#[test]
fn memory_follows_what_has_arrived() {
    let mut run = Run::new();
    let bytes = frame(0x82, &[7; 200_000]);
    run.feed(&bytes[..14]).unwrap();
    assert!(run.decoder.held_bytes() < 400, "the announced length takes nothing");
    let mut arrived = 0;
    for piece in bytes[14..].chunks(1_000) {
        run.feed(piece).unwrap();
        arrived += piece.len();
        assert!(run.decoder.held_bytes() <= 2 * arrived + 400);
    }
    assert_eq!(run.decoder.held_bytes(), 0);
    assert_eq!(run.seen, [Seen::Binary(vec![7; 200_000])]);
}

#[test]
fn tells_since_when_something_is_unfinished() {
    let mut run = Run::new();
    run.feed(&frame(0x81, b"whole")).unwrap();
    assert_eq!(run.decoder.unfinished_since(), None);
    run.feed(&frame(0x01, b"begun")).unwrap();
    assert_eq!(run.decoder.unfinished_since(), Some(2));
    run.feed(&frame(0x89, b"")).unwrap();
    assert_eq!(run.decoder.unfinished_since(), Some(2));
    // The message ends and half a header follows: that is as old as this read.
    run.feed(&[frame(0x80, b"done"), vec![0x81]].concat()).unwrap();
    assert_eq!(run.decoder.unfinished_since(), Some(4));
    run.feed(&[0x80]).unwrap();
    assert_eq!(run.decoder.unfinished_since(), Some(4));
    run.feed(&[0; 4]).unwrap();
    assert_eq!(run.decoder.unfinished_since(), None);
}

/// A message: whether it's text, its fragments, and a ping after each of some of them.
fn message() -> impl Strategy<Value = (Vec<u8>, Vec<Seen>)> {
    let piece = prop_oneof![
        4 => "\\PC{0,40}",
        1 => "[a-z]{120,130}",
        1 => (65_530_usize..65_545).prop_map(|n| "é".repeat(n / 2)),
    ];
    (any::<bool>(), prop::collection::vec((piece, prop::option::of(0_usize..126)), 1..4), any::<prop::sample::Index>())
        .prop_map(|(text, pieces, cut)| {
            let payload: String = pieces.iter().map(|(piece, _)| piece.as_str()).collect();
            // The first border between fragments moves, so that it falls inside characters too.
            let mut bounds: Vec<usize> = pieces
                .iter()
                .scan(0, |end, (piece, _)| {
                    *end += piece.len();
                    Some(*end)
                })
                .collect();
            if bounds.len() > 1 {
                bounds[0] = cut.index(bounds[1] + 1);
            }
            let (mut bytes, mut seen, mut start) = (Vec::new(), Vec::new(), 0);
            for (index, (end, (_, ping))) in bounds.iter().zip(&pieces).enumerate() {
                let opcode = if index > 0 {
                    0
                } else if text {
                    1
                } else {
                    2
                };
                let fin = if index + 1 == bounds.len() { 0x80 } else { 0 };
                bytes.extend(frame(fin | opcode, &payload.as_bytes()[start..*end]));
                start = *end;
                if let (Some(ping), 0) = (ping, fin) {
                    bytes.extend(frame(0x89, &vec![b'p'; *ping]));
                    seen.push(Seen::Ping(vec![b'p'; *ping]));
                }
            }
            seen.push(if text { Seen::Text(payload) } else { Seen::Binary(payload.into_bytes()) });
            (bytes, seen)
        })
}

proptest! {
    #[test]
    fn any_cut_decodes_the_same(
        messages in prop::collection::vec(message(), 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let bytes: Vec<u8> = messages.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let expected: Vec<Seen> = messages.iter().flat_map(|(_, seen)| seen.clone()).collect();
        prop_assert_eq!(decode_in(&[&bytes]), (expected.clone(), Ok(())));
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let (mut pieces, mut start) = (Vec::new(), 0);
        for cut in cuts.into_iter().chain([bytes.len()]) {
            pieces.push(&bytes[start..cut]);
            start = cut;
        }
        prop_assert_eq!(decode_in(&pieces), (expected, Ok(())));
    }

    #[test]
    fn no_bytes_make_it_panic_and_cuts_change_nothing(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = decode_in(&[&bytes]);
        let (left, right) = bytes.split_at(cut.index(bytes.len() + 1));
        prop_assert_eq!(decode_in(&[left, right]), whole);
    }

    #[test]
    fn no_frames_make_it_panic(
        frames in prop::collection::vec(
            (any::<u8>(), prop::collection::vec(any::<u8>(), 0..200)), 0..12),
        size in 1_usize..64,
    ) {
        let bytes: Vec<u8> = frames
            .iter()
            .flat_map(|(first, payload)| frame(first & 0x8f, payload))
            .collect();
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        prop_assert_eq!(decode_in(&pieces), decode_in(&[&bytes]));
    }
}

use fastwebsockets::OpCode;

use super::{Head, head_bytes, parse};
use crate::ws::violation::Violation;

const MAX: usize = 1 << 20;

fn parsed(bytes: &[u8]) -> Result<Option<Head>, Violation> {
    parse(bytes, None, MAX)
}

fn violation(bytes: &[u8], open: Option<usize>) -> Violation {
    let violation = parse(bytes, open, MAX).expect_err("breaks a rule");
    for cut in 0..bytes.len() {
        if let Err(early) = parse(&bytes[..cut], open, MAX) {
            assert_eq!(early, violation, "told early, but another one");
        }
    }
    violation
}

#[test]
fn reads_each_form_of_length() {
    let short = parsed(&[0x81, 0x80 | 125, 1, 2, 3, 4]).unwrap().unwrap();
    assert!(short.fin);
    assert_eq!(short.opcode, OpCode::Text);
    assert_eq!((short.head_bytes, short.payload_bytes, short.mask), (6, 125, [1, 2, 3, 4]));

    let middle = parsed(&[0x02, 0x80 | 126, 0, 126, 1, 2, 3, 4]).unwrap().unwrap();
    assert!(!middle.fin);
    assert_eq!((middle.head_bytes, middle.payload_bytes, middle.mask), (8, 126, [1, 2, 3, 4]));

    let long = parsed(&[0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4]).unwrap().unwrap();
    assert_eq!((long.head_bytes, long.payload_bytes, long.mask), (14, 0x10000, [1, 2, 3, 4]));
    assert_eq!(long.frame_bytes(), 14 + 0x10000);
}

#[test]
fn waits_for_every_byte_of_a_header() {
    for whole in [
        &[0x81, 0x80, 1, 2, 3, 4][..],
        &[0x82, 0xfe, 1, 0, 1, 2, 3, 4],
        &[0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4],
    ] {
        for cut in 0..whole.len() {
            assert!(parsed(&whole[..cut]).unwrap().is_none());
            assert!(head_bytes(&whole[..cut]) > cut);
        }
        assert!(parsed(whole).unwrap().is_some());
        assert_eq!(head_bytes(whole), whole.len());
    }
}

#[test]
fn each_rule_has_its_violation() {
    use Violation as V;
    assert_eq!(violation(&[0x81, 0x05], None), V::Unmasked);
    assert_eq!(violation(&[0x88, 0x00], None), V::Unmasked);
    for reserved in [0xc1, 0xa1, 0x91, 0xf1, 0xc9, 0xf8] {
        assert_eq!(violation(&[reserved], None), V::ReservedBits);
    }
    for unknown in [0x83, 0x84, 0x85, 0x86, 0x87, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x03, 0x0b] {
        assert_eq!(violation(&[unknown], None), V::UnknownOpcode);
    }
    for control in [0x08, 0x09, 0x0a] {
        assert_eq!(violation(&[control], None), V::ControlFragmented);
        assert_eq!(violation(&[control], Some(3)), V::ControlFragmented);
    }
    for long in [0xfe, 0xff] {
        assert_eq!(violation(&[0x89, long], None), V::ControlTooLong);
    }
    assert_eq!(violation(&[0x80], None), V::UnexpectedContinuation);
    assert_eq!(violation(&[0x00], None), V::UnexpectedContinuation);
    assert_eq!(violation(&[0x81], Some(0)), V::InterleavedMessage);
    assert_eq!(violation(&[0x02], Some(7)), V::InterleavedMessage);
    assert_eq!(violation(&[0x82, 0xfe, 0, 0], None), V::LengthNotMinimal);
    assert_eq!(violation(&[0x82, 0xfe, 0, 125], None), V::LengthNotMinimal);
    assert_eq!(violation(&[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 5], None), V::LengthNotMinimal);
    assert_eq!(violation(&[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], None), V::LengthNotMinimal);
    assert_eq!(violation(&[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], None), V::LengthTopBit);
    assert_eq!(violation(&[0x82, 0xff, 0xff, 255, 255, 255, 255, 255, 255, 255], None), V::LengthTopBit);
}

#[test]
fn the_limit_counts_what_is_there_already() {
    let at_limit = [0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0];
    assert!(parse(&at_limit, None, MAX).unwrap().is_none());
    let above = [0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 1];
    assert_eq!(violation(&above, None), Violation::MessageTooLong);
    let huge = [0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255];
    assert_eq!(violation(&huge, None), Violation::MessageTooLong);
    assert!(parse(&[0x80, 0x82], Some(MAX - 2), MAX).unwrap().is_none());
    assert_eq!(violation(&[0x80, 0x83], Some(MAX - 2)), Violation::MessageTooLong);
    // A control frame isn't part of the message that it comes in the middle of.
    assert!(parse(&[0x89, 0xfd], Some(MAX), MAX).unwrap().is_none());
}

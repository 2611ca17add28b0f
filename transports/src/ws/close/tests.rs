use super::{is_legal_close_code, parse, push_close_frame};
use crate::ws::violation::Violation;

fn payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason].concat()
}

#[test]
fn codes_that_may_not_travel_are_refused() {
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        assert!(!is_legal_close_code(code), "{code}");
        assert_eq!(parse(&payload(code, b"")), Err(Violation::CloseCode));
    }
    for code in [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        assert!(is_legal_close_code(code), "{code}");
        assert_eq!(parse(&payload(code, b"so")), Ok((Some(code), "so")));
    }
}

#[test]
fn a_payload_is_empty_or_has_a_code_and_text() {
    assert_eq!(parse(b""), Ok((None, "")));
    assert_eq!(parse(b"\x03"), Err(Violation::CloseTooShort));
    assert_eq!(parse(&payload(1000, b"\xff")), Err(Violation::CloseReason));
}

#[test]
fn a_long_reason_is_cut_at_a_character() {
    let mut out = Vec::new();
    push_close_frame(&mut out, Some(3000), &"é".repeat(100));
    assert_eq!(&out[..2], &[0x88, 124]);
    assert_eq!(parse(&out[2..]), Ok((Some(3000), "é".repeat(61).as_str())));

    out.clear();
    push_close_frame(&mut out, Some(1000), &"a".repeat(123));
    assert_eq!(&out[..2], &[0x88, 125]);

    out.clear();
    push_close_frame(&mut out, None, "not sent without a code");
    assert_eq!(out, [0x88, 0]);
}

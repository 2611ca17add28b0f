use super::Utf8;

#[test]
fn any_cut_gives_the_same_text() {
    let text = "aé€😀z – κόσμε";
    let bytes = text.as_bytes();
    for size in 1..=bytes.len() {
        let mut utf8 = Utf8::default();
        for piece in bytes.chunks(size) {
            utf8.push(piece).unwrap();
        }
        assert_eq!(utf8.finish().unwrap(), text);
        assert_eq!(utf8.len(), bytes.len());
    }
}

#[test]
fn what_cannot_become_text_is_told_with_the_byte_that_breaks_it() {
    // Overlong, surrogate, above U+10FFFF, lone continuation, lead byte that is no lead byte.
    for (good, bad) in [
        (&[0xe0][..], 0x80),
        (&[0xed], 0xa0),
        (&[0xf4], 0x90),
        (&[0xf0], 0x80),
        (&[0xe2, 0x82], 0x28),
        (b"a", 0x80),
        (&[], 0xc0),
        (&[], 0xf5),
        (&[], 0xff),
    ] {
        let mut utf8 = Utf8::default();
        for &byte in good {
            utf8.push(&[byte]).unwrap();
        }
        assert!(utf8.push(&[bad]).is_err(), "{good:x?} {bad:x}");
        let mut whole = good.to_vec();
        whole.push(bad);
        assert!(Utf8::default().push(&whole).is_err());
    }
}

#[test]
fn an_unfinished_character_is_no_text() {
    let mut utf8 = Utf8::default();
    utf8.push(b"ok\xf0\x9f\x98").unwrap();
    assert!(utf8.finish().is_err());
    utf8.push(b"\x80!").unwrap();
    assert_eq!(utf8.finish().unwrap(), "ok😀!");
}

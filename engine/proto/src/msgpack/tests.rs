use super::{Reader, check, put_int, put_str, put_uint};
use crate::data_error::DataError;
use crate::limit::DATA_DEPTH_MAX;

#[test]
fn integers_take_the_shortest_form() {
    let cases: [(u64, &[u8]); 10] = [
        (0, &[0]),
        (127, &[0x7f]),
        (128, &[0xcc, 0x80]),
        (255, &[0xcc, 0xff]),
        (256, &[0xcd, 1, 0]),
        (65_535, &[0xcd, 0xff, 0xff]),
        (65_536, &[0xce, 0, 1, 0, 0]),
        (u64::from(u32::MAX), &[0xce, 0xff, 0xff, 0xff, 0xff]),
        (1 << 32, &[0xcf, 0, 0, 0, 1, 0, 0, 0, 0]),
        (u64::MAX, &[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ];
    for (number, bytes) in cases {
        let mut out = Vec::new();
        put_uint(&mut out, number);
        assert_eq!(out, bytes, "{number}");
    }
}

#[test]
fn signed_integers_are_those_of_another_writer() {
    let edges = [0, 1, 127, 128, 32_768, i64::MAX, -1, -32, -33, -128, -129, -32_768, -32_769];
    for number in edges.into_iter().chain([-2_147_483_648, -2_147_483_649, i64::MIN]) {
        let mut out = Vec::new();
        put_int(&mut out, number);
        assert_eq!(out, rmp_serde::to_vec(&number).unwrap(), "{number}");
    }
}

#[test]
fn strings_of_every_length_are_those_of_another_writer() {
    for bytes in [0, 31, 32, 255, 256, 65_535, 65_536] {
        let (text, mut out) = ("x".repeat(bytes), Vec::new());
        put_str(&mut out, &text);
        assert_eq!(out, rmp_serde::to_vec(&text).unwrap(), "{bytes}");
    }
}

#[test]
fn each_rule_has_its_error() {
    let nested = |depth: usize| [vec![0x91; depth - 1], vec![0x90]].concat();
    assert_eq!(check(&nested(DATA_DEPTH_MAX)), Ok(()));
    assert_eq!(check(&nested(DATA_DEPTH_MAX + 1)), Err(DataError::Depth));
    assert_eq!(check(&[0x91; 1_000_000]), Err(DataError::Depth));
    let cases: [(&[u8], DataError); 12] = [
        (b"", DataError::Syntax),
        (b"\xc1", DataError::Syntax),
        (b"\xc0\xc0", DataError::Syntax),
        (b"\xa2a", DataError::Syntax),
        (b"\xa1\xff", DataError::Syntax),
        (b"\xdd\xff\xff\xff\xff", DataError::Syntax),
        (b"\xdf\xff\xff\xff\xff\xa1a\x01", DataError::Syntax),
        (b"\x82\xa1a\x01\xa1a\x02", DataError::DuplicateKey),
        (b"\x81\x01\x02", DataError::Key),
        (b"\xcb\x7f\xf8\0\0\0\0\0\0", DataError::Number),
        (b"\xca\x7f\x80\0\0", DataError::Number),
        (b"\xd6\xff\0\0\0\0", DataError::Extension),
    ];
    for (bytes, error) in cases {
        assert_eq!(check(bytes), Err(error), "{bytes:x?}");
    }
}

#[test]
fn a_walk_over_a_value_ends_where_it_ends() {
    let value: &[u8] = b"\x83\xa1a\x92\x01\xc4\x02xy\x05\xd6\xff1234\xa1c\x81\xa0\xc7\x00\x07";
    let mut reader = Reader::new(value);
    assert_eq!(reader.skip(), Ok(()));
    assert_eq!(reader.at(), value.len());
    for cut in 0..value.len() {
        assert_eq!(Reader::new(&value[..cut]).skip(), Err(DataError::Syntax), "{cut}");
    }
}

#[test]
fn a_walk_needs_no_stack_and_believes_no_length() {
    let deep = [vec![0x91; 1_000_000], vec![0xc0]].concat();
    assert_eq!(Reader::new(&deep).skip(), Ok(()));
    let liars = [0xdd, 0xff, 0xff, 0xff, 0xff].repeat(100_000);
    assert_eq!(Reader::new(&liars).skip(), Err(DataError::Syntax));
}

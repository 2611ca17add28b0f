use super::{append_on_one_line, check};
use crate::data_error::DataError;
use crate::limit::DATA_DEPTH_MAX;
use proptest::prelude::*;

#[test]
fn what_the_grammar_gives_is_taken() {
    for text in [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1.5e-7",
        "1E+2",
        "18446744073709551615",
        "-9223372036854775808",
        "1e308",
        "1e-400",
        r#""""#,
        r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#,
        "[]",
        "{}",
        " [ 1 , 2 ] ",
        "\t{\r\n\"a\" : {} }\n",
        "\"caf\u{e9} \u{7f}\u{1f600}\"",
        "123456789012345678901234567890",
    ] {
        assert_eq!(check(text.as_bytes()), Ok(()), "{text}");
    }
}

#[test]
fn what_the_grammar_does_not_give_is_refused() {
    for text in [
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "NaN",
        "Infinity",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "\"",
        "\"\n\"",
        "\"\t\"",
        r#""\x""#,
        r#""\u12""#,
        r#""\u+123""#,
        r#""\ud800""#,
        r#""\ud800\u0041""#,
        r#""\udc00""#,
        r#""\ud800x""#,
        "[",
        "]",
        "[1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1 \"b\":2}",
        "1 2",
        "[]]",
        "'a'",
        "/**/1",
        "\u{feff}1",
        "\u{a0}1",
    ] {
        assert_eq!(check(text.as_bytes()), Err(DataError::Syntax), "{text}");
    }
    assert_eq!(check(b"\"\xff\""), Err(DataError::Syntax));
    assert_eq!(check(b"\"\xed\xa0\x80\""), Err(DataError::Syntax), "a surrogate in UTF-8");
}

#[test]
fn each_rule_has_its_error() {
    assert_eq!(check(b"1e999"), Err(DataError::Number));
    assert_eq!(check(b"[-1e999]"), Err(DataError::Number));
    assert_eq!(check(br#"{"a":1,"\u0061":2}"#), Err(DataError::DuplicateKey));
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(check(nested(DATA_DEPTH_MAX).as_bytes()), Ok(()));
    assert_eq!(check(nested(DATA_DEPTH_MAX + 1).as_bytes()), Err(DataError::Depth));
    assert_eq!(check("[".repeat(1_000_000).as_bytes()), Err(DataError::Depth));
}

#[test]
fn seventeen_keys_are_compared_too() {
    let object = |last: usize| {
        let keys: Vec<_> = (0..16).chain([last]).map(|key| format!("\"k{key}\":{key}")).collect();
        format!("{{{}}}", keys.join(","))
    };
    assert_eq!(check(object(16).as_bytes()), Ok(()));
    assert_eq!(check(object(0).as_bytes()), Err(DataError::DuplicateKey));
}

#[test]
fn line_ends_between_tokens_go() {
    let mut out = b"x".to_vec();
    append_on_one_line(b"{\r\n \"a\\n\":\n1}", &mut out);
    assert_eq!(out, b"x{ \"a\\n\":1}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    /// serde_json is the other reader. It takes duplicate keys and more depth, which short texts of these pieces seldom
    /// have and the assertion allows for.
    #[test]
    fn agrees_with_another_reader(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..12)) {
        let text = pieces.concat();
        let foreign = serde_json::from_str::<serde_json::Value>(&text);
        match check(text.as_bytes()) {
            Ok(()) => prop_assert!(foreign.is_ok(), "{}", text),
            Err(DataError::DuplicateKey) => {}
            Err(_) => prop_assert!(foreign.is_err(), "{}", text),
        }
    }
}

const PIECES: &[&str] = &[
    "[", "]", "{", "}", ",", ":", "\"", "\"a\"", "\"b\":", "\\", "\\u00e9", "\\ud83d", "\\ude00", "\\n", "n", "null",
    "true", "0", "1", "-", ".", "5", "e", "E+", "999", " ", "\n", "\u{e9}", "\u{1}", "\"c\":[", "{\"d\":",
];

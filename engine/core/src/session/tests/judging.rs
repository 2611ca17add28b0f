//! The right time, the right form, the right.

use super::{Bench, CONNECT, DATA_BYTES_MAX, admission, no, publish, subscribe};
use crate::ask::{Answer, Denial};
use tidings_proto::code::Code;
use tidings_proto::limit::TOKEN_BYTES_MAX;

const COMMANDS: [&str; 5] = [
    r#"{"id":7,"subscribe":{"channel":"open:a"}}"#,
    r#"{"id":7,"unsubscribe":{"channel":"open:a"}}"#,
    r#"{"id":7,"publish":{"channel":"open:a","event":"E","data":1}}"#,
    r#"{"id":7,"send":{"user":"bob","namespace":"open","event":"E","data":1}}"#,
    r#"{"id":7,"call":{"method":"m","data":1}}"#,
];

#[test]
fn nothing_before_connect_and_connect_once() {
    let mut bench = Bench::new();
    for command in COMMANDS {
        assert_eq!(bench.receive(command), ["7 error state"], "{command}");
    }
    assert_eq!(bench.receive(CONNECT), ["ask 1 connect t -"]);
    for command in COMMANDS {
        assert_eq!(bench.receive(command), ["7 error state"], "{command}");
    }
    assert_eq!(bench.receive(CONNECT), ["1 error state"]);
    assert!(!bench.session.is_live() && bench.session.user().is_none());
    assert_eq!(bench.answer(1, admission(None)), (true, vec!["1 open alice".to_owned()]));
    assert_eq!(bench.receive(CONNECT), ["1 error state"]);
    assert!(bench.session.is_live());
    assert_eq!(bench.session.user().map(|user| &**user), Some("alice"));
    assert_eq!(bench.streams(), ["alice"]);
}

#[test]
fn pings_are_answered_at_any_time() {
    let mut bench = Bench::new();
    assert_eq!(bench.receive(r#"{"id":3,"ping":{}}"#), ["3 pong"]);
    assert_eq!(bench.receive(r#"{"pong":{}}"#), [""; 0]);
    bench.receive(CONNECT);
    assert_eq!(bench.receive(r#"{"id":4,"ping":{}}"#), ["4 pong"]);
    bench.answer(1, admission(None));
    assert_eq!(bench.receive(r#"{"id":5,"ping":{}}"#), ["5 pong"]);
}

#[test]
fn every_command_in_its_good_form() {
    let mut bench = Bench::live();
    let cases = [
        (COMMANDS[0], "7 join open:a"),
        (COMMANDS[2], "7 publish open:a E 1 from alice"),
        (COMMANDS[3], "7 send bob E 1 from alice"),
        (COMMANDS[1], "7 unsubscribed open:a"),
        (r#"{"publish":{"channel":"open:a","event":"E"}}"#, "- publish open:a E null from alice"),
        (r#"{"send":{"user":"bob","namespace":"open","event":"E"}}"#, "- send bob E null from alice"),
        (
            r#"{"id":2,"subscribe":{"channel":"open:b","since":{"epoch":"0000000000000001","offset":17}}}"#,
            "2 join open:b since 17",
        ),
        (COMMANDS[4], "ask 2 call alice m 1"),
    ];
    for (command, line) in cases {
        assert_eq!(bench.receive(command).first().map(String::as_str), Some(line), "{command}");
    }
    assert_eq!(bench.streams(), ["alice", "open:b"]);
}

#[test]
fn commands_out_of_form_are_refused() {
    let mut bench = Bench::live();
    let cases = [
        r#"{"id":7,"subscribe":{"channel":"lobby"}}"#,
        r#"{"id":7,"subscribe":{"channel":"nowhere:a"}}"#,
        r#"{"id":7,"subscribe":{"channel":"open:*"}}"#,
        r#"{"id":7,"publish":{"channel":"nowhere:a","event":"E"}}"#,
        r#"{"id":7,"publish":{"channel":"open:a b","event":"E"}}"#,
        r#"{"id":7,"publish":{"channel":"open:a","event":""}}"#,
        r#"{"id":7,"publish":{"channel":"open:a","event":"a b"}}"#,
        r#"{"id":7,"send":{"user":"bob","namespace":"nowhere","event":"E"}}"#,
        r#"{"id":7,"send":{"user":"","namespace":"open","event":"E"}}"#,
        r#"{"id":7,"send":{"user":"a\nb","namespace":"open","event":"E"}}"#,
        r#"{"id":7,"send":{"user":"bob","namespace":"open","event":"\u00e9"}}"#,
        r#"{"id":7,"call":{"method":"a b"}}"#,
        r#"{"id":7,"call":{"method":""}}"#,
        r#"{"id":7,"nonsense":{}}"#,
        r#"{"id":7,"publish":{"channel":"open:a","event":"E","data":{"a":1,"a":2}}}"#,
    ];
    for command in cases {
        assert_eq!(bench.receive(command), ["7 error bad_request"], "{command}");
    }
    assert_eq!(bench.receive(r#"{"call":{"method":"m"}}"#), ["- error bad_request"], "a call needs an id");
    assert_eq!(bench.receive("["), ["- error bad_request"]);
    assert_eq!(bench.streams(), ["alice"]);
}

#[test]
fn what_is_not_allowed_is_forbidden_or_asked() {
    let mut bench = Bench::live();
    let cases = [
        (subscribe(7, "host:a"), "7 error forbidden"),
        (publish(7, "host:a"), "7 error forbidden"),
        (r#"{"id":7,"send":{"user":"bob","namespace":"host","event":"E"}}"#.into(), "7 error forbidden"),
        (subscribe(7, "shared:mine"), "7 join shared:mine"),
        (publish(7, "shared:mine"), "7 publish shared:mine E 7 from alice"),
        (
            r#"{"id":7,"send":{"user":"mine1","namespace":"shared","event":"E"}}"#.into(),
            "7 send mine1 E null from alice",
        ),
        (subscribe(7, "shared:theirs"), "ask 2 subscribe alice shared:theirs"),
        (publish(7, "shared:Mine"), "ask 3 publish alice shared:Mine E 7"),
        (r#"{"id":7,"send":{"user":"bob","namespace":"shared","event":"E"}}"#.into(), "ask 4 send alice bob E null"),
    ];
    for (command, line) in cases {
        assert_eq!(bench.receive(&command), [line], "{command}");
    }
}

#[test]
fn a_denial_tells_its_own_code_and_nothing_happens() {
    let mut bench = Bench::live();
    bench.log.at_once = vec![no(), no(), Answer::Denied(Denial::new(Code::NotFound, "no such method"))];
    assert_eq!(bench.receive(&subscribe(2, "shared:a"))[1..], ["2 error forbidden"]);
    assert_eq!(bench.receive(&publish(3, "shared:a"))[1..], ["3 error forbidden"]);
    assert_eq!(bench.receive(&super::call(4))[1..], ["4 error not_found"]);
    assert_eq!(bench.streams(), ["alice"]);
}

#[test]
fn data_up_to_the_limit_passes_and_more_is_too_large() {
    let mut bench = Bench::live();
    let text = |bytes: usize| "x".repeat(bytes - 2);
    for (bytes, publish, send) in [
        (DATA_BYTES_MAX, "7 publish", "7 send"),
        (DATA_BYTES_MAX + 1, "7 error too_large data_bytes_max", "7 error too_large data_bytes_max"),
    ] {
        let data = text(bytes);
        let command = format!(r#"{{"id":7,"publish":{{"channel":"open:a","event":"E","data":"{data}"}}}}"#);
        assert!(bench.receive(&command)[0].starts_with(publish), "{bytes}");
        let command = format!(r#"{{"id":7,"send":{{"user":"b","namespace":"open","event":"E","data":"{data}"}}}}"#);
        assert!(bench.receive(&command)[0].starts_with(send), "{bytes}");
    }
}

#[test]
fn stored_is_never_promised_by_a_server_without_a_disk() {
    let mut bench = Bench::live();
    for command in [
        r#"{"id":7,"publish":{"channel":"open:a","event":"E","wait":"stored"}}"#,
        r#"{"id":7,"send":{"user":"bob","namespace":"open","event":"E","wait":"stored"}}"#,
    ] {
        assert_eq!(bench.receive(command), ["7 error unavailable"]);
    }
}

#[test]
fn a_key_belongs_to_class_latest() {
    let mut bench = Bench::live();
    let keyed =
        |channel, key: &str| format!(r#"{{"id":7,"publish":{{"channel":"{channel}","event":"E","key":"{key}"}}}}"#);
    assert_eq!(bench.receive(&keyed("open:a", "k")), ["7 error bad_request"]);
    assert_eq!(bench.receive(&keyed("shared:mine", "k")), ["7 error bad_request"]);
    assert_eq!(bench.receive(&keyed("state:a", "k")), ["7 publish state:a E null from alice key k"]);
    assert_eq!(bench.receive(&publish(7, "state:a")), ["7 publish state:a E 7 from alice"]);
    assert_eq!(bench.receive(&keyed("state:a", "")), ["7 error bad_request"]);
    assert!(bench.receive(&keyed("state:a", &"k".repeat(128)))[0].starts_with("7 publish"));
    assert_eq!(bench.receive(&keyed("state:a", &"k".repeat(129))), ["7 error bad_request"]);
}

#[test]
fn a_channel_is_joined_once_and_left_once() {
    let mut bench = Bench::live();
    let unsubscribe = r#"{"id":9,"unsubscribe":{"channel":"open:a"}}"#;
    assert_eq!(bench.receive(unsubscribe), ["9 error state"]);
    assert_eq!(bench.receive(&subscribe(2, "open:a")), ["2 join open:a"]);
    assert_eq!(bench.receive(&subscribe(3, "open:a")), ["3 error state"]);
    assert_eq!(bench.receive(unsubscribe), ["9 unsubscribed open:a", "leave open:a 2"]);
    assert_eq!(bench.receive(unsubscribe), ["9 error state"]);
    assert_eq!(bench.receive(r#"{"id":9,"unsubscribe":{"channel":"alice"}}"#), ["9 error state"], "not the inbox");
    bench.log.refuse_subscribe = true;
    assert_eq!(bench.receive(&subscribe(4, "open:a")), ["4 join open:a"]);
    assert_eq!(bench.streams(), ["alice"], "a join that failed is none");
}

#[test]
fn a_device_has_a_name_and_a_token_its_length() {
    let mut bench = Bench::new();
    let connect = |device: &str| format!(r#"{{"id":1,"connect":{{"token":"t","device":"{device}"}}}}"#);
    assert_eq!(bench.receive(&connect("")), ["1 error bad_request"]);
    assert_eq!(bench.receive(&connect(&"d".repeat(65))), ["1 error bad_request"]);
    assert_eq!(bench.receive(&connect("phone")), ["ask 1 connect t phone"], "it may try again");

    let mut bench = Bench::new();
    let token = "t".repeat(TOKEN_BYTES_MAX + 1);
    let lines = bench.receive(&format!(r#"{{"id":1,"connect":{{"token":"{token}"}}}}"#));
    assert_eq!(lines, ["1 error unauthorized", "close unauthorized"], "the host never sees it");
}

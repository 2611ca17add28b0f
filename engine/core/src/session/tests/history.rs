//! What a session lets through of looks at the past.

use super::{Bench, CONNECT, admission, no, subscribe};
use crate::ask::Answer;
use crate::limit::Limit;

const EPOCH: &str = "00000000000000ab";

fn history(id: u64, body: &str) -> String {
    format!(r#"{{"id":{id},"history":{{{body}}}}}"#)
}

fn of(id: u64, channel: &str) -> String {
    history(id, &format!(r#""channel":"{channel}""#))
}

#[test]
fn it_begins_where_it_is_told_to() {
    let mut bench = Bench::live();
    assert_eq!(bench.receive(&of(2, "open:a")), ["2 history open:a"]);
    let since = format!(r#""channel":"open:a","since":{{"epoch":"{EPOCH}","offset":7}},"limit":5"#);
    assert_eq!(bench.receive(&history(3, &since)), ["3 history open:a since 7 5"]);
    let before = format!(r#""inbox":true,"before":{{"epoch":"{EPOCH}","offset":9}}"#);
    assert_eq!(bench.receive(&history(4, &before)), ["4 history inbox of alice before 9"]);
    // It is not joined for that.
    assert_eq!(bench.streams(), ["alice"]);
}

#[test]
fn the_rights_are_those_of_subscribing() {
    let mut bench = Bench::live();
    assert_eq!(bench.receive(&of(2, "shared:mine")), ["2 history shared:mine"]);
    assert_eq!(bench.receive(&of(3, "host:a")), ["3 error forbidden"]);
    assert_eq!(bench.receive(&of(4, "shared:x")), ["ask 2 subscribe alice shared:x"]);
    assert_eq!(bench.answer(2, no()).1, ["4 error forbidden"]);
    assert_eq!(bench.receive(&of(5, "shared:x")), ["ask 3 subscribe alice shared:x"]);
    assert_eq!(bench.answer(3, Answer::Allowed).1, ["5 history shared:x"]);
    // A yes to one look is none to the next.
    bench.log.at_once.push(no());
    assert_eq!(bench.receive(&of(6, "shared:x")), ["ask 4 subscribe alice shared:x", "6 error forbidden"]);
    // Who is in a channel needs no other right.
    bench.log.at_once.push(Answer::Allowed);
    bench.receive(&subscribe(7, "shared:x"));
    assert_eq!(bench.receive(&of(8, "shared:x")), ["8 history shared:x"]);
    bench.receive(r#"{"id":9,"unsubscribe":{"channel":"shared:x"}}"#);
    assert_eq!(bench.receive(&of(10, "shared:x")), ["ask 6 subscribe alice shared:x"]);
}

#[test]
fn what_is_not_well_formed_is_refused() {
    let mut bench = Bench::live();
    for body in [r#""channel":"open""#, r#""channel":"nowhere:a""#, r#""channel":"open:a","limit":0"#, ""] {
        assert_eq!(bench.receive(&history(2, body)), ["2 error bad_request"], "{body}");
    }
    assert_eq!(bench.receive(r#"{"history":{"inbox":true}}"#), ["- error bad_request"]);
    let mut new = Bench::new();
    assert_eq!(new.receive(&history(2, r#""inbox":true"#)), ["2 error state"]);
    assert_eq!(new.receive(CONNECT), ["ask 1 connect t -"]);
    assert_eq!(new.receive(&history(3, r#""inbox":true"#)), ["3 error state"]);
    assert_eq!(new.answer(1, admission(None)).1, ["1 open alice"]);
}

#[test]
fn each_is_a_message_and_questions_have_their_limit() {
    let mut bench = Bench::live();
    for id in 2..62 {
        assert_eq!(bench.receive(&of(id, "open:a")).len(), 1);
    }
    let refused = bench.receive(&of(62, "open:a"));
    assert_eq!(refused, ["62 error rate_limited session_messages_per_minute after 1000"]);
    assert_eq!(bench.log.reached, [Limit::SessionMessagesPerMinute]);
    let mut bench = Bench::live();
    for id in 2..6 {
        assert_eq!(bench.receive(&of(id, "shared:x")).len(), 1);
    }
    assert_eq!(bench.receive(&of(6, "shared:x")), ["6 error limit questions_max"]);
    bench.log.too_fast_ms = Some(70);
    assert_eq!(bench.receive(&of(7, "open:a")), ["7 error rate_limited messages_per_minute after 70"]);
}

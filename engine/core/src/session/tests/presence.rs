//! What a session lets through of presence.

use super::{Bench, CONNECT, admission, no, subscribe};
use crate::ask::{Admission, Answer, Denial, Resumed};
use tidings_proto::code::Code;
use tidings_proto::id::SessionId;

const IDLE_MS: u64 = 300_000;

fn watch(id: u64, users: &[&str]) -> String {
    format!(r#"{{"id":{id},"watch":{{"users":{users:?}}}}}"#)
}

/// The looks that keep the session alive, its client answering each ping.
fn pass_alive(bench: &mut Bench, ms: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let end = bench.now.instant + ms;
    while bench.now.instant < end {
        bench.pass(5_000.min(end.since_ms(bench.now.instant)));
        lines.extend(bench.control());
        lines.extend(bench.tick().1);
    }
    lines
}

#[test]
fn who_does_nothing_for_long_is_idle_and_active_with_the_next_command() {
    let mut bench = Bench::live();
    assert_eq!(pass_alive(&mut bench, IDLE_MS - 5_000), Vec::<String>::new());
    assert_eq!(pass_alive(&mut bench, 5_000), ["idle"]);
    assert_eq!(pass_alive(&mut bench, IDLE_MS), Vec::<String>::new());
    assert_eq!(bench.receive(r#"{"id":2,"ping":{}}"#), ["2 pong"]);
    assert_eq!(bench.receive(r#"{"ack":{"stream":1,"offset":0}}"#), [" has alice 0".trim_start()]);
    assert_eq!(bench.receive(r#"{"pong":{}}"#), Vec::<String>::new());
    assert_eq!(bench.receive(&subscribe(3, "open:a")), ["active", "3 join open:a"]);
    assert_eq!(pass_alive(&mut bench, IDLE_MS), ["idle"]);
}

#[test]
fn idleness_is_looked_for_when_it_is_due() {
    let mut bench = Bench::live();
    bench.rules.limits.idle_after_ms = 2_000;
    assert_eq!(bench.tick(), (Some(2_000), vec![]));
    bench.pass(1_500);
    bench.receive(&subscribe(3, "open:a"));
    bench.pass(500);
    assert_eq!(bench.tick(), (Some(1_500), vec![]));
    bench.pass(1_500);
    assert_eq!(bench.tick().1, ["idle"]);
    bench.rules.limits.idle_after_ms = 0;
    bench.receive(&subscribe(4, "open:b"));
    bench.pass(20_000);
    assert_eq!(bench.tick().1, Vec::<String>::new());
}

#[test]
fn a_client_tells_whether_it_is_used() {
    let mut bench = Bench::live();
    assert_eq!(bench.receive(r#"{"activity":{"active":true}}"#), Vec::<String>::new());
    assert_eq!(bench.receive(r#"{"activity":{"active":false}}"#), ["idle"]);
    assert_eq!(bench.receive(r#"{"activity":{"active":false}}"#), Vec::<String>::new());
    assert_eq!(bench.receive(r#"{"activity":{"active":true}}"#), ["active"]);
}

#[test]
fn a_status_and_words_within_their_limit() {
    let mut bench = Bench::live();
    assert_eq!(
        bench.receive(r#"{"id":2,"presence":{"status":"busy","text":"in a call"}}"#),
        ["2 present Some(Busy) in a call"]
    );
    assert_eq!(bench.receive(r#"{"presence":{"text":""}}"#), ["- present None"]);
    assert_eq!(bench.receive(r#"{"id":3,"presence":{"status":"offline"}}"#), ["3 error bad_request"]);
    let long = format!(r#"{{"id":4,"presence":{{"text":"{}"}}}}"#, "x".repeat(21));
    assert_eq!(bench.receive(&long), ["4 error too_large text_bytes_max"]);
    assert_eq!(bench.receive(r#"{"id":5,"presence":{"text":"a\nb"}}"#), ["5 error bad_request"]);
    let mut new = Bench::new();
    let connect = r#"{"id":1,"connect":{"token":"t","presence":{"text":"a\u0000"}}}"#;
    assert_eq!(new.receive(connect), ["1 error bad_request"]);
}

#[test]
fn oneself_and_those_that_the_rights_cover_are_watched_at_once() {
    let mut bench = Bench::live();
    assert_eq!(bench.receive(&watch(2, &["alice", "mine-1"])), ["2 watch alice,mine-1"]);
    assert_eq!(bench.receive(r#"{"id":3,"unwatch":{"users":["mine-1"]}}"#), ["3 unwatch mine-1"]);
    assert_eq!(bench.receive(&watch(4, &[""])), ["4 error bad_request"]);
    assert_eq!(bench.receive(r#"{"id":5,"watch":{}}"#), ["5 error bad_request"]);
}

#[test]
fn the_host_decides_about_the_others() {
    let mut bench = Bench::live();
    assert_eq!(bench.receive(&watch(2, &["mine-1", "bob", "carol"])), ["ask 2 watch alice bob,carol"]);
    let (wanted, lines) = bench.answer(2, Answer::Users(vec!["carol".into(), "dave".into()]));
    assert!(wanted);
    assert_eq!(lines, ["2 watch mine-1,carol not bob"]);

    bench.receive(&watch(3, &["bob"]));
    assert_eq!(bench.answer(3, no()).1, ["3 error forbidden"]);
    bench.receive(&watch(4, &["bob", "mine-1"]));
    assert_eq!(bench.answer(4, no()).1, ["4 watch mine-1 not bob"]);
    bench.receive(&watch(5, &["bob", "mine-1"]));
    assert_eq!(bench.answer(5, Answer::Denied(Denial::new(Code::Timeout, "later"))).1, ["5 error timeout"]);
    bench.receive(&watch(6, &["bob"]));
    assert_eq!(bench.answer(6, Answer::Allowed).1, ["6 watch bob"]);
}

#[test]
fn a_resumed_session_goes_on_watching_whom_it_still_may() {
    let mut bench = Bench::new();
    bench.receive(CONNECT);
    let Answer::Admitted(admission) = admission(None) else { unreachable!() };
    let resumed = Resumed { session: SessionId(1), channels: vec![], watched: vec!["mine-1".into(), "bob".into()] };
    let (_, lines) = bench.answer(1, Answer::Admitted(Admission { resumed: Some(resumed), ..admission }));
    assert_eq!(lines, ["1 open alice", "ask 2 watch alice bob"]);
    assert_eq!(bench.answer(2, no()).1, ["- watch mine-1 not bob again"]);
}

#[test]
fn who_is_in_a_channel_is_for_its_subscribers() {
    let mut bench = Bench::live();
    let members = r#"{"id":2,"members":{"channel":"room:a","list":false}}"#;
    assert_eq!(bench.receive(members), ["2 error state"]);
    let joins = r#"{"id":3,"subscribe":{"channel":"room:a","presence":true,"info":{"x":1}}}"#;
    assert_eq!(bench.receive(joins), [r#"told true {"x":1}"#, "3 join room:a"]);
    assert_eq!(bench.receive(members), ["2 members room:a false"]);
    assert_eq!(bench.receive(r#"{"id":4,"info":{"channel":"room:a","info":7}}"#), ["4 inform room:a 7"]);
    let long = format!(r#"{{"id":5,"info":{{"channel":"room:a","info":"{}"}}}}"#, "x".repeat(40));
    assert_eq!(bench.receive(&long), ["5 error too_large info_bytes_max"]);
    let elsewhere = r#"{"id":6,"subscribe":{"channel":"open:a","presence":true}}"#;
    assert_eq!(bench.receive(elsewhere), ["6 error bad_request"]);
    bench.receive(&subscribe(7, "open:a"));
    assert_eq!(bench.receive(r#"{"id":8,"members":{"channel":"open:a"}}"#), ["8 error bad_request"]);
}

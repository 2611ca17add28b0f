//! Tokens that end, are told to end, and are refreshed.

use super::{Bench, WALL_MS, admission, call, no, publish, subscribe};
use crate::ask::{Admission, Answer, Credential, Denial};
use crate::grants::Grants;
use std::sync::Arc;
use tidings_proto::code::Code;
use tidings_proto::limit::TOKEN_BYTES_MAX;

const REFRESH: &str = r#"{"id":9,"refresh":{"token":"u"}}"#;

fn live_for(ms: u64) -> Bench {
    let mut bench = Bench::live_until(Some(WALL_MS + ms));
    bench.rules.limits.token_warning_ms = 5_000;
    bench
}

/// A token of this user, without a right of its own.
fn admitted(user: &str, expires_in_ms: Option<u64>) -> Answer {
    Answer::Admitted(Admission {
        user: user.into(),
        grants: Arc::new(Grants::default()),
        expires_at_ms: expires_in_ms.map(|ms| WALL_MS + ms),
        credential: Credential { name: 1, issued_s: 2 },
        resumed: None,
    })
}

#[test]
fn the_end_is_told_ahead_once() {
    let mut bench = live_for(20_000);
    assert_eq!(bench.tick(), (Some(15_000), Vec::new()));
    bench.pass(15_000);
    assert_eq!(bench.tick(), (Some(5_000), vec!["- expiring 5000".to_owned()]));
    bench.pass(1_000);
    assert_eq!(bench.tick(), (Some(4_000), Vec::new()));
    bench.pass(4_000);
    assert_eq!(bench.tick().1, ["close token_expired"]);
}

#[test]
fn a_short_life_is_told_at_its_beginning() {
    let mut bench = live_for(3_000);
    assert_eq!(bench.tick(), (Some(3_000), vec!["- expiring 3000".to_owned()]));
    let mut bench = Bench::live();
    bench.rules.limits.token_warning_ms = 5_000;
    assert_eq!(bench.tick(), (Some(25_000), Vec::new()), "without an end there is nothing to tell");
}

#[test]
fn a_refreshed_token_is_the_sessions_own() {
    let mut bench = live_for(20_000);
    assert_eq!(bench.session.credential(), Credential { name: 7, issued_s: 8 });
    bench.pass(16_000);
    bench.tick();
    assert_eq!(bench.receive(REFRESH), ["ask 2 refresh u -"]);
    let (wanted, lines) = bench.answer(2, admitted("alice", Some(40_000)));
    assert!(wanted);
    assert_eq!(lines, ["9 refreshed 24000", "look again"]);
    assert_eq!(bench.session.credential(), Credential { name: 1, issued_s: 2 });
    bench.pass(10_000);
    assert!(bench.receive(&publish(10, "open:a"))[0].contains("publish"), "it lives beyond its first token");
    bench.pass(9_000);
    assert!(bench.tick().1.contains(&"- expiring 5000".to_owned()), "and is told again");
    bench.pass(5_000);
    assert_eq!(bench.tick().1, ["close token_expired"]);
}

#[test]
fn a_token_without_an_end_or_with_an_earlier_one() {
    let mut bench = live_for(20_000);
    bench.log.at_once.push(admitted("alice", None));
    assert_eq!(bench.receive(REFRESH), ["ask 2 refresh u -", "9 refreshed", "look again"]);
    assert_eq!(bench.tick(), (Some(25_000), Vec::new()));
    bench.log.at_once.push(admitted("alice", Some(10_000)));
    assert_eq!(bench.receive(REFRESH), ["ask 3 refresh u -", "9 refreshed 10000", "look again"]);
    assert_eq!(bench.tick(), (Some(5_000), Vec::new()));
}

#[test]
fn another_users_token_or_a_bad_one_changes_nothing() {
    let long = format!(r#"{{"id":9,"refresh":{{"token":"{}"}}}}"#, "x".repeat(TOKEN_BYTES_MAX + 1));
    let timeout = Answer::Denied(Denial::new(Code::Timeout, "later"));
    let cases = [
        (REFRESH, Some(admitted("bob", Some(90_000))), "9 error unauthorized"),
        (REFRESH, Some(Answer::Denied(Denial::unauthorized())), "9 error unauthorized"),
        (REFRESH, Some(timeout), "9 error timeout"),
        (&long, None, "9 error unauthorized"),
    ];
    for (command, answer, told) in cases {
        let mut bench = live_for(20_000);
        bench.receive(&subscribe(2, "shared:mine"));
        bench.log.at_once.extend(answer);
        assert_eq!(bench.receive(command).last().map(String::as_str), Some(told));
        assert_eq!(bench.session.credential(), Credential { name: 7, issued_s: 8 });
        assert_eq!(bench.streams(), ["alice", "shared:mine"]);
        assert_eq!(bench.receive(&subscribe(3, "shared:mine2"))[0], "3 join shared:mine2");
        bench.pass(20_000);
        assert_eq!(bench.tick().1, ["close token_expired"], "its end is what it was");
    }
}

#[test]
fn channels_that_the_new_rights_do_not_cover_are_left_and_told() {
    let mut bench = live_for(20_000);
    for (id, channel) in [(2, "open:a"), (3, "shared:mine"), (4, "shared:mine2")] {
        bench.receive(&subscribe(id, channel));
    }
    // The host is asked for what the token does not cover: it lets the first stay and the second not.
    bench.log.at_once.extend([admitted("alice", None), Answer::Allowed, no()]);
    let told = [
        "ask 2 refresh u -",
        "9 refreshed",
        "ask 3 subscribe alice shared:mine",
        "ask 4 subscribe alice shared:mine2",
        "- unsubscribed shared:mine2 forbidden",
        "leave shared:mine2 4",
        "look again",
    ];
    assert_eq!(bench.receive(REFRESH), told);
    assert_eq!(bench.streams(), ["alice", "open:a", "shared:mine"]);
    assert_eq!(
        bench.receive(&publish(5, "shared:mine"))[0].split(' ').next(),
        Some("ask"),
        "no right of its own any more"
    );
}

#[test]
fn whom_the_session_watches_is_judged_again() {
    let mut bench = live_for(20_000);
    bench.log.watched = vec!["mine-1".into(), "bob".into()];
    bench.log.at_once.extend([admission(None), no()]);
    let told =
        ["ask 2 refresh u -", "9 refreshed", "ask 3 watch alice bob", "- watch mine-1 not bob again", "look again"];
    assert_eq!(bench.receive(REFRESH), told);
}

#[test]
fn the_host_may_take_its_time_over_each_of_them() {
    let mut bench = live_for(20_000);
    for (id, channel) in [(2, "shared:mine"), (3, "shared:mine2")] {
        bench.receive(&subscribe(id, channel));
    }
    bench.receive(REFRESH);
    bench.answer(2, admitted("alice", None));
    assert_eq!(bench.receive(REFRESH), ["9 error state"], "one at a time");
    assert_eq!(bench.answer(4, Answer::Denied(Denial::new(Code::Timeout, "no answer is a no"))).1, [""; 0]);
    // What the client leaves meanwhile is not left twice.
    bench.receive(r#"{"id":10,"unsubscribe":{"channel":"shared:mine"}}"#);
    assert_eq!(bench.answer(3, no()).1, ["- unsubscribed shared:mine2 forbidden", "leave shared:mine2 3"]);
    assert_eq!(bench.streams(), ["alice"]);
    assert_eq!(bench.receive(REFRESH), ["ask 5 refresh u -"]);
}

#[test]
fn a_session_is_refreshed_when_it_is_live_and_while_it_is() {
    let mut bench = Bench::new();
    assert_eq!(bench.receive(REFRESH), ["9 error state"]);
    let mut bench = live_for(20_000);
    bench.receive(REFRESH);
    bench.pass(20_000);
    assert_eq!(bench.answer(2, admitted("alice", Some(90_000))).1, ["close token_expired"], "too late");
    let mut bench = live_for(20_000);
    for id in 2..6 {
        bench.receive(&call(id));
    }
    assert_eq!(bench.receive(REFRESH), ["9 error limit questions_max"]);
    assert_eq!(bench.receive(r#"{"id":9,"refresh":{}}"#), ["9 error bad_request"]);
    let mut bench = live_for(20_000);
    bench.receive(REFRESH);
    bench.answer(2, admission(None));
    assert!(bench.session.is_live());
}

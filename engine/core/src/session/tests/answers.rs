//! Answers of the host: late, out of order, twice, never, of the wrong kind.

use super::{Bench, CONNECT, admission, call, no, publish, subscribe};
use crate::ask::{Answer, Denial};
use tidings_proto::code::Code;
use tidings_proto::payload::Data;

fn lines(lines: &[&str]) -> (bool, Vec<String>) {
    (true, lines.iter().map(|line| (*line).to_owned()).collect())
}

fn nothing() -> (bool, Vec<String>) {
    (false, Vec::new())
}

fn result(number: u64) -> Answer {
    Answer::Result(Data::new(&number).unwrap())
}

#[test]
fn a_yes_that_comes_later_carries_the_command_out() {
    let mut bench = Bench::live();
    let since = r#"{"id":2,"subscribe":{"channel":"shared:a","since":{"epoch":"0000000000000001","offset":17}}}"#;
    assert_eq!(bench.receive(since), ["ask 2 subscribe alice shared:a"]);
    bench.pass(1_000);
    assert_eq!(bench.answer(2, Answer::Allowed), lines(&["2 join shared:a since 17"]));
    assert_eq!(bench.streams(), ["alice", "shared:a"]);
    bench.receive(r#"{"publish":{"channel":"shared:a","event":"E","data":{"a":[1]}}}"#);
    assert_eq!(bench.answer(3, Answer::Allowed), lines(&[r#"- publish shared:a E {"a":[1]} from alice"#]));
    bench.receive(r#"{"id":4,"send":{"user":"bob","namespace":"shared","event":"F","data":2}}"#);
    assert_eq!(bench.answer(4, Answer::Allowed), lines(&["4 send bob F 2 from alice"]));
    bench.receive(&call(5));
    assert_eq!(bench.answer(5, result(8)), lines(&["5 result 8"]));
}

#[test]
fn a_no_that_comes_later_is_told() {
    let mut bench = Bench::live();
    bench.receive(&subscribe(2, "shared:a"));
    bench.receive(r#"{"publish":{"channel":"shared:a","event":"E"}}"#);
    assert_eq!(bench.answer(2, no()), lines(&["2 error forbidden"]));
    assert_eq!(bench.answer(3, no()), lines(&["- error forbidden"]));
}

#[test]
fn answers_out_of_order_leave_commands_in_order() {
    let mut bench = Bench::live();
    bench.receive(&publish(2, "shared:a"));
    bench.receive(&subscribe(3, "shared:b"));
    bench.receive(&publish(4, "shared:a"));
    assert_eq!(bench.answer(4, Answer::Allowed), lines(&[]));
    assert_eq!(bench.answer(3, no()), lines(&[]));
    let all = ["2 publish shared:a E 2 from alice", "3 error forbidden", "4 publish shared:a E 4 from alice"];
    assert_eq!(bench.answer(2, Answer::Allowed), lines(&all));
}

#[test]
fn an_answer_at_once_waits_for_those_before_it() {
    let mut bench = Bench::live();
    bench.receive(&publish(2, "shared:a"));
    bench.log.at_once = vec![Answer::Allowed];
    assert_eq!(bench.receive(&publish(3, "shared:a")), ["ask 3 publish alice shared:a E 3"]);
    let both = ["2 publish shared:a E 2 from alice", "3 publish shared:a E 3 from alice"];
    assert_eq!(bench.answer(2, Answer::Allowed), lines(&both));
}

#[test]
fn calls_wait_for_nobody_and_nobody_for_them() {
    let mut bench = Bench::live();
    bench.receive(&call(2));
    bench.receive(&publish(3, "shared:a"));
    bench.receive(&call(4));
    assert_eq!(bench.answer(4, result(8)), lines(&["4 result 8"]));
    assert_eq!(bench.answer(3, Answer::Allowed), lines(&["3 publish shared:a E 3 from alice"]));
    assert_eq!(bench.answer(2, result(9)), lines(&["2 result 9"]));
}

#[test]
fn a_second_answer_and_one_to_nothing_are_errors_without_effect() {
    let mut bench = Bench::live();
    assert_eq!(bench.answer(1, admission(None)), nothing(), "answered at once");
    assert_eq!(bench.answer(0, Answer::Allowed), nothing());
    assert_eq!(bench.answer(99, Answer::Allowed), nothing());
    bench.receive(&publish(2, "shared:a"));
    bench.receive(&publish(3, "shared:a"));
    assert_eq!(bench.answer(3, no()), lines(&[]));
    assert_eq!(bench.answer(3, Answer::Allowed), nothing(), "the first counts, though it still waits");
    let both = ["2 publish shared:a E 2 from alice", "3 error forbidden"];
    assert_eq!(bench.answer(2, Answer::Allowed), lines(&both));
    assert_eq!(bench.answer(2, Answer::Allowed), nothing());
}

#[test]
fn without_an_answer_nothing_happens_and_the_rest_goes_on() {
    let mut bench = Bench::live();
    bench.receive(&publish(2, "shared:a"));
    bench.receive(&subscribe(3, "shared:b"));
    assert_eq!(bench.receive(&publish(4, "open:a")), ["4 publish open:a E 4 from alice"]);
    assert_eq!(bench.receive(&subscribe(5, "open:b")), ["5 join open:b"]);
    assert_eq!(bench.streams(), ["alice", "open:b"]);
}

#[test]
fn an_answer_of_the_wrong_kind_is_the_servers_fault() {
    let mut bench = Bench::live();
    bench.receive(&publish(2, "shared:a"));
    bench.receive(&subscribe(3, "shared:a"));
    bench.receive(&call(4));
    assert_eq!(bench.answer(2, result(1)), lines(&["2 error internal"]));
    assert_eq!(bench.answer(3, admission(None)), lines(&["3 error internal"]));
    assert_eq!(bench.answer(4, Answer::Allowed), lines(&["4 error internal"]));
    assert_eq!(bench.streams(), ["alice"]);
    assert_eq!(bench.session.user().map(|user| &**user), Some("alice"));

    for answer in [Answer::Allowed, result(1)] {
        let mut bench = Bench::new();
        bench.receive(CONNECT);
        assert_eq!(bench.answer(1, answer), lines(&["close fault"]));
        assert!(bench.session.is_closed() && bench.session.user().is_none());
    }
}

#[test]
fn a_token_that_is_not_taken_ends_the_session() {
    for at_once in [true, false] {
        let mut bench = Bench::new();
        let denied = Answer::Denied(Denial::unauthorized());
        if at_once {
            bench.log.at_once.push(denied);
            let told = bench.receive(CONNECT);
            assert_eq!(told, ["ask 1 connect t -", "1 error unauthorized", "close unauthorized"]);
        } else {
            bench.receive(CONNECT);
            assert_eq!(bench.answer(1, denied), lines(&["1 error unauthorized", "close unauthorized"]));
        }
        assert!(bench.session.is_closed());
    }
}

#[test]
fn a_host_that_could_not_decide_sends_nobody_away_for_good() {
    for code in [Code::Timeout, Code::Internal, Code::Unavailable] {
        let mut bench = Bench::new();
        bench.receive(CONNECT);
        let told = format!("1 error {}", code.name());
        let answer = Answer::Denied(Denial::new(code, "not now"));
        assert_eq!(bench.answer(1, answer), lines(&[&told, "close fault"]));
    }
}

#[test]
fn a_user_with_too_many_connections_may_come_back() {
    let mut bench = Bench::new();
    bench.log.refuse_open = true;
    bench.receive(CONNECT);
    let told = ["1 error limit connections_per_user_max", "close overloaded"];
    assert_eq!(bench.answer(1, admission(None)), lines(&told));
    assert!(bench.session.is_closed());
    assert!(bench.session.user().is_none(), "it was never opened, so its end is no user's");
    assert_eq!(bench.streams(), [""; 0]);
}

#[test]
fn two_questions_for_one_channel_join_once() {
    let mut bench = Bench::live();
    bench.receive(&subscribe(2, "shared:a"));
    bench.receive(&subscribe(3, "shared:a"));
    assert_eq!(bench.answer(2, Answer::Allowed), lines(&["2 join shared:a"]));
    assert_eq!(bench.answer(3, Answer::Allowed), lines(&["3 error state"]));
    assert_eq!(bench.streams(), ["alice", "shared:a"]);
}

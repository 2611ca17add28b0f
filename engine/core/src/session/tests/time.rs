//! Deadlines, pings, clients that are lost, and clocks that jump.

use super::{Bench, CONNECT, WALL_MS, admission, call, publish, subscribe};
use crate::ask::Answer;
use tidings_proto::code::Code;
use tidings_proto::payload::Data;

fn looks(next: Option<u64>, lines: &[&str]) -> (Option<u64>, Vec<String>) {
    (next, lines.iter().map(|line| (*line).to_owned()).collect())
}

#[test]
fn connect_must_come_in_time() {
    let mut bench = Bench::new();
    assert_eq!(bench.tick(), looks(Some(10_000), &[]));
    bench.pass(9_999);
    bench.receive(r#"{"id":1,"ping":{}}"#);
    assert_eq!(bench.tick(), looks(Some(1), &[]), "pings do not put it off");
    bench.pass(1);
    assert_eq!(bench.tick(), looks(None, &["close connect_timeout"]));
    assert_eq!(bench.tick(), looks(None, &[]));
}

#[test]
fn the_host_may_take_its_time() {
    let mut bench = Bench::new();
    bench.receive(CONNECT);
    for _ in 0..3 {
        bench.pass(10_000);
        assert_eq!(bench.tick(), looks(Some(10_000), &[]));
    }
    bench.answer(1, admission(None));
    assert!(bench.session.is_live());
}

#[test]
fn whoever_is_silent_is_pinged_and_then_lost() {
    let mut bench = Bench::live();
    assert_eq!(bench.tick(), looks(Some(25_000), &[]));
    bench.pass(24_999);
    assert_eq!(bench.tick(), looks(Some(1), &[]));
    bench.pass(1);
    assert_eq!(bench.tick(), looks(Some(5_000), &["- ping"]));
    bench.pass(4_999);
    assert_eq!(bench.tick(), looks(Some(1), &[]), "and not pinged twice");
    bench.pass(1);
    assert_eq!(bench.tick(), looks(None, &["close lost"]));
}

#[test]
fn whoever_cannot_answer_is_pinged_at_its_times_and_never_lost() {
    let mut bench = Bench::live();
    bench.session.expect_no_pongs();
    for _ in 0..3 {
        assert_eq!(bench.tick(), looks(Some(25_000), &[]));
        bench.pass(24_999);
        // What it says otherwise doesn't keep the ping from it.
        bench.receive(r#"{"publish":{"channel":"open:a","event":"E"}}"#);
        bench.control();
        assert_eq!(bench.tick(), looks(Some(1), &[]));
        bench.pass(1);
        assert_eq!(bench.tick(), looks(Some(25_000), &["- ping"]));
    }
    bench.pass(3_600_000);
    assert_eq!(bench.tick(), looks(Some(25_000), &["- ping"]), "one, however late the look comes");
}

#[test]
fn whoever_cannot_answer_ends_with_its_token_all_the_same() {
    let mut bench = Bench::live_until(Some(WALL_MS + 30_000));
    bench.session.expect_no_pongs();
    bench.pass(25_000);
    assert_eq!(bench.tick(), looks(Some(5_000), &["- ping"]));
    bench.pass(5_000);
    assert_eq!(bench.tick(), looks(None, &["close token_expired"]));
}

#[test]
fn every_sign_of_life_counts() {
    let signs: [fn(&mut Bench) -> Vec<String>; 4] = [
        Bench::control,
        |bench| bench.receive(r#"{"pong":{}}"#),
        |bench| bench.receive(r#"{"publish":{"channel":"open:a","event":"E"}}"#),
        |bench| bench.receive("nonsense"),
    ];
    for sign in signs {
        let mut bench = Bench::live();
        for _ in 0..3 {
            bench.pass(25_000);
            assert_eq!(bench.tick().1, ["- ping"]);
            bench.pass(4_999);
            sign(&mut bench);
            bench.pass(1);
            assert_eq!(bench.tick(), looks(Some(24_999), &[]));
            bench.pass(24_998);
            assert_eq!(bench.tick(), looks(Some(1), &[]));
            sign(&mut bench);
        }
    }
}

#[test]
fn a_look_that_comes_late_takes_no_time_from_the_client() {
    let mut bench = Bench::live();
    bench.pass(3_600_000);
    assert_eq!(bench.tick(), looks(Some(5_000), &["- ping", "idle"]), "not lost at once");
    bench.pass(4_999);
    bench.control();
    bench.pass(3_600_000);
    assert_eq!(bench.tick(), looks(Some(5_000), &["- ping"]));
    bench.pass(5_000);
    assert_eq!(bench.tick(), looks(None, &["close lost"]));
}

#[test]
fn a_session_ends_with_its_token() {
    let mut bench = Bench::live_until(Some(WALL_MS + 20_000));
    assert_eq!(bench.tick(), looks(Some(20_000), &[]));
    bench.pass(19_999);
    assert_eq!(bench.tick(), looks(Some(1), &[]));
    assert_eq!(bench.receive(&publish(2, "open:a")), ["2 publish open:a E 2 from alice"]);
    bench.pass(1);
    assert_eq!(bench.tick(), looks(None, &["close token_expired"]));
}

#[test]
fn nothing_is_done_with_a_token_that_ended_though_nobody_looked() {
    for command in [publish(2, "open:a"), subscribe(2, "open:a"), call(2), r#"{"pong":{}}"#.to_owned()] {
        let mut bench = Bench::live_until(Some(WALL_MS + 20_000));
        bench.pass(20_000);
        assert_eq!(bench.receive(&command), ["close token_expired"]);
        assert!(bench.session.is_closed());
    }
    let mut bench = Bench::live_until(Some(WALL_MS + 20_000));
    bench.receive(&publish(2, "shared:a"));
    bench.pass(20_000);
    assert_eq!(bench.answer(2, Answer::Allowed), (true, vec!["close token_expired".to_owned()]));
}

#[test]
fn a_step_of_the_wall_clock_moves_no_deadline() {
    for step_ms in [3_600_000, -3_600_000] {
        let mut bench = Bench::live_until(Some(WALL_MS + 20_000));
        bench.now.wall_ms = bench.now.wall_ms.checked_add_signed(step_ms).unwrap();
        bench.pass(19_999);
        assert_eq!(bench.tick(), looks(Some(1), &[]));
        bench.pass(1);
        assert_eq!(bench.tick(), looks(None, &["close token_expired"]));
    }
}

#[test]
fn a_token_without_an_end_and_one_that_ended() {
    let mut bench = Bench::live_until(Some(u64::MAX));
    bench.pass(24_000);
    assert_eq!(bench.tick(), looks(Some(1_000), &[]));
    let mut bench = Bench::live_until(Some(0));
    assert_eq!(bench.tick(), looks(None, &["close token_expired"]));
}

#[test]
fn a_clock_that_reads_earlier_does_no_harm() {
    let mut bench = Bench::live();
    bench.pass(24_000);
    bench.control();
    bench.now.instant.0 -= 24_000;
    bench.control();
    assert_eq!(bench.tick().1, [""; 0]);
    bench.pass(25_000);
    assert_eq!(bench.tick().1, ["- ping"]);
    bench.control();
    assert!(bench.session.is_live());
}

#[test]
fn a_closed_session_ignores_everything() {
    let ends: [fn(&mut Bench); 3] = [
        |bench| bench.session.close(Code::Disconnected, &mut bench.log),
        |bench| bench.session.hush(),
        |bench| drop(bench.session.end()),
    ];
    for end in ends {
        let mut bench = Bench::live();
        bench.receive(&subscribe(2, "open:a"));
        bench.receive(&publish(3, "shared:a"));
        bench.receive(&call(4));
        end(&mut bench);
        bench.take();
        assert!(bench.session.is_closed() && !bench.session.is_live());
        bench.pass(1_000);
        for command in [CONNECT, r#"{"id":1,"ping":{}}"#, &publish(5, "open:a"), &subscribe(6, "open:b"), "nonsense"] {
            assert_eq!(bench.receive(command), [""; 0], "{command}");
        }
        assert_eq!(bench.control(), [""; 0]);
        assert_eq!(bench.answer(2, Answer::Allowed), (false, Vec::new()));
        assert_eq!(bench.answer(3, Answer::Result(Data::null())), (false, Vec::new()));
        assert_eq!(bench.tick(), looks(None, &[]));
        bench.session.close(Code::Shutdown, &mut bench.log);
        assert_eq!(bench.take(), [""; 0], "closed once");
    }
}

#[test]
fn an_end_gives_back_all_streams_once() {
    let mut bench = Bench::live();
    bench.receive(&subscribe(2, "open:a"));
    bench.receive(&subscribe(3, "open:b"));
    assert_eq!(bench.session.part("open:a").map(|subscription| subscription.slot), Some(2));
    assert!(bench.session.part("open:a").is_none());
    assert!(bench.session.part("alice").is_none(), "the inbox is left with the session alone");
    bench.session.close(Code::Disconnected, &mut bench.log);
    let left: Vec<_> = bench.session.end().map(|subscription| (subscription.channel.0, subscription.slot)).collect();
    assert_eq!(left, [("alice".to_owned(), 1), ("open:b".to_owned(), 3)]);
    assert_eq!(bench.session.end().count(), 0);
}

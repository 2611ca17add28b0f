//! Limits by their names, and rates.

use super::{Bench, call, publish, subscribe};
use crate::ask::Answer;
use crate::limit::Limit;
use crate::rate::Rate;

#[test]
fn subscriptions_have_a_limit() {
    let mut bench = Bench::live();
    for (id, channel) in [(2, "open:a"), (3, "open:b"), (4, "open:c")] {
        bench.receive(&subscribe(id, channel));
    }
    let limit = ["5 error limit subscriptions_max"];
    assert_eq!(bench.receive(&subscribe(5, "open:d")), limit);
    assert_eq!(bench.receive(&subscribe(5, "shared:d")), limit, "the host is not even asked");
    bench.receive(r#"{"id":6,"unsubscribe":{"channel":"open:b"}}"#);
    assert_eq!(bench.receive(&subscribe(7, "open:d")), ["7 join open:d"]);
    assert_eq!(bench.streams().len(), 4, "three and the inbox");
}

#[test]
fn subscriptions_that_wait_for_the_host_count() {
    let mut bench = Bench::live();
    for id in 2..=4 {
        assert_eq!(bench.receive(&subscribe(id, &format!("shared:{id}"))).len(), 1);
    }
    assert_eq!(bench.receive(&subscribe(5, "open:d")), ["5 error limit subscriptions_max"]);
    for token in 2..=4 {
        assert_eq!(bench.answer(token, Answer::Allowed).1, [format!("{token} join shared:{token}")]);
    }
    assert_eq!(bench.receive(&subscribe(5, "open:d")), ["5 error limit subscriptions_max"]);
}

#[test]
fn questions_of_another_kind_take_no_subscriptions_away() {
    let mut bench = Bench::live();
    bench.receive(&publish(2, "shared:a"));
    bench.receive(&subscribe(3, "shared:b"));
    bench.receive(&call(4));
    bench.receive(&publish(5, "shared:a"));
    assert_eq!(bench.receive(&subscribe(6, "open:a")), ["6 join open:a"]);
    assert_eq!(bench.receive(&subscribe(7, "open:b")), ["7 join open:b"]);
    assert_eq!(bench.receive(&subscribe(8, "open:c")), ["8 error limit subscriptions_max"]);
    bench.answer(2, Answer::Allowed);
    assert_eq!(bench.answer(3, Answer::Allowed).1, ["3 join shared:b"]);
}

#[test]
fn questions_have_a_limit() {
    let mut bench = Bench::live();
    for id in 2..=5 {
        assert_eq!(bench.receive(&call(id)).len(), 1);
    }
    let limit = ["9 error limit questions_max"];
    assert_eq!(bench.receive(&call(9)), limit);
    assert_eq!(bench.receive(&publish(9, "shared:a")), limit);
    assert_eq!(bench.receive(&subscribe(9, "shared:a")), limit);
    let send = r#"{"id":9,"send":{"user":"bob","namespace":"shared","event":"E"}}"#;
    assert_eq!(bench.receive(send), limit);
    assert_eq!(bench.receive(&publish(9, "open:a")), ["9 publish open:a E 9 from alice"], "nobody is asked");
    bench.answer(3, Answer::Denied(crate::ask::Denial::forbidden()));
    assert_eq!(bench.receive(&call(10)), ["ask 6 call alice m 10"]);
}

#[test]
fn a_namespace_may_have_a_rate_of_its_own() {
    let mut bench = Bench::live();
    let send = r#"{"id":7,"send":{"user":"bob","namespace":"slow","event":"E"}}"#;
    for _ in 0..3 {
        assert!(bench.receive(&publish(7, "slow:a"))[0].starts_with("7 publish"));
        assert!(bench.receive(send)[0].starts_with("7 send"));
    }
    let refused = ["7 error rate_limited messages_per_minute of the namespace after 10000"];
    assert_eq!(bench.receive(&publish(7, "slow:b")), refused);
    assert_eq!(bench.receive(send), refused);
    assert!(bench.receive(&publish(7, "open:a"))[0].starts_with("7 publish"), "others go on");
    bench.pass(10_000);
    assert!(bench.receive(&publish(7, "slow:b"))[0].starts_with("7 publish"));
}

#[test]
fn messages_have_a_rate_and_are_told_when_to_come_again() {
    let mut bench = Bench::live();
    let send = r#"{"id":7,"send":{"user":"bob","namespace":"open","event":"E"}}"#;
    for _ in 0..30 {
        assert!(bench.receive(&publish(7, "open:a"))[0].starts_with("7 publish"));
        assert!(bench.receive(send)[0].starts_with("7 send"));
    }
    let refused = ["7 error rate_limited session_messages_per_minute after 1000"];
    assert_eq!(bench.receive(&publish(7, "open:a")), refused);
    assert_eq!(bench.receive(send), refused);
    assert_eq!(bench.receive(&call(7)), refused);
    assert_eq!(bench.receive(&subscribe(8, "open:a")), ["8 join open:a"], "other commands go on");
    bench.pass(999);
    assert_eq!(bench.receive(send), ["7 error rate_limited session_messages_per_minute after 1"]);
    bench.pass(1);
    assert_eq!(bench.receive(send), ["7 send bob E null from alice"]);
}

#[test]
fn a_user_has_a_rate_over_all_sessions() {
    let mut bench = Bench::live();
    assert_eq!(bench.receive(&publish(7, "open:a")).len(), 1);
    bench.log.too_fast_ms = Some(250);
    let refused = ["7 error rate_limited messages_per_minute after 250"];
    let send = r#"{"id":7,"send":{"user":"bob","namespace":"open","event":"E"}}"#;
    assert_eq!(bench.receive(&publish(7, "open:a")), refused);
    assert_eq!(bench.receive(send), refused);
    assert_eq!(bench.receive(&call(7)), refused);
    assert_eq!(bench.receive(&subscribe(8, "open:a")), ["8 join open:a"], "other commands go on");
    assert_eq!(bench.log.reached, [Limit::MessagesPerMinute; 3]);
}

#[test]
fn every_limit_is_counted_by_its_name() {
    let mut bench = Bench::live();
    for id in 2..=5 {
        bench.receive(&subscribe(id, &format!("open:{id}")));
    }
    for id in 6..=10 {
        bench.receive(&call(id));
    }
    let large = format!(r#"{{"id":11,"publish":{{"channel":"open:a","event":"E","data":"{}"}}}}"#, "x".repeat(200));
    bench.receive(&large);
    for _ in 0..7 {
        bench.receive(&publish(12, "slow:a"));
    }
    let expected = [Limit::Subscriptions, Limit::Questions, Limit::DataBytes, Limit::NamespaceMessagesPerMinute];
    assert_eq!(bench.log.reached, expected);
    bench.log.reached.clear();
    while bench.log.reached.is_empty() {
        bench.receive(&publish(13, "open:a"));
    }
    while !bench.session.is_closed() {
        bench.control();
    }
    assert_eq!(bench.log.reached, [Limit::SessionMessagesPerMinute, Limit::OthersPerMinute]);
}

#[test]
fn messages_that_keep_to_their_rate_are_never_a_flood() {
    let mut bench = Bench::live();
    for _ in 0..1_000 {
        assert!(bench.receive(&publish(7, "open:a"))[0].starts_with("7 publish"));
        bench.pass(1_000);
    }
    assert!(bench.session.is_live());
}

/// Something that a peer may send again and again.
type Flood = fn(&mut Bench) -> Vec<String>;

#[test]
fn floods_end() {
    let floods: [(&str, Flood); 6] = [
        ("control frames", Bench::control),
        ("pings", |bench| bench.receive(r#"{"id":1,"ping":{}}"#)),
        ("pongs", |bench| bench.receive(r#"{"pong":{}}"#)),
        ("nonsense", |bench| bench.receive("{")),
        ("what is forbidden", |bench| bench.receive(&subscribe(2, "host:a"))),
        ("what comes too early", |bench| bench.receive(&publish(2, "host:a"))),
    ];
    for (what, flood) in floods {
        for mut bench in [Bench::new(), Bench::live()] {
            let mut count = 0;
            while !bench.session.is_closed() {
                count += 1;
                assert!(count < 1_000, "{what} went on for ever");
                let lines = flood(&mut bench);
                assert_eq!(bench.session.is_closed(), lines.last().is_some_and(|line| line == "close flood"));
            }
            assert!((120..=121).contains(&count), "{what}: {count}");
            assert_eq!(flood(&mut bench), [""; 0]);
        }
    }
}

#[test]
fn messages_past_their_rate_end_as_a_flood() {
    let mut bench = Bench::live();
    let mut count = 0;
    while !bench.session.is_closed() {
        bench.receive(&publish(2, "open:a"));
        count += 1;
    }
    assert_eq!(count, 60 + 120, "as many as are let through and as many as are refused, less the `connect`");
}

#[test]
fn no_rate_is_no_limit() {
    let mut bench = Bench::live();
    bench.rules.limits.messages = Rate::per_minute(0);
    bench.rules.limits.others = Rate::per_minute(0);
    for _ in 0..1_000 {
        bench.receive(&publish(2, "open:a"));
        bench.control();
    }
    assert!(bench.session.is_live());
}

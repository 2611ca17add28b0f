//! Sessions that are gone on with, and acknowledgements.

use super::{Bench, no, subscribe};
use crate::ask::{Admission, Answer, Resumed};
use crate::policy::{Access, Policy};
use std::fmt::Write;
use std::sync::Arc;
use tidings_proto::id::{Epoch, Position, SessionId};
use tidings_proto::limit::POSITIONS_MAX;

const SESSION: u128 = 0x9f0c;
const SECRET: u128 = 0xf0e1;

/// A `connect` that resumes, with its positions and other fields as they are given.
fn connect(positions: &str, more: &str) -> String {
    let resume = format!(r#"{{"session":"{SESSION:032x}","secret":"{SECRET:032x}","positions":[{positions}]}}"#);
    format!(r#"{{"id":1,"connect":{{"token":"t","resume":{resume}{more}}}}}"#)
}

fn at(stream: &str, offset: u64) -> String {
    format!(r#"{{{stream},"epoch":"{:016x}","offset":{offset}}}"#, 7)
}

fn admission(channels: &[(&str, u64)]) -> Answer {
    let position = |offset| Position { epoch: Epoch(7), offset };
    let channels = channels.iter().map(|(channel, has)| (Arc::from(*channel), position(*has))).collect();
    let Answer::Admitted(admission) = super::admission(None) else { unreachable!("it is") };
    Answer::Admitted(Admission {
        resumed: Some(Resumed { session: SessionId(SESSION), channels, watched: Vec::new() }),
        ..admission
    })
}

impl Bench {
    fn has(&self, name: &str) -> u64 {
        let mut streams = self.session.streams();
        streams.find(|subscription| subscription.channel.0 == name).map(|subscription| subscription.has).unwrap()
    }

    fn resume(positions: &str, channels: &[(&str, u64)]) -> (Self, Vec<String>) {
        let mut bench = Self::new();
        assert_eq!(bench.receive(&connect(positions, "")), ["ask 1 connect t -"]);
        let (wanted, lines) = bench.answer(1, admission(channels));
        assert!(wanted);
        (bench, lines)
    }
}

#[test]
fn what_is_acknowledged_goes_to_its_stream_and_is_remembered() {
    let mut bench = Bench::new();
    bench.log.at_once.push(super::admission(None));
    bench.receive(r#"{"id":1,"connect":{"token":"t","device":"phone"}}"#);
    bench.receive(&subscribe(2, "open:a"));
    bench.log.given = 10;
    assert_eq!(bench.receive(r#"{"ack":{"stream":1,"offset":4}}"#), ["phone has alice 4"]);
    assert_eq!(bench.receive(r#"{"read":{"stream":1,"offset":6}}"#), ["phone read alice 6"]);
    assert_eq!(bench.receive(r#"{"ack":{"stream":2,"offset":9}}"#), ["phone has open:a 9"]);
    assert_eq!((bench.has("alice"), bench.has("open:a")), (6, 9));
    bench.receive(r#"{"ack":{"stream":1,"offset":5}}"#);
    assert_eq!(bench.has("alice"), 6, "nothing goes back");
    bench.receive(r#"{"ack":{"stream":2,"offset":11}}"#);
    assert_eq!(bench.has("open:a"), 9, "nothing was given that far");
}

#[test]
fn what_is_acknowledged_of_another_stream_goes_nowhere() {
    let mut bench = Bench::live();
    bench.log.given = u64::MAX;
    bench.receive(&subscribe(2, "open:a"));
    assert_eq!(bench.receive(r#"{"ack":{"stream":3,"offset":1}}"#), [""; 0]);
    bench.receive(r#"{"id":3,"unsubscribe":{"channel":"open:a"}}"#);
    assert_eq!(bench.receive(r#"{"read":{"stream":2,"offset":1}}"#), [""; 0], "it was left");
    assert_eq!(bench.receive(r#"{"ack":{"stream":1,"offset":1}}"#), ["has alice 1"], "no device is the empty one");
    let mut bench = Bench::new();
    assert_eq!(bench.receive(r#"{"ack":{"stream":1,"offset":1}}"#), ["- error state"]);
}

#[test]
fn acknowledgements_count_with_the_rest() {
    let mut bench = Bench::live();
    bench.rules.limits.others = crate::rate::Rate::per_minute(3);
    let ended =
        (0..10).any(|_| bench.receive(r#"{"ack":{"stream":1,"offset":1}}"#).contains(&"close flood".to_owned()));
    assert!(ended);
}

#[test]
fn the_host_is_told_which_session_is_wanted_until_it_has_answered() {
    let mut bench = Bench::new();
    assert!(bench.session.wants_to_resume().is_none());
    bench.receive(&connect("", ""));
    let (session, secret) = bench.session.wants_to_resume().unwrap();
    assert!(session == SessionId(SESSION) && secret.0 == SECRET);
    assert_eq!(bench.answer(1, super::admission(None)).1, ["1 open alice"], "it is not there: a new one");
    assert!(bench.session.wants_to_resume().is_none() && bench.streams() == ["alice"]);
    let mut bench = Bench::new();
    bench.receive(super::CONNECT);
    assert!(bench.session.wants_to_resume().is_none());
}

#[test]
fn channels_are_joined_again_from_where_the_client_stands_or_what_it_has() {
    let positions = [at(r#""channel":"open:b""#, 17), at(r#""channel":"open:x""#, 3), at(r#""inbox":true"#, 40)];
    let (bench, lines) = Bench::resume(&positions.join(","), &[("open:a", 5), ("open:b", 6), ("state:c", 0)]);
    let joined = ["- join open:a since 5", "- join open:b since 17", "- join state:c since 0"];
    assert_eq!(
        lines,
        [&["1 open alice since 40"], &joined[..]].concat(),
        "what it was not subscribed to is passed over"
    );
    assert_eq!(bench.streams(), ["alice", "open:a", "open:b", "state:c"]);
}

#[test]
fn the_inbox_position_of_resume_counts_before_the_other() {
    let since = r#","since":{"epoch":"0000000000000007","offset":8},"device":"phone""#;
    for (positions, line) in
        [(at(r#""inbox":true"#, 9), "1 open alice on phone since 9"), (String::new(), "1 open alice on phone since 8")]
    {
        let mut bench = Bench::new();
        bench.log.at_once.push(admission(&[]));
        assert_eq!(bench.receive(&connect(&positions, since)), ["ask 1 connect t phone", line]);
    }
}

#[test]
fn rights_are_judged_anew() {
    let channels = [("host:a", 1), ("open:a", 2), ("nowhere:a", 3), ("shared:x", 4), ("shared:mine", 5)];
    let (mut bench, lines) = Bench::resume("", &channels);
    let told = [
        "1 open alice",
        "- error forbidden",
        "- join open:a since 2",
        "- error bad_request",
        "ask 2 subscribe alice shared:x",
        "- join shared:mine since 5",
    ];
    assert_eq!(lines, told);
    assert_eq!(bench.answer(2, no()).1, ["- error forbidden"]);
    assert_eq!(bench.streams(), ["alice", "open:a", "shared:mine"]);
    let (mut bench, _) = Bench::resume(&at(r#""channel":"shared:x""#, 9), &[("shared:x", 4)]);
    assert_eq!(bench.answer(2, Answer::Allowed).1, ["- join shared:x since 9"]);
}

#[test]
fn as_many_questions_are_asked_as_there_are_channels() {
    let mut bench = Bench::new();
    bench.rules.limits.subscriptions_max = 7;
    bench.receive(&connect("", ""));
    let names: Vec<_> = (0..8).map(|number| format!("shared:{number}")).collect();
    let channels: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let (_, lines) = bench.answer(1, admission(&channels));
    assert_eq!(lines.iter().filter(|line| line.starts_with("ask")).count(), 7, "{lines:?}");
    assert_eq!(lines.last().unwrap(), "- error limit subscriptions_max", "but no more than there may be");
    assert_eq!(bench.receive(&super::call(2)), ["2 error limit questions_max"]);
    for token in 2..=8 {
        assert_eq!(bench.answer(token, Answer::Allowed).1.len(), 1);
    }
    assert_eq!(bench.streams().len(), 8);
}

#[test]
fn a_resume_that_is_not_well_formed_changes_nothing() {
    let mut many = String::new();
    for _ in 0..=POSITIONS_MAX {
        write!(many, "{},", at(r#""inbox":true"#, 1)).unwrap();
    }
    let wrong = [
        at(r#""channel":"open:a","inbox":true"#, 1),
        at(r#""inbox":false"#, 1),
        many.trim_end_matches(',').to_owned(),
        r#"{"channel":"open:a"}"#.to_owned(),
    ];
    for positions in wrong {
        let mut bench = Bench::new();
        assert_eq!(bench.receive(&connect(&positions, "")), ["1 error bad_request"]);
        assert!(bench.session.wants_to_resume().is_none());
        bench.log.at_once.push(admission(&[]));
        assert_eq!(bench.receive(&connect("", "")), ["ask 1 connect t -", "1 open alice"], "another may follow");
    }
}

#[test]
fn an_inbox_that_cannot_be_opened_joins_nothing() {
    let mut bench = Bench::new();
    bench.log.refuse_open = true;
    bench.receive(&connect("", ""));
    let lines = bench.answer(1, admission(&[("open:a", 1)])).1;
    assert_eq!(lines, ["1 error limit connections_per_user_max", "close overloaded"]);
    assert_eq!(bench.streams(), [""; 0]);
}

/// A policy of the bench is changed.
fn amend(bench: &mut Bench, namespace: &str, change: impl Fn(&mut Policy)) {
    let (_, policy) = bench.rules.namespaces.iter_mut().find(|(name, _)| **name == *namespace).unwrap();
    change(Arc::make_mut(policy));
}

mod publications {
    use super::{Access, Answer, Bench, amend};
    use crate::policy::Class;
    use tidings_proto::limit::IDEMPOTENCY_KEY_BYTES_MAX;

    fn publish(channel: &str, more: &str) -> String {
        format!(r#"{{"id":2,"publish":{{"channel":"{channel}","event":"E",{more}}}}}"#)
    }

    fn send(more: &str) -> String {
        format!(r#"{{"id":2,"send":{{"user":"mine1","namespace":"open","event":"E",{more}}}}}"#)
    }

    #[test]
    fn an_idempotency_key_is_checked_and_passed_on_also_past_a_question() {
        let mut bench = Bench::live();
        let longest = "k".repeat(IDEMPOTENCY_KEY_BYTES_MAX);
        for key in ["k", &longest] {
            let more = format!(r#""idempotency_key":"{key}""#);
            let line = format!("2 publish open:a E null from alice once {key}");
            assert_eq!(bench.receive(&publish("open:a", &more)), [line]);
            assert_eq!(bench.receive(&send(&more)), [format!("2 send mine1 E null from alice once {key}")]);
        }
        for key in [String::new(), format!("{longest}k")] {
            let more = format!(r#""idempotency_key":"{key}""#);
            assert_eq!(bench.receive(&publish("open:a", &more)), ["2 error bad_request"]);
            assert_eq!(bench.receive(&send(&more)), ["2 error bad_request"]);
        }
        amend(&mut bench, "shared", |policy| policy.class = Class::Durable);
        bench.receive(&publish("shared:a", r#""idempotency_key":"k","wait":"stored""#));
        assert_eq!(bench.answer(2, Answer::Allowed).1, ["2 publish shared:a E null from alice once k stored"]);
        assert_eq!(bench.log.class, Some(Class::Durable));
    }

    #[test]
    fn stored_is_promised_in_class_durable_alone() {
        let mut bench = Bench::live();
        let stored = r#""wait":"stored""#;
        for class in [Class::Ephemeral, Class::Latest, Class::Reliable, Class::Durable] {
            amend(&mut bench, "open", |policy| (policy.class, policy.send_class) = (class, class));
            let line = match class {
                Class::Ephemeral => "2 error bad_request",
                Class::Latest | Class::Reliable => "2 error unavailable",
                Class::Durable => "2 publish open:a E null from alice stored",
            };
            assert_eq!(bench.receive(&publish("open:a", stored)), [line]);
            assert_eq!(bench.receive(&send(stored)), [line.replace("publish open:a", "send mine1")]);
            let narrowed = r#""wait":"stored","class":"ephemeral""#;
            assert_eq!(bench.receive(&publish("open:a", narrowed)), ["2 error bad_request"]);
            assert_eq!(bench.receive(&publish("open:a", r#""wait":"accepted""#)).len(), 1);
            assert_eq!(bench.log.class, Some(class));
        }
    }

    #[test]
    fn a_publication_may_promise_less_than_its_namespace() {
        let mut bench = Bench::live();
        let narrowed = r#""class":"ephemeral""#;
        amend(&mut bench, "open", |policy| policy.send_class = Class::Durable);
        bench.receive(&publish("open:a", r#""data":1"#));
        assert_eq!(bench.log.class, Some(Class::Reliable));
        bench.receive(&send(r#""data":1"#));
        assert_eq!(bench.log.class, Some(Class::Durable), "an event to a user has a class of its own");
        for command in [publish("open:a", narrowed), send(narrowed)] {
            bench.log.class = None;
            bench.receive(&command);
            assert_eq!(bench.log.class, Some(Class::Ephemeral));
        }
        amend(&mut bench, "open", |policy| policy.publish = Access::Granted);
        bench.receive(&publish("open:a", narrowed));
        bench.log.class = None;
        assert_eq!(bench.answer(2, Answer::Allowed).1.len(), 1);
        assert_eq!(bench.log.class, Some(Class::Ephemeral), "also past a question");
        assert_eq!(bench.receive(&publish("open:a", r#""class":"durable""#)), ["2 error bad_request"], "never more");
    }
}

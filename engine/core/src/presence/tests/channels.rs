//! Who is in which channel.

use super::{Bench, GRACE_MS, RULES, Wire, line};
use crate::policy::Attendance;
use std::collections::BTreeSet;
use tidings_proto::frame::ServerFrame;
use tidings_proto::payload::{Codec, DataRef};
use tidings_proto::presence::{Chosen, Reason};
use tidings_proto::wire::{WireForm, render};

impl Bench {
    fn members(&mut self, channel: &str) -> String {
        let mut out = Vec::new();
        render(WireForm::JsonLines, None, &ServerFrame::Members(self.board.members(channel, true)), &mut out);
        line(&serde_json::from_slice(&out).unwrap())
    }

    /// Bob listens in `room`.
    fn listening() -> (Self, u32) {
        let mut bench = Self::new();
        let bob = bench.open("bob");
        bench.join(bob, "room", Some(true), None);
        assert_eq!(bench.tick_and_take(bob), ["joined 1 bob(connected)"]);
        (bench, bob)
    }
}

#[test]
fn members_come_and_go_with_their_devices() {
    let (mut bench, bob) = Bench::listening();
    let (phone, laptop) = (bench.open("alice"), bench.open("alice"));
    bench.join(phone, "room", None, Some(r#"{"x":1}"#));
    bench.join(laptop, "room", None, None);
    assert_eq!(bench.tick_and_take(bob), [r#"joined 2 alice={"x":1}(connected)"#]);
    assert_eq!(bench.members("room"), r#"members 2 alice={"x":1} bob"#);
    bench.board.part(phone, "room", bench.now);
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    bench.board.part(laptop, "room", bench.now);
    assert_eq!(bench.tick_and_take(bob), ["left 1 alice(left)"]);
    assert_eq!(bench.members("room"), "members 1 bob");
    assert_eq!(bench.take(phone), Vec::<String>::new(), "who did not ask is not told");
}

#[test]
fn a_lost_link_waits_for_the_grace_period() {
    let (mut bench, bob) = Bench::listening();
    let alice = bench.open("alice");
    bench.join(alice, "room", None, None);
    bench.tick();
    bench.take(bob);
    bench.board.lost(alice, bench.now);
    bench.pass(GRACE_MS - 200);
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    assert_eq!(bench.tick_and_take(bob), ["left 1 alice(lost)"]);
}

#[test]
fn who_resumes_in_time_and_joins_again_has_not_left() {
    let (mut bench, bob) = Bench::listening();
    let alice = bench.open("alice");
    bench.join(alice, "room", Some(true), Some("7"));
    bench.tick();
    bench.take(bob);
    bench.take(alice);
    bench.board.lost(alice, bench.now);
    bench.pass(GRACE_MS - 200);
    bench.board.resume(alice, bench.now);
    bench.join(alice, "room", None, None);
    bench.pass(GRACE_MS);
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    assert_eq!(bench.members("room"), "members 2 alice=7 bob");
    bench.board.part(bob, "room", bench.now);
    assert_eq!(bench.tick_and_take(alice), ["left 1 bob(left)"], "it is told as before");
}

#[test]
fn who_resumes_and_may_not_join_again_has_left() {
    let (mut bench, bob) = Bench::listening();
    let alice = bench.open("alice");
    bench.join(alice, "room", None, None);
    bench.tick();
    bench.take(bob);
    bench.board.lost(alice, bench.now);
    bench.board.resume(alice, bench.now);
    bench.pass(GRACE_MS);
    assert_eq!(bench.tick_and_take(bob), ["left 1 alice(lost)"]);
    assert!(bench.board.is_online("alice"));
}

#[test]
fn who_resumes_later_joins_with_what_it_said_before() {
    let (mut bench, bob) = Bench::listening();
    let alice = bench.open("alice");
    bench.join(alice, "room", None, Some("7"));
    bench.tick();
    bench.board.lost(alice, bench.now);
    bench.pass(GRACE_MS);
    bench.tick();
    bench.take(bob);
    bench.board.resume(alice, bench.now);
    bench.join(alice, "room", None, None);
    assert_eq!(bench.tick_and_take(bob), ["joined 2 alice=7(connected)"]);
}

#[test]
fn a_channel_that_was_forgotten_meanwhile_is_joined_with_what_was_said_before() {
    let mut bench = Bench::new();
    let alice = bench.open("alice");
    bench.join(alice, "room", Some(true), Some("7"));
    bench.tick();
    bench.board.lost(alice, bench.now);
    bench.pass(GRACE_MS);
    bench.tick();
    assert_eq!(bench.board.rooms(), 0);
    let bob = bench.open("bob");
    bench.join(bob, "other", None, None);
    bench.take(alice);
    bench.board.resume(alice, bench.now);
    bench.join(alice, "room", None, None);
    assert_eq!(bench.tick_and_take(alice), ["joined 1 alice=7(connected)"]);
    assert_eq!(bench.members("other"), "members 1 bob");
}

#[test]
fn what_members_say_of_themselves_is_told_when_it_changes() {
    let (mut bench, bob) = Bench::listening();
    let alice = bench.open("alice");
    bench.join(alice, "room", None, Some("1"));
    bench.tick();
    bench.take(bob);
    let info = |text: &'static str| Some(DataRef::parse(Codec::Json, text.as_bytes()).unwrap());
    bench.board.inform(alice, "room", info("1"));
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    bench.board.inform(alice, "room", info("2"));
    bench.board.inform(alice, "room", info("3"));
    assert_eq!(bench.tick_and_take(bob), ["updated 2 alice=3"]);
    bench.board.inform(alice, "room", None);
    assert_eq!(bench.tick_and_take(bob), ["updated 2 alice"]);
    bench.board.inform(alice, "elsewhere", info("3"));
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
}

#[test]
fn there_and_back_between_two_looks_is_nothing() {
    let (mut bench, bob) = Bench::listening();
    let alice = bench.open("alice");
    bench.join(alice, "room", None, None);
    bench.board.part(alice, "room", bench.now);
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    bench.join(alice, "room", None, None);
    bench.tick();
    bench.take(bob);
    bench.board.part(alice, "room", bench.now);
    bench.join(alice, "room", None, None);
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    assert_eq!(bench.members("room"), "members 2 alice bob");
}

#[test]
fn who_is_invisible_is_in_no_channel() {
    let (mut bench, bob) = Bench::listening();
    let alice = bench.open("alice");
    bench.join(alice, "room", None, Some("7"));
    bench.tick();
    bench.take(bob);
    bench.set(alice, Chosen::Invisible);
    assert_eq!(bench.tick_and_take(bob), ["left 1 alice(left)"]);
    assert_eq!(bench.members("room"), "members 1 bob");
    bench.join(alice, "other", None, None);
    assert_eq!(bench.members("other"), "members 0");
    bench.board.left(alice, Reason::Left, bench.now);
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    bench.board.resume(alice, bench.now);
    bench.join(alice, "room", None, None);
    assert_eq!(bench.tick_and_take(bob), ["joined 2 alice=7(connected)"]);
}

#[test]
fn a_large_channel_is_counted_and_sampled_once_a_second() {
    let (mut bench, bob) = Bench::listening();
    let devices: Vec<_> = (0..40).map(|at| bench.open(&format!("user-{at:02}"))).collect();
    for device in &devices {
        bench.join(*device, "room", None, None);
    }
    let told = bench.tick_and_take(bob);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("members 41~ bob user-00"), "{told:?}");
    assert_eq!(told[0].split(' ').count(), 2 + 20);
    for device in &devices[..8] {
        bench.board.part(*device, "room", bench.now);
        assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    }
    bench.pass(1_000);
    let told = bench.tick_and_take(bob);
    assert!(told.len() == 1 && told[0].starts_with("members 33~"), "{told:?}");
    for device in &devices[8..38] {
        bench.board.part(*device, "room", bench.now);
    }
    bench.pass(1_000);
    assert_eq!(bench.tick_and_take(bob), ["members 3 bob user-38 user-39"], "small again: all of them");
    bench.board.part(devices[38], "room", bench.now);
    assert_eq!(bench.tick_and_take(bob), ["left 2 user-38(left)"]);
    assert_eq!(RULES.members_max, 3);
}

#[test]
fn where_it_is_only_counted_nobody_is_named() {
    let mut bench = Bench::new();
    let (bob, alice) = (bench.open("bob"), bench.open("alice"));
    bench.board.join(bob, &"count".into(), Attendance::Count, Wire(bob), Some(true), None, bench.now);
    bench.tick();
    bench.take(bob);
    bench.board.join(alice, &"count".into(), Attendance::Count, Wire(alice), None, None, bench.now);
    bench.pass(1_000);
    assert_eq!(bench.tick_and_take(bob), ["members 2~"]);
    assert_eq!(bench.members("count"), "members 2~");
}

#[test]
fn who_had_no_room_gets_all_who_are_there_once_it_has() {
    let (mut bench, bob) = Bench::listening();
    bench.lines.full = BTreeSet::from([bob]);
    let alice = bench.open("alice");
    bench.join(alice, "room", None, None);
    bench.tick();
    bench.lines.full.clear();
    bench.board.forward_rooms(bob, &mut bench.lines);
    assert_eq!(bench.take(bob), ["members 2 alice bob"]);
    bench.board.forward_rooms(bob, &mut bench.lines);
    assert_eq!(bench.take(bob), Vec::<String>::new());
}

#[test]
fn empty_channels_are_forgotten() {
    let (mut bench, bob) = Bench::listening();
    let alice = bench.open("alice");
    bench.join(alice, "room", None, None);
    bench.join(alice, "other", Some(true), None);
    bench.tick();
    assert_eq!(bench.board.rooms(), 2);
    bench.board.part(bob, "room", bench.now);
    bench.board.lost(alice, bench.now);
    bench.board.forget(alice);
    bench.pass(GRACE_MS);
    bench.tick();
    bench.tick();
    assert_eq!(bench.board.rooms(), 0);
}

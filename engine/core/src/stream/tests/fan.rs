//! Offsets, fan-out, members and their slots.

use super::{Bench, EPOCH, Got, NUMBER, PLENTY, Publication, Reader, entries, publication};
use crate::policy::{Class, Keep};
use std::sync::Arc;
use tidings_proto::frame::EntryFrame;
use tidings_proto::id::Position;
use tidings_proto::payload::DataRef;
use tidings_proto::wire::{self, WireForm};

#[test]
fn offsets_rise_by_one_from_one_in_every_class() {
    for class in [Class::Ephemeral, Class::Latest, Class::Reliable] {
        let mut bench = Bench::new(class, PLENTY);
        assert_eq!(bench.stream.position(), Position { epoch: EPOCH, offset: 0 });
        for offset in 1..=5 {
            assert_eq!(bench.place("E", None, "null"), offset);
        }
        assert_eq!(bench.stream.position().offset, 5);
    }
}

#[test]
fn what_was_placed_together_leaves_as_one_piece() {
    let mut bench = Bench::reliable();
    bench.join(0, None);
    bench.join(4, None);
    assert!(!bench.stream.is_pending());
    for _ in 0..4 {
        bench.place("E", None, "null");
    }
    assert!(bench.stream.is_pending());
    assert_eq!(bench.sink.take(0), [], "nothing leaves before the fan-out");
    bench.stream.fan_out(&mut bench.sink);
    assert!(!bench.stream.is_pending());
    assert_eq!(bench.sink.take(0), entries(1..=4));
    assert_eq!(bench.sink.take(4), entries(1..=4));
    assert_eq!(bench.sink.pieces.len(), 2);
    assert_eq!(bench.sink.pieces[0].1.as_ptr(), bench.sink.pieces[1].1.as_ptr(), "rendered once, shared");
    bench.stream.fan_out(&mut bench.sink);
    assert_eq!(bench.sink.pieces.len(), 2, "and sent once");
}

#[test]
fn each_member_gets_its_own_form() {
    let mut bench = Bench::reliable();
    for id in 0..6 {
        bench.join(id, None);
    }
    let alice: Arc<str> = "alice".into();
    let publication = Publication { from: Some(&alice), ..publication("E", DataRef::NULL, None) };
    bench.stream.publish(&publication, bench.now);
    bench.stream.fan_out(&mut bench.sink);
    let from = Some("alice");
    let frame = EntryFrame { stream: NUMBER, offset: 1, event: "E", data: DataRef::NULL, from, at: bench.now.wall_ms };
    for (id, piece, count) in &bench.sink.pieces {
        let mut rendered = Vec::new();
        wire::render_entry(WireForm::ALL[id % WireForm::COUNT], &frame, &mut rendered);
        assert_eq!((piece.as_ref(), *count), (&rendered[..], 1));
    }
    assert_eq!(bench.sink.pieces.len(), 6);
}

#[test]
fn only_forms_that_a_member_wants_are_rendered() {
    let mut bench = Bench::reliable();
    let rendered = |bench: &mut Bench| {
        bench.place("E", None, "null");
        let pending = bench.stream.pending.as_ref();
        let rendered = pending.map(|pending| pending.frames.each_ref().map(|frames| !frames.is_empty()));
        bench.stream.fan_out(&mut bench.sink);
        rendered
    };
    assert_eq!(rendered(&mut bench), None, "without members nothing is rendered");
    let json = bench.join(0, None).slot;
    let other = bench.join(4, None).slot;
    assert_eq!(rendered(&mut bench), Some([true, false, false, false]));
    let lines = bench.join(2, None).slot;
    assert_eq!(rendered(&mut bench), Some([true, false, true, false]));
    bench.stream.leave(json, bench.now, &mut bench.sink);
    assert_eq!(rendered(&mut bench), Some([true, false, true, false]), "one of two is left");
    bench.stream.leave(other, bench.now, &mut bench.sink);
    assert_eq!(rendered(&mut bench), Some([false, false, true, false]));
    bench.stream.leave(lines, bench.now, &mut bench.sink);
    assert_eq!(rendered(&mut bench), None);
    assert_eq!(bench.stream.forms, [0; WireForm::COUNT]);
}

#[test]
fn whoever_leaves_gets_what_was_placed_before_and_nothing_after() {
    let mut bench = Bench::reliable();
    let slot = bench.join(0, None).slot;
    bench.join(1, None);
    bench.place("E", None, "null");
    let left = bench.stream.leave(slot, bench.now, &mut bench.sink);
    assert_eq!(left, Some(Reader { id: 0, form: WireForm::WebSocketJson }));
    bench.publish(1);
    assert_eq!(bench.sink.take(0), entries(1..=1));
    assert_eq!(bench.sink.take(1), entries(1..=2));
    assert_eq!(bench.stream.leave(slot, bench.now, &mut bench.sink), None, "a second time is nothing");
    assert_eq!(bench.stream.leave(999, bench.now, &mut bench.sink), None);
    assert_eq!((bench.stream.members(), bench.stream.each_member().count()), (1, 1));
}

#[test]
fn whoever_takes_a_free_slot_takes_nothing_else_over() {
    let mut bench = Bench::reliable();
    let slot = bench.join(0, None).slot;
    bench.join(1, None);
    bench.sink.room.insert(0, 0);
    bench.publish(3);
    bench.stream.leave(slot, bench.now, &mut bench.sink);
    assert!(!bench.catch_up(slot), "nobody is there");
    assert_eq!(bench.join(3, None).slot, slot);
    bench.publish(1);
    assert_eq!(bench.sink.take(3), entries(4..=4));
    assert_eq!(bench.sink.take(0), []);
}

#[test]
fn a_full_reader_of_an_ephemeral_stream_is_skipped_and_counted() {
    let mut bench = Bench::new(Class::Ephemeral, PLENTY);
    let slot = bench.join(0, None).slot;
    bench.join(1, None);
    bench.sink.room.insert(0, 1);
    bench.publish(1);
    bench.publish(3);
    assert_eq!(bench.sink.skipped, 3);
    bench.sink.room.insert(0, 5);
    assert!(!bench.catch_up(slot), "there is nothing to catch up with");
    bench.publish(1);
    assert_eq!(bench.sink.take(0), [entries(1..=1), entries(5..=5)].concat());
    assert_eq!(bench.sink.take(1), entries(1..=5));
    assert_eq!((bench.sink.skipped, bench.stream.kept()), (3, 0));
}

#[test]
fn history_is_bounded_and_freed() {
    let mut bench = Bench::new(Class::Reliable, Keep { entries_max: 3, age_ms_max: 100, ..PLENTY });
    bench.publish(10);
    assert_eq!(bench.stream.kept(), 3);
    bench.pass(60);
    bench.publish(1);
    bench.pass(60);
    bench.stream.trim(bench.now);
    assert_eq!(bench.stream.kept(), 1);
    bench.pass(60);
    bench.stream.trim(bench.now);
    assert_eq!(bench.stream.kept(), 0);
    assert!(bench.stream.history.is_none());
    assert_eq!(bench.stream.position().offset, 11, "offsets stay");
}

#[test]
fn the_stream_tells_when_something_last_happened() {
    let mut bench = Bench::reliable();
    let mut active = Vec::new();
    let slot = bench.join(0, None).slot;
    active.push(bench.stream.active());
    bench.pass(5);
    bench.publish(1);
    active.push(bench.stream.active());
    bench.pass(5);
    bench.stream.trim(bench.now);
    active.push(bench.stream.active());
    bench.stream.leave(slot, bench.now, &mut bench.sink);
    active.push(bench.stream.active());
    let instants: Vec<_> = active.iter().map(|now| now.instant.0).collect();
    assert_eq!(instants, [1_000, 1_005, 1_005, 1_010]);
}

#[test]
fn frames_of_every_length_are_told_apart() {
    let mut bench = Bench::reliable();
    for id in 0..3 {
        bench.join(id, None);
    }
    for bytes in [0, 1, 60, 300, 70_000] {
        bench.place("E", None, &format!("\"{}\"", "x".repeat(bytes)));
    }
    bench.stream.fan_out(&mut bench.sink);
    for id in 0..3 {
        assert_eq!(bench.sink.take(id), entries(1..=5));
    }
    assert!(!bench.sink.got.values().flatten().any(|got| matches!(got, Got::Gap { .. })));
}

//! Falling behind and coming forward again.

use super::{Bench, Got, PLENTY, entries, values};
use crate::policy::{Class, Keep};
use crate::stream::forward::PAGE_BYTES;

#[test]
fn no_hole_and_no_overlap_between_the_past_and_the_present() {
    let mut bench = Bench::reliable();
    let slot = bench.join(0, None).slot;
    bench.join(1, None);
    bench.sink.room.insert(0, 1);
    for _ in 0..4 {
        bench.publish(2);
    }
    assert_eq!(bench.sink.take(0), entries(1..=2));
    assert!(bench.catch_up(slot), "still full");
    bench.sink.room.insert(0, 1);
    bench.place("E", None, "null");
    assert!(!bench.catch_up(slot));
    assert_eq!(bench.sink.take(0), entries(3..=9), "with what was placed and not fanned out");
    bench.sink.room.insert(0, 1);
    bench.publish(1);
    assert_eq!(bench.sink.take(0), entries(10..=10));
    assert_eq!(bench.sink.take(1), entries(1..=10));
}

#[test]
fn only_who_is_full_falls_behind() {
    let mut bench = Bench::reliable();
    let slots: Vec<_> = (0..3).map(|id| bench.join(id, None).slot).collect();
    bench.sink.room.insert(1, 0);
    bench.publish(2);
    assert_eq!((bench.sink.take(0), bench.sink.take(2)), (entries(1..=2), entries(1..=2)));
    bench.sink.room.clear();
    bench.publish(1);
    assert_eq!(bench.sink.take(1), [], "who is behind gets nothing out of turn");
    for slot in slots {
        assert!(!bench.catch_up(slot));
    }
    assert_eq!(bench.sink.take(1), entries(1..=3));
    assert_eq!(bench.sink.take(0), entries(3..=3));
    assert_eq!(bench.sink.skipped, 0);
}

#[test]
fn what_expired_meanwhile_is_told() {
    let mut bench = Bench::new(Class::Reliable, Keep { entries_max: 3, ..PLENTY });
    let slot = bench.join(0, None).slot;
    bench.publish(1);
    bench.sink.room.insert(0, 0);
    bench.publish(9);
    assert!(bench.catch_up(slot), "the gap found no room");
    bench.publish(1);
    bench.sink.room.insert(0, 1);
    assert!(bench.catch_up(slot), "the gap was told, the rest found no room");
    assert_eq!(bench.sink.take(0), [entries(1..=1), vec![Got::Gap { from: 2, to: 8 }]].concat());
    bench.publish(2);
    bench.sink.room.clear();
    assert!(!bench.catch_up(slot));
    assert_eq!(bench.sink.take(0), [vec![Got::Gap { from: 9, to: 10 }], entries(11..=13)].concat());
}

#[test]
fn when_all_expired_the_gap_is_all() {
    let mut bench = Bench::new(Class::Reliable, Keep { age_ms_max: 100, ..PLENTY });
    let slot = bench.join(0, None).slot;
    bench.sink.room.insert(0, 0);
    bench.publish(5);
    bench.pass(101);
    bench.sink.room.clear();
    assert!(!bench.catch_up(slot));
    bench.publish(1);
    assert_eq!(bench.sink.take(0), [vec![Got::Gap { from: 1, to: 5 }], entries(6..=6)].concat());
}

#[test]
fn a_stream_that_keeps_nothing_tells_whoever_was_full() {
    let mut bench = Bench::new(Class::Reliable, Keep::NOTHING);
    let slot = bench.join(0, None).slot;
    bench.sink.room.insert(0, 0);
    bench.publish(2);
    bench.sink.room.clear();
    assert!(!bench.catch_up(slot));
    bench.publish(1);
    assert_eq!(bench.sink.take(0), [vec![Got::Gap { from: 1, to: 2 }], entries(3..=3)].concat());
}

#[test]
fn a_long_past_comes_in_pages() {
    let mut bench = Bench::reliable();
    let data = format!("\"{}\"", "x".repeat(10_000));
    for _ in 0..20 {
        bench.place("E", None, &data);
    }
    bench.sink.room.insert(0, 2);
    let slot = bench.join(0, Some(0)).slot;
    let got = bench.sink.take(0);
    assert_eq!(got, entries(1..=14), "seven to a page");
    assert!(bench.sink.pieces.iter().all(|(_, piece, _)| piece.len() < PAGE_BYTES + 11_000));
    bench.sink.room.clear();
    bench.publish(1);
    assert!(!bench.catch_up(slot));
    assert_eq!(bench.sink.take(0), entries(15..=21));
    bench.place("E", None, &format!("\"{}\"", "x".repeat(3 * PAGE_BYTES)));
    bench.join(1, Some(20));
    assert_eq!(bench.sink.take(1), entries(21..=22), "an entry larger than a page comes all the same");
}

#[test]
fn of_values_the_newest_of_each_key_are_caught_up_with() {
    let mut bench = Bench::new(Class::Latest, PLENTY);
    let slot = bench.join(0, None).slot;
    bench.value("a");
    bench.sink.room.insert(0, 0);
    for key in ["a", "b", "a", "b", "c"] {
        bench.value(key);
    }
    bench.sink.room.clear();
    assert!(!bench.catch_up(slot));
    bench.value("a");
    assert_eq!(bench.sink.take(0), values(&[(1, "a"), (4, "a"), (5, "b"), (6, "c"), (7, "a")]));
}

#[test]
fn of_values_one_that_was_dropped_unseen_is_told() {
    let mut bench = Bench::new(Class::Latest, Keep { entries_max: 2, age_ms_max: 100, ..PLENTY });
    let slot = bench.join(0, None).slot;
    bench.sink.room.insert(0, 0);
    for key in ["a", "b", "b", "c"] {
        bench.value(key);
    }
    bench.sink.room.insert(0, 1);
    assert!(bench.catch_up(slot));
    assert_eq!(bench.sink.take(0), [Got::Gap { from: 1, to: 1 }]);
    bench.pass(101);
    bench.sink.room.clear();
    assert!(!bench.catch_up(slot));
    assert_eq!(bench.sink.take(0), [Got::Gap { from: 2, to: 4 }], "behind, and nothing is kept from there on");
    bench.value("a");
    assert_eq!(bench.sink.take(0), values(&[(5, "a")]));
}

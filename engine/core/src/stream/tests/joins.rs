//! Joining with every kind of position.

use super::{Bench, EPOCH, PLENTY, entries, gap, values};
use crate::policy::{Class, Keep};
use tidings_proto::frame::{GapReason, Recovered};
use tidings_proto::id::{Epoch, Position};
use tidings_proto::wire::WireForm;

#[test]
fn without_a_position_from_now_on() {
    let mut bench = Bench::reliable();
    bench.publish(3);
    let joined = bench.join(0, None);
    assert_eq!((joined.offset, joined.recovered, joined.gap), (3, Recovered::None, None));
    assert_eq!(bench.sink.take(0), []);
    bench.publish(2);
    assert_eq!(bench.sink.take(0), entries(4..=5));
}

#[test]
fn what_is_placed_but_not_fanned_out_comes_before_a_new_member() {
    let mut bench = Bench::reliable();
    bench.join(1, None);
    bench.place("E", None, "null");
    let joined = bench.join(0, None);
    assert_eq!(joined.offset, 1);
    bench.publish(1);
    assert_eq!(bench.sink.take(0), entries(2..=2));
    assert_eq!(bench.sink.take(1), entries(1..=2));
}

#[test]
fn from_a_position_exactly_what_followed_then_what_comes() {
    for since in 0..=5 {
        let mut bench = Bench::reliable();
        bench.join(1, None);
        bench.publish(3);
        bench.place("E", None, "null");
        bench.place("E", None, "null");
        let joined = bench.join(0, Some(since));
        assert_eq!((joined.offset, joined.recovered, joined.gap), (5, Recovered::Complete, None));
        bench.publish(2);
        assert_eq!(bench.sink.take(0), entries(since + 1..=7), "since {since}");
        assert_eq!(bench.sink.take(1), entries(1..=7));
    }
}

#[test]
fn a_position_stays_valid_when_nothing_happened_since() {
    let mut bench = Bench::new(Class::Reliable, Keep { age_ms_max: 100, ..PLENTY });
    bench.publish(3);
    bench.pass(1_000_000_000);
    let joined = bench.join(0, Some(3));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Complete, None));
    let mut fresh = Bench::new(Class::Reliable, Keep::NOTHING);
    let joined = fresh.join(0, Some(0));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Complete, None));
}

#[test]
fn what_expired_is_a_gap_and_the_rest_follows() {
    let mut bench = Bench::new(Class::Reliable, Keep { entries_max: 3, ..PLENTY });
    bench.publish(10);
    let joined = bench.join(0, Some(4));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Gap, gap(5, 7, GapReason::Expired)));
    assert_eq!(bench.sink.take(0), entries(8..=10));
    let joined = bench.join(1, Some(6));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Gap, gap(7, 7, GapReason::Expired)));
    assert_eq!(bench.sink.take(1), entries(8..=10));
    let joined = bench.join(2, Some(7));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Complete, None));
    assert_eq!(bench.sink.take(2), entries(8..=10));
}

#[test]
fn what_grew_too_old_since_the_last_publication_is_a_gap() {
    let mut bench = Bench::new(Class::Reliable, Keep { age_ms_max: 100, ..PLENTY });
    bench.publish(2);
    bench.pass(101);
    let joined = bench.join(0, Some(0));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Gap, gap(1, 2, GapReason::Expired)));
    bench.publish(1);
    assert_eq!(bench.sink.take(0), entries(3..=3));
}

#[test]
fn another_epoch_is_a_gap_from_the_beginning_and_all_that_is_kept() {
    let other = |offset| Some(Position { epoch: Epoch(8), offset });
    for offset in [0, 2, 17, u64::MAX] {
        let mut bench = Bench::new(Class::Reliable, Keep { entries_max: 3, ..PLENTY });
        let joined = bench.enter(0, WireForm::JsonLines, other(offset));
        assert_eq!((joined.recovered, joined.gap), (Recovered::Gap, gap(1, 0, GapReason::Epoch)));
        bench.publish(5);
        let joined = bench.enter(1, WireForm::JsonLines, other(offset));
        assert_eq!((joined.recovered, joined.gap), (Recovered::Gap, gap(1, 2, GapReason::Epoch)));
        bench.catch_up(joined.slot);
        assert_eq!(bench.sink.take(1), entries(3..=5));
        bench.publish(1);
        assert_eq!(bench.sink.take(0), entries(1..=6));
        assert_eq!(bench.sink.take(1), entries(6..=6));
    }
}

#[test]
fn a_position_from_the_future_is_a_gap_of_unknown_length() {
    for offset in [6, 1_000, u64::MAX - 1, u64::MAX] {
        let mut bench = Bench::new(Class::Reliable, Keep { entries_max: 3, ..PLENTY });
        bench.publish(5);
        let joined = bench.join(0, Some(offset));
        assert_eq!((joined.recovered, joined.gap), (Recovered::Gap, gap(3, 2, GapReason::Future)));
        bench.publish(1);
        assert_eq!(bench.sink.take(0), entries(3..=6));
    }
}

#[test]
fn a_stream_that_keeps_nothing_tells_the_gap() {
    for class in [Class::Ephemeral, Class::Reliable, Class::Latest] {
        let keep = if class == Class::Ephemeral { PLENTY } else { Keep::NOTHING };
        let mut bench = Bench::new(class, keep);
        bench.publish(4);
        let joined = bench.join(0, Some(1));
        assert_eq!((joined.recovered, joined.gap), (Recovered::Gap, gap(2, 4, GapReason::Expired)), "{class:?}");
        let joined = bench.join(1, Some(4));
        assert_eq!((joined.recovered, joined.gap), (Recovered::Complete, None), "{class:?}");
        bench.publish(1);
        assert_eq!(bench.sink.take(0), entries(5..=5));
        assert_eq!(bench.sink.take(1), entries(5..=5));
    }
}

#[test]
fn of_values_the_newest_of_each_key_follow() {
    let mut bench = Bench::new(Class::Latest, PLENTY);
    for key in ["a", "b", "a", "c", "a"] {
        bench.value(key);
    }
    let joined = bench.join(0, Some(1));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Complete, None));
    assert_eq!(bench.sink.take(0), values(&[(2, "b"), (4, "c"), (5, "a")]));
    let joined = bench.join(1, Some(3));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Complete, None));
    assert_eq!(bench.sink.take(1), values(&[(4, "c"), (5, "a")]));
    bench.value("b");
    assert_eq!(bench.sink.take(0), values(&[(6, "b")]));
}

#[test]
fn of_values_only_one_that_was_dropped_is_missing() {
    let mut bench = Bench::new(Class::Latest, Keep { entries_max: 2, ..PLENTY });
    for key in ["a", "b", "b", "b"] {
        bench.value(key);
    }
    let joined = bench.join(0, Some(0));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Complete, None), "the older ones were replaced");
    bench.value("c");
    let joined = bench.join(1, Some(0));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Gap, gap(1, 1, GapReason::Expired)));
    assert_eq!(bench.sink.take(1), values(&[(4, "b"), (5, "c")]));
    let joined = bench.join(2, Some(1));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Complete, None));
}

#[test]
fn of_values_one_that_expired_is_missing_though_others_came_after_it() {
    let mut bench = Bench::new(Class::Latest, Keep { age_ms_max: 100, ..PLENTY });
    bench.value("a");
    bench.pass(60);
    bench.value("b");
    bench.value("b");
    bench.pass(60);
    let joined = bench.join(0, Some(0));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Gap, gap(1, 1, GapReason::Expired)));
    assert_eq!(bench.sink.take(0), values(&[(3, "b")]));
    bench.pass(60);
    let joined = bench.join(1, Some(0));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Gap, gap(1, 3, GapReason::Expired)));
    bench.value("b");
    let joined = bench.join(2, Some(3));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Complete, None));
    assert_eq!(bench.stream.position(), Position { epoch: EPOCH, offset: 4 });
}

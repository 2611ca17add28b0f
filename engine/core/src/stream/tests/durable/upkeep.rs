//! What is let go, and what is written for it.

use super::{Bench, Write, keeping};
use super::{PLENTY, SHELF, entries};
use crate::policy::{Keep, Overflow, Shelf};
use tidings_proto::kept::{Kind, RECORD_OVERHEAD_BYTES};

/// What an entry of this file counts for: its name and `null` beside the record.
const ENTRY_BYTES: u64 = RECORD_OVERHEAD_BYTES + 5;

fn bounded(keep: Keep, overflow: Overflow) -> Bench {
    Bench::new(Kind::Channel, PLENTY, Shelf { keep, overflow, ..SHELF })
}

fn floor(bench: &Bench) -> u64 {
    bench.stream.whole_from()
}

#[test]
fn the_head_is_written_before_what_it_lets_go_is_removed() {
    let mut bench = Bench::new(Kind::Channel, PLENTY, keeping(3));
    bench.store(5);
    let (wanted, writes) = bench.upkeep();
    assert!(wanted);
    let [Write::Head(head), Write::Remove(1, 2)] = &writes[..] else { panic!("{writes:?}") };
    assert_eq!((head.floor, head.last, head.stream), (3, 5, super::STREAM));
    assert_eq!(bench.disk.offsets(), [3, 4, 5]);
    assert_eq!(bench.upkeep(), (false, vec![]));
    bench.store(1);
    let (_, writes) = bench.upkeep();
    assert!(matches!(&writes[..], [Write::Head(_), Write::Remove(3, 3)]), "{writes:?}");
}

#[test]
fn entries_go_by_count_bytes_and_age() {
    let bytes_max = usize::try_from(3 * ENTRY_BYTES).unwrap();
    let keeps = [Keep { entries_max: 3, ..SHELF.keep }, Keep { bytes_max, ..SHELF.keep }];
    for keep in keeps {
        let mut bench = bounded(keep, Overflow::DropOldest);
        bench.store(3);
        assert_eq!(bench.upkeep(), (false, vec![]), "at the bound is not above it");
        bench.store(2);
        bench.upkeep();
        assert_eq!((floor(&bench), bench.disk.offsets()), (3, vec![3, 4, 5]));
    }
    let mut bench = bounded(Keep { age_ms_max: 100, ..SHELF.keep }, Overflow::DropOldest);
    bench.store(2);
    bench.pass(50);
    bench.store(1);
    bench.pass(50);
    assert_eq!(bench.upkeep(), (false, vec![]));
    bench.pass(1);
    bench.upkeep();
    assert_eq!(bench.disk.offsets(), [3]);
    bench.crash(9);
    bench.pass(50);
    bench.upkeep();
    assert_eq!((floor(&bench), bench.disk.offsets().len()), (4, 0), "ages outlive the process");
}

#[test]
fn what_is_not_stored_stays_and_drives_nothing_out() {
    let mut bench = Bench::new(Kind::Channel, PLENTY, keeping(2));
    bench.store(2);
    for _ in 0..5 {
        bench.append("E", "null");
    }
    assert_eq!(bench.upkeep(), (false, vec![]), "they may never come to be");
    bench.fail(0);
    assert_eq!(bench.disk.offsets(), [1, 2]);
    bench.store(5);
    bench.upkeep();
    assert_eq!(bench.disk.offsets(), [6, 7]);
    let mut bench = bounded(Keep { age_ms_max: 10, ..SHELF.keep }, Overflow::DropOldest);
    bench.store(1);
    bench.append("E", "null");
    bench.pass(1_000);
    bench.upkeep();
    assert_eq!((floor(&bench), bench.disk.offsets()), (2, vec![2]));
    bench.join(0, Some(1));
    bench.sync();
    assert_eq!(bench.sink.take(0), entries(2..=2), "it is old before it is stored, and comes all the same");
    bench.upkeep();
    assert_eq!((floor(&bench), bench.disk.offsets().len()), (3, 0), "and is let go by its age then");
}

#[test]
fn a_stream_that_refuses_lets_go_by_age_alone() {
    let bytes_max = usize::try_from(2 * ENTRY_BYTES + 1).unwrap();
    let keep = Keep { bytes_max, age_ms_max: 100, ..SHELF.keep };
    let mut bench = bounded(keep, Overflow::Refuse);
    bench.store(1);
    bench.append("E", "null");
    assert!(!bench.stream.is_full());
    bench.append("E", "null");
    assert!(bench.stream.is_full(), "what waits for the disk counts");
    bench.sync();
    assert_eq!(bench.upkeep(), (false, vec![]), "the one that passed the bound drives nothing out");
    assert!(bench.stream.is_full());
    bench.pass(101);
    bench.upkeep();
    assert!(bench.disk.offsets().is_empty() && !bench.stream.is_full());
    let mut bench = bounded(Keep { entries_max: 2, ..SHELF.keep }, Overflow::Refuse);
    bench.store(1);
    assert!(!bench.stream.is_full());
    bench.append("E", "null");
    assert!(bench.stream.is_full());
    bench.fail(0);
    assert!(!bench.stream.is_full(), "what never came to be takes no room");
    bench.store(1);
    bench.policy = bounded(Keep { entries_max: 1, ..SHELF.keep }, Overflow::Refuse).policy;
    bench.crash(0);
    assert_eq!(bench.upkeep(), (false, vec![]), "also when it may hold less than it did");
    let mut bench = Bench::new(Kind::Channel, PLENTY, keeping(1));
    bench.store(3);
    assert!(!bench.stream.is_full(), "who drops the oldest is never full");
}

#[test]
fn bytes_are_counted_right_across_removal_failure_and_restart() {
    let bytes_max = usize::try_from(3 * ENTRY_BYTES).unwrap();
    let mut bench = bounded(Keep { bytes_max, ..SHELF.keep }, Overflow::DropOldest);
    bench.store(4);
    bench.upkeep();
    bench.append("E", "null");
    bench.fail(0);
    bench.store(1);
    bench.upkeep();
    assert_eq!(bench.disk.offsets(), [3, 4, 5]);
    bench.sync();
    bench.crash(0);
    assert!(!bench.stream.wants_upkeep(bench.now));
    bench.store(1);
    bench.upkeep();
    assert_eq!(bench.disk.offsets(), [4, 5, 6]);
}

#[test]
fn a_removal_that_a_crash_prevented_is_done_and_lets_nothing_more_go() {
    let bytes_max = usize::try_from(3 * ENTRY_BYTES).unwrap();
    let keep = Keep { bytes_max, age_ms_max: 100, ..SHELF.keep };
    for restarts in [false, true] {
        let mut bench = bounded(keep, Overflow::DropOldest);
        bench.store(2);
        bench.pass(60);
        bench.store(3);
        bench.pass(41);
        bench.upkeep();
        assert_eq!(bench.disk.offsets(), [3, 4, 5]);
        // The head is there, the removal is not.
        if restarts {
            bench.crash(1)
        } else {
            bench.fail(1)
        }
        assert_eq!((floor(&bench), bench.disk.offsets().len()), (3, 5));
        let (wanted, writes) = bench.upkeep();
        assert!(wanted && writes.iter().any(|write| matches!(write, Write::Remove(1, 2))), "{writes:?}");
        assert_eq!((floor(&bench), bench.disk.offsets()), (3, vec![3, 4, 5]));
    }
    // All of it was let go, and none of it removed.
    let mut bench = bounded(Keep { bytes_max: 1, ..keep }, Overflow::Refuse);
    bench.store(2);
    bench.pass(101);
    bench.upkeep();
    bench.crash(1);
    assert!(!bench.stream.is_full());
    bench.upkeep();
    assert!(bench.disk.offsets().is_empty());
}

#[test]
fn what_was_not_written_is_told_again() {
    let mut bench = Bench::new(Kind::Channel, PLENTY, keeping(3));
    bench.store(5);
    let upkeep = bench.stream.upkeep(bench.now, &mut |from| bench.disk.edge(from)).unwrap();
    assert!(upkeep.head.is_some() && upkeep.remove == Some((1, 2)));
    bench.stream.unsettle();
    let (_, writes) = bench.upkeep();
    assert!(matches!(&writes[..], [Write::Head(_), Write::Remove(1, 2)]), "{writes:?}");
}

#[test]
fn what_cannot_be_read_is_not_let_go() {
    for keep in [Keep { entries_max: 3, ..SHELF.keep }, Keep { age_ms_max: 100, ..SHELF.keep }] {
        let mut bench = bounded(keep, Overflow::DropOldest);
        bench.store(5);
        bench.pass(101);
        let upkeep = bench.stream.upkeep(bench.now, &mut |_| None).unwrap();
        assert_eq!((upkeep.head, upkeep.remove, upkeep.more), (None, None, false));
        assert_eq!(floor(&bench), 1);
        assert!(bench.stream.wants_upkeep(bench.now));
    }
}

#[test]
fn what_the_disk_lost_is_stepped_over() {
    let mut bench = Bench::new(Kind::Channel, PLENTY, keeping(3));
    bench.store(5);
    bench.disk.lose(3);
    bench.upkeep();
    assert_eq!((floor(&bench), bench.disk.offsets()), (4, vec![4, 5]));
}

#[test]
fn a_long_tail_is_let_go_in_parts() {
    let keep = Keep { entries_max: 2_000, age_ms_max: 100, ..SHELF.keep };
    let mut bench = bounded(keep, Overflow::DropOldest);
    bench.store(1_500);
    bench.pass(101);
    let first = bench.stream.upkeep(bench.now, &mut |from| bench.disk.edge(from)).unwrap();
    assert_eq!((first.remove, first.more), (Some((1, 1_000)), true));
    let second = bench.stream.upkeep(bench.now, &mut |from| bench.disk.edge(from)).unwrap();
    assert_eq!((second.remove, second.more), (Some((1_001, 1_500)), false));
}

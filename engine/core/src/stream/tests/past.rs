//! What is seen of a stream from outside, in memory.

use super::{EPOCH, Keep, NUMBER, PLENTY, Reader, policy, publication};
use crate::policy::Class;
use crate::stream::{Begin, Past, PastPage, PastRead, Stream};
use crate::time::{Instant, Now};
use std::sync::Arc;
use tidings_proto::frame::{GapReason, Missing};
use tidings_proto::id::{Epoch, Position};
use tidings_proto::payload::DataRef;

const NOW: Now = Now { instant: Instant(1_000), wall_ms: 1_790_000_000_000 };

fn stream(class: Class, keep: Keep, keys: &[Option<&str>]) -> Stream<Reader> {
    let mut stream = Stream::new(NUMBER, EPOCH, Arc::new(policy(class, keep)), NOW);
    for key in keys {
        stream.publish(&publication("E", DataRef::NULL, *key), NOW);
    }
    stream
}

fn seen(stream: &mut Stream<Reader>, begin: Begin, entries_max: u64) -> (Vec<u64>, Past) {
    let past = stream.past(begin, entries_max, NOW);
    (past.entries.iter().map(|entry| entry.offset).collect(), past)
}

fn since(epoch: Epoch, offset: u64) -> Begin {
    Begin::Since(Position { epoch, offset })
}

#[test]
fn pages_forward_and_back_meet_without_hole_and_overlap() {
    let mut stream = stream(Class::Reliable, PLENTY, &[None; 10]);
    assert_eq!(seen(&mut stream, Begin::Newest, 3).0, [8, 9, 10]);
    assert_eq!(seen(&mut stream, Begin::Before(8), 3).0, [5, 6, 7]);
    assert_eq!(seen(&mut stream, Begin::Before(2), 3).0, [1]);
    assert_eq!(seen(&mut stream, Begin::Before(1), 3).0, [0; 0]);
    assert_eq!(seen(&mut stream, Begin::Before(0), 3).0, [0; 0]);
    assert_eq!(seen(&mut stream, since(EPOCH, 0), 4).0, [1, 2, 3, 4]);
    let (offsets, past) = seen(&mut stream, Begin::Behind(4), 4);
    assert_eq!((offsets, past.from, past.to, past.missing), (vec![5, 6, 7, 8], 5, 8, None));
    let (offsets, past) = seen(&mut stream, since(EPOCH, 10), 4);
    assert_eq!((offsets.len(), past.from, past.to), (0, 11, 10));
    assert_eq!((past.position.offset, past.first, past.disk), (10, 1, None));
}

#[test]
fn what_is_gone_is_told() {
    let mut stream = stream(Class::Reliable, Keep { entries_max: 4, ..PLENTY }, &[None; 10]);
    let missing = |from, to, reason| Some(Missing { from, to, reason });
    for (begin, expected) in [
        (since(EPOCH, 2), missing(3, 6, GapReason::Expired)),
        (since(EPOCH, 6), None),
        (since(Epoch(8), 6), missing(1, 6, GapReason::Epoch)),
        (since(EPOCH, 11), missing(7, 6, GapReason::Future)),
        (Begin::Newest, None),
    ] {
        let (offsets, past) = seen(&mut stream, begin, 100);
        assert_eq!((offsets, past.missing), (vec![7, 8, 9, 10], expected), "{begin:?}");
    }
}

#[test]
fn values_that_were_replaced_are_no_hole() {
    let mut stream = stream(Class::Latest, PLENTY, &[Some("a"), Some("b"), Some("a"), Some("c"), Some("a")]);
    assert_eq!(seen(&mut stream, since(EPOCH, 0), 100).0, [2, 4, 5]);
    let (offsets, past) = seen(&mut stream, since(EPOCH, 0), 2);
    assert_eq!((offsets, past.to), (vec![2, 4], 4));
    let (offsets, past) = seen(&mut stream, Begin::Newest, 2);
    assert_eq!((offsets, past.from), (vec![4, 5], 4));
}

#[test]
fn holes_on_disk_are_told_by_their_reason() {
    let (kept, part) = (stream(Class::Reliable, PLENTY, &[None; 10]), 1..=9);
    let mut kept = kept;
    let entries = kept.past(Begin::Newest, 10, NOW).entries;
    let past = Past { from: *part.start(), to: *part.end(), ..kept.past(Begin::Newest, 0, NOW) };
    let some: Vec<_> = [4, 5, 8].into_iter().map(|offset: usize| entries[offset - 1].clone()).collect();
    let hole = |from, to, reason| Missing { from, to, reason };
    let expected = [
        hole(1, 2, GapReason::Expired),
        hole(3, 3, GapReason::Lost),
        hole(6, 7, GapReason::Lost),
        hole(9, 9, GapReason::Lost),
    ];
    assert_eq!(past.holes(&some, 9, 3), expected);
    // Reading ended with the last entry: what is behind it was not looked at.
    assert_eq!(past.holes(&some, 8, 3), expected[..3]);
    assert_eq!(past.holes(&[], 9, 20), [hole(1, 9, GapReason::Expired)]);
}

#[test]
fn what_stood_before_a_position_of_another_epoch_is_gone() {
    let mut stream = stream(Class::Reliable, Keep { entries_max: 4, ..PLENTY }, &[None; 10]);
    let older = |epoch, offset| Begin::Older(Position { epoch, offset });
    assert_eq!(seen(&mut stream, older(EPOCH, 9), 1).0, [8]);
    assert_eq!(seen(&mut stream, older(EPOCH, 99), 1).0, [10]);
    let (offsets, past) = seen(&mut stream, older(Epoch(8), 9), 10);
    assert_eq!((offsets.len(), past.from, past.to), (0, 7, 6));
    assert_eq!(past.missing, Some(Missing { from: 1, to: 0, reason: GapReason::Epoch }));
    assert!(!past.of_memory(older(Epoch(8), 9), 100).has_more());
}

fn offsets(page: &PastPage) -> Vec<u64> {
    page.entries.iter().map(|entry| entry.offset).collect()
}

#[test]
fn a_page_ends_where_its_bytes_do_and_has_one_entry_at_least() {
    let mut stream = stream(Class::Reliable, PLENTY, &[None; 10]);
    let (forward, back) = (since(EPOCH, 2), Begin::Before(9));
    let bytes = stream.past(Begin::Newest, 1, NOW).entries[0].text_bytes();
    for (begin, bytes_max, expected, more) in [
        (forward, bytes * 3, vec![3, 4, 5], true),
        (forward, bytes * 4 - 1, vec![3, 4, 5], true),
        (forward, 0, vec![3], true),
        (forward, bytes * 100, (3..=10).collect(), false),
        (back, bytes * 3, vec![6, 7, 8], true),
        (back, 0, vec![8], true),
        (back, bytes * 100, (1..=8).collect(), false),
    ] {
        let page = stream.past(begin, 100, NOW).of_memory(begin, bytes_max);
        assert_eq!((offsets(&page), page.has_more()), (expected, more), "{begin:?} {bytes_max}");
        let ends = (page.entries[0].offset, page.entries[page.entries.len() - 1].offset);
        assert_eq!((page.from, page.to), ends, "{begin:?} {bytes_max}");
    }
}

#[test]
fn holes_behind_the_end_of_a_page_are_told_by_the_next() {
    let mut stream = stream(Class::Reliable, PLENTY, &[None; 10]);
    let all = stream.past(Begin::Newest, 10, NOW).entries;
    let some: Vec<_> = [2, 5, 9].into_iter().map(|offset: usize| all[offset - 1].clone()).collect();
    let hole = |from, to| Missing { from, to, reason: GapReason::Lost };
    let past = Past { disk: Some(1), entries: Vec::new(), ..stream.past(Begin::Newest, 0, NOW) };
    for (begin, few, whole) in [
        (Begin::Behind(0), vec![hole(1, 1), hole(3, 4)], vec![hole(1, 1), hole(3, 4), hole(6, 8), hole(10, 10)]),
        (Begin::Newest, vec![hole(6, 8), hole(10, 10)], vec![hole(1, 1), hole(3, 4), hole(6, 8), hole(10, 10)]),
    ] {
        let read = PastRead { from: 1, entries: some.clone(), reached: 10 };
        let past = Past { from: 1, to: 10, ..past.clone() };
        let mut page = past.of_disk(begin, read, 1);
        assert_eq!((&page.missing, offsets(&page)), (&whole, vec![2, 5, 9]));
        page.fit(2, |_| 1);
        assert_eq!(page.missing, few, "{begin:?}");
        assert!(page.has_more());
    }
}

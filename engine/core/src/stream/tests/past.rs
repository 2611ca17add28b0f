//! What is seen of a stream from outside, in memory.

use super::{EPOCH, Keep, NUMBER, PLENTY, Reader, policy, publication};
use crate::policy::Class;
use crate::stream::{Begin, Missing, Past, Stream};
use crate::time::{Instant, Now};
use std::sync::Arc;
use tidings_proto::frame::GapReason;
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

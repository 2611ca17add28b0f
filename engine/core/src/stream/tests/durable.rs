//! Streams whose entries wait for the disk.

#![cfg_attr(fuzzing, allow(dead_code, unused_imports, reason = "a fuzz target takes its model alone"))]

mod disk;
#[cfg(test)]
mod inbox;
pub(crate) mod life;
#[cfg(test)]
mod upkeep;

use super::{EPOCH, Got, NUMBER, PLENTY, Reader, SHELF, Sink, entries, gap, policy, publication};
use crate::policy::{Class, Keep, Policy, Shelf};
use crate::stream::{Forward, InboxJoined, Joined, Origin, PageRead, Stream};
use crate::time::{Instant, Now};
use disk::{Disk, Write};
use std::sync::Arc;
use tidings_proto::frame::{GapReason, Recovered};
use tidings_proto::id::{Epoch, Position};
use tidings_proto::kept::Kind;
use tidings_proto::payload::{Codec, DataRef};
use tidings_proto::wire::WireForm;

/// The number of the stream's records.
const STREAM: u64 = 40;

/// A stream, its disk, its sink and its clock.
struct Bench {
    stream: Stream<Reader>,
    disk: Disk,
    sink: Sink,
    now: Now,
    kind: Kind,
    policy: Arc<Policy>,
    /// Most entries that one reading brings.
    page: usize,
}

impl Bench {
    fn new(kind: Kind, keep: Keep, shelf: Shelf) -> Self {
        let policy = Arc::new(Policy { shelf, ..policy(Class::Durable, keep) });
        let now = Now { instant: Instant(1_000), wall_ms: 1_790_000_000_000 };
        let origin = Origin::New { epoch: EPOCH, stream: STREAM };
        let stream = Stream::on_disk(NUMBER, origin, kind, Arc::clone(&policy), now);
        Self { stream, disk: Disk::default(), sink: Sink::default(), now, kind, policy, page: 100 }
    }

    /// A channel of which memory keeps nothing that is stored.
    fn forgetful() -> Self {
        Self::new(Kind::Channel, Keep::NOTHING, SHELF)
    }

    fn channel() -> Self {
        Self::new(Kind::Channel, PLENTY, SHELF)
    }

    fn pass(&mut self, ms: u64) {
        self.now.instant = self.now.instant + ms;
        self.now.wall_ms += ms;
    }

    /// Places an entry and writes it, not yet behind the barrier.
    fn append(&mut self, event: &str, data: &str) -> u64 {
        let data = DataRef::parse(Codec::Json, data.as_bytes()).unwrap();
        let append = self.stream.append(&publication(event, data, None), self.now).unwrap();
        assert_eq!(append.stream, STREAM);
        let offset = append.entry.offset;
        if let Some(head) = append.head {
            self.disk.write(Write::Head(head));
        }
        self.disk.write(Write::Entry(append.entry, append.bytes_sum));
        offset
    }

    /// The barrier returned.
    fn sync(&mut self) {
        self.disk.sync();
        self.stream.stored(self.disk.last(), self.now, &mut self.sink);
    }

    fn store(&mut self, count: u64) {
        for _ in 0..count {
            self.append("E", "null");
        }
        self.sync();
    }

    /// The disk fails, keeps so many of the writes that were not behind the barrier, and is opened afresh.
    fn fail(&mut self, kept: usize) {
        self.disk.crash(kept);
        self.stream.reopened(self.disk.last(), self.now, &mut self.sink);
    }

    /// As [`Bench::fail`], and the process is started anew.
    fn crash(&mut self, kept: usize) {
        self.disk.crash(kept);
        let origin = self.disk.origin();
        self.stream = Stream::on_disk(NUMBER, origin, self.kind, Arc::clone(&self.policy), self.now);
    }

    fn upkeep(&mut self) -> (bool, Vec<Write>) {
        let wanted = self.stream.wants_upkeep(self.now);
        let Some(upkeep) = self.stream.upkeep(self.now, &mut |from| self.disk.edge(from)) else {
            assert!(!wanted, "who asks has something on disk");
            return (false, Vec::new());
        };
        assert!(!upkeep.more);
        let head = upkeep.head.map(Write::Head).into_iter();
        let writes: Vec<_> = head.chain(upkeep.remove.map(|(from, to)| Write::Remove(from, to))).collect();
        writes.iter().cloned().for_each(|write| self.disk.write(write));
        assert!(wanted || writes.is_empty(), "who does not ask would miss this");
        assert!(!self.stream.wants_upkeep(self.now), "done is done");
        (wanted, writes)
    }

    fn enter(&mut self, id: usize, since: Option<Position>) -> Joined {
        let form = WireForm::ALL[id % WireForm::COUNT];
        self.stream.join(Reader { id, form }, since, self.now, &mut self.sink)
    }

    fn join(&mut self, id: usize, since: Option<u64>) -> Joined {
        let joined = self.enter(id, since.map(|offset| Position { epoch: EPOCH, offset }));
        self.catch_up(joined.slot);
        joined
    }

    fn enter_inbox(&mut self, id: usize, device: &str, since: Option<Position>) -> InboxJoined {
        let to = Reader { id, form: WireForm::ALL[id % WireForm::COUNT] };
        self.stream.join_inbox(to, device, since, self.now, &mut self.sink)
    }

    fn forward(&mut self, slot: u32) -> Forward {
        self.stream.catch_up(slot, self.now, &mut self.sink)
    }

    /// Hands over what the disk has.
    fn hand_over(&mut self, slot: u32, from: u64, to: u64) -> Forward {
        let (entries, is_whole) = self.disk.page(from, to, self.page);
        let read = PageRead { from, to, entries: &entries, is_whole };
        self.stream.hand_over(slot, read, self.now, &mut self.sink)
    }

    /// Reads forward as the stream's owner does. Whether the member is still behind.
    fn catch_up(&mut self, slot: u32) -> bool {
        let mut forward = self.forward(slot);
        while let Forward::Read { from, to } = forward {
            forward = self.hand_over(slot, from, to);
        }
        forward == Forward::Full
    }

    /// Why gaps were told to a reader, whose form is JSON.
    fn reasons(&self, id: usize) -> Vec<String> {
        let pieces = self.sink.pieces.iter().filter(|(to, ..)| *to == id);
        let text: String = pieces.map(|(_, piece, _)| String::from_utf8_lossy(piece).into_owned()).collect();
        text.split(r#""reason":""#).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    }
}

#[test]
fn nobody_gets_what_is_not_stored() {
    let mut bench = Bench::channel();
    let slot = bench.join(0, None).slot;
    for _ in 0..3 {
        bench.append("E", "null");
    }
    assert_eq!((bench.stream.position().offset, bench.stream.unstored(), bench.stream.kept()), (0, 3, 3));
    let joined = bench.join(1, Some(0));
    assert_eq!((joined.offset, joined.recovered, joined.gap), (0, Recovered::Complete, None));
    assert_eq!(bench.forward(slot), Forward::UpToDate);
    assert_eq!((bench.sink.take(0), bench.sink.take(1)), (vec![], vec![]));
    bench.disk.sync();
    bench.stream.stored(2, bench.now, &mut bench.sink);
    assert_eq!((bench.sink.take(0), bench.sink.take(1)), (entries(1..=2), entries(1..=2)));
    assert_eq!((bench.stream.position().offset, bench.stream.unstored()), (2, 1));
    bench.sync();
    bench.sync();
    assert_eq!((bench.sink.take(0), bench.sink.take(1)), (entries(3..=3), entries(3..=3)), "once");
    assert_eq!(bench.sink.pieces.len(), 4, "what was stored together leaves as one piece");
}

#[test]
fn the_head_goes_before_the_first_entry_and_not_before_every_entry() {
    let mut bench = Bench::channel();
    assert!(!bench.stream.wants_upkeep(bench.now), "a stream that was only looked at leaves nothing");
    bench.store(2);
    let heads = bench.disk.log.iter().map(|write| matches!(write, Write::Head(_))).collect::<Vec<_>>();
    assert_eq!(heads, [true, false, false]);
    assert_eq!(bench.upkeep(), (false, vec![]));
    bench.crash(0);
    bench.store(1);
    assert_eq!(bench.disk.log.len(), 4, "who was found has a head");
    assert_eq!(bench.stream.disk_number(), Some(STREAM));
}

#[test]
fn behind_reads_from_memory_then_from_disk_then_meets_what_comes() {
    let keep = Keep { entries_max: 4, ..PLENTY };
    let mut bench = Bench::new(Kind::Channel, keep, SHELF);
    bench.page = 3;
    bench.store(10);
    assert_eq!(bench.stream.kept(), 4);
    let slot = bench.enter(0, Some(Position { epoch: EPOCH, offset: 1 })).slot;
    assert_eq!(bench.forward(slot), Forward::Read { from: 2, to: 6 });
    bench.append("E", "null");
    bench.sync();
    assert_eq!(bench.hand_over(slot, 2, 6), Forward::Read { from: 5, to: 7 }, "memory has moved on meanwhile");
    assert_eq!(bench.hand_over(slot, 5, 7), Forward::UpToDate);
    bench.store(1);
    assert_eq!(bench.sink.take(0), entries(2..=12));
    let joined = bench.join(1, Some(9));
    assert_eq!(joined.recovered, Recovered::Complete);
    assert_eq!(bench.sink.take(1), entries(10..=12), "memory alone");
}

#[test]
fn what_waits_for_the_disk_stays_in_memory_and_what_is_stored_is_read_past_it() {
    let mut bench = Bench::forgetful();
    bench.store(3);
    bench.append("E", "null");
    bench.append("E", "null");
    bench.pass(1_000_000);
    bench.stream.trim(bench.now);
    assert_eq!(bench.stream.kept(), 2);
    let slot = bench.enter(0, Some(Position { epoch: EPOCH, offset: 1 })).slot;
    assert_eq!(bench.forward(slot), Forward::Read { from: 2, to: 3 });
    assert_eq!(bench.hand_over(slot, 2, 3), Forward::UpToDate);
    bench.sync();
    assert_eq!((bench.sink.take(0), bench.stream.kept()), (entries(2..=5), 0));
}

#[test]
fn who_is_full_stays_where_it_is() {
    let mut bench = Bench::forgetful();
    let slot = bench.join(0, None).slot;
    bench.sink.room.insert(0, 0);
    bench.store(5);
    assert_eq!(bench.forward(slot), Forward::Read { from: 1, to: 5 }, "memory has nothing of it");
    assert_eq!(bench.hand_over(slot, 1, 5), Forward::Full);
    assert_eq!(bench.forward(slot), Forward::Read { from: 1, to: 5 });
    bench.page = 2;
    bench.sink.room.insert(0, 2);
    assert!(bench.catch_up(slot));
    assert_eq!(bench.sink.take(0), entries(1..=4));
    bench.sink.room.clear();
    assert!(!bench.catch_up(slot));
    assert_eq!(bench.sink.take(0), entries(5..=5));
}

#[test]
fn a_stale_page_changes_nothing() {
    let mut bench = Bench::forgetful();
    bench.store(5);
    let slot = bench.enter(0, Some(Position { epoch: EPOCH, offset: 0 })).slot;
    assert_eq!(bench.forward(slot), Forward::Read { from: 1, to: 5 });
    assert_eq!(bench.hand_over(slot, 1, 3), Forward::Read { from: 4, to: 5 });
    assert_eq!(bench.hand_over(slot, 1, 5), Forward::Read { from: 4, to: 5 });
    assert_eq!(bench.hand_over(slot, 4, 5), Forward::UpToDate);
    assert_eq!(bench.hand_over(slot, 4, 5), Forward::UpToDate);
    assert_eq!(bench.sink.take(0), entries(1..=5));
    bench.stream.leave(slot, bench.now, &mut bench.sink);
    assert_eq!(bench.hand_over(slot, 1, 5), Forward::UpToDate, "nobody is there");
    assert_eq!(bench.join(1, None).slot, slot);
    assert_eq!(bench.hand_over(slot, 1, 5), Forward::UpToDate);
    assert_eq!(bench.sink.take(1), [], "and this one did not ask");
}

#[test]
fn a_small_page_takes_a_small_piece_of_memory() {
    let mut bench = Bench::forgetful();
    bench.store(1);
    bench.join(0, Some(0));
    let (_, piece, _) = bench.sink.pieces.pop().unwrap();
    bench.sink.pieces.clear();
    let bytes = piece.len();
    let capacity = piece.try_into_mut().map(|piece| piece.capacity());
    assert!(capacity.is_ok_and(|capacity| capacity < 4 * bytes), "what waits for a socket counts as its length");
}

#[test]
fn what_the_disk_lost_is_told() {
    let mut bench = Bench::forgetful();
    bench.store(6);
    for offset in [1, 3, 4, 6] {
        bench.disk.lose(offset);
    }
    let joined = bench.join(0, Some(0));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Complete, None), "nobody knows before it is read");
    let told = |from, to| vec![Got::Gap { from, to }];
    let all = [told(1, 1), entries(2..=2), told(3, 4), entries(5..=5), told(6, 6)];
    assert_eq!(bench.sink.take(0), all.concat());
    assert_eq!(bench.reasons(0), ["lost"; 3]);
    bench.store(1);
    assert_eq!(bench.sink.take(0), entries(7..=7));
}

#[test]
fn positions_of_another_life_and_of_the_future_are_gaps_and_all_that_is_kept_follows() {
    let mut bench = Bench::new(Kind::Channel, Keep::NOTHING, keeping(3));
    bench.store(5);
    bench.upkeep();
    bench.append("E", "null");
    let joined = bench.enter(0, Some(Position { epoch: Epoch(8), offset: 4 }));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Gap, gap(1, 2, GapReason::Epoch)));
    bench.catch_up(joined.slot);
    for (id, offset) in [(1, 6), (2, 7), (3, u64::MAX)] {
        // The sixth is placed, but nobody can have it.
        let joined = bench.join(id, Some(offset));
        assert_eq!((joined.recovered, joined.gap), (Recovered::Gap, gap(3, 2, GapReason::Future)));
    }
    assert_eq!(bench.join(4, Some(5)).recovered, Recovered::Complete);
    let joined = bench.join(5, Some(0));
    assert_eq!((joined.recovered, joined.gap), (Recovered::Gap, gap(1, 2, GapReason::Expired)));
    bench.sync();
    for id in [0, 1, 2, 3, 5] {
        assert_eq!(bench.sink.take(id), entries(3..=6));
    }
    assert_eq!(bench.sink.take(4), entries(6..=6));
}

#[test]
fn what_never_came_to_be_leaves_its_place_to_others() {
    let mut bench = Bench::channel();
    bench.join(0, None);
    bench.store(2);
    for event in ["gone", "gone"] {
        bench.append(event, "null");
    }
    bench.fail(0);
    assert_eq!((bench.stream.position().offset, bench.stream.unstored(), bench.stream.kept()), (2, 0, 2));
    assert_eq!(bench.append("E", "null"), 3);
    bench.sync();
    assert_eq!(bench.sink.take(0), entries(1..=3));
    let heads = bench.disk.log.iter().filter(|write| matches!(write, Write::Head(_))).count();
    assert_eq!(heads, 2, "the head is written again, since nobody knows whether it is there");
}

#[test]
fn what_is_on_disk_after_all_is_delivered_once() {
    for restarts in [false, true] {
        let mut bench = Bench::channel();
        let slot = bench.join(0, None).slot;
        bench.store(1);
        for _ in 0..3 {
            bench.append("E", "null");
        }
        if restarts {
            bench.crash(2);
            bench.join(1, Some(1));
            assert_eq!(bench.sink.take(1), entries(2..=3));
            bench.join(0, Some(3));
        } else {
            bench.fail(2);
            assert_eq!(bench.forward(slot), Forward::UpToDate);
            assert_eq!(bench.sink.take(0), entries(1..=3));
        }
        bench.sink.take(0);
        bench.store(1);
        assert_eq!(bench.sink.take(0), entries(4..=4));
    }
}

#[test]
fn an_offset_that_was_stored_is_never_given_again() {
    let mut bench = Bench::channel();
    bench.store(5);
    bench.append("E", "null");
    for offset in 3..=6 {
        bench.disk.lose(offset);
    }
    bench.stream.reopened(2, bench.now, &mut bench.sink);
    assert_eq!((bench.stream.position().offset, bench.append("E", "null")), (5, 6));
    // All that was kept is let go, and only the head knows how far the stream had come.
    let mut bench = Bench::new(Kind::Channel, PLENTY, keeping(0));
    bench.store(5);
    bench.upkeep();
    assert!(bench.disk.offsets().is_empty());
    bench.crash(2);
    assert_eq!((bench.stream.position().offset, bench.append("E", "null")), (5, 6));
}

#[test]
fn what_is_passed_takes_no_place() {
    let mut bench = Bench::channel();
    let slot = bench.join(0, None).slot;
    bench.join(1, None);
    bench.join(2, None);
    bench.append("E", "null");
    bench.sink.room.insert(1, 0);
    let passed = publication("P", DataRef::NULL, None);
    bench.stream.pass(&passed, bench.now, &mut bench.sink);
    bench.sync();
    bench.stream.pass(&passed, bench.now, &mut bench.sink);
    bench.sink.room.clear();
    bench.stream.pass(&passed, bench.now, &mut bench.sink);
    let told = || vec![Got::Passed { event: "P".to_owned() }];
    assert_eq!(bench.sink.take(0), [told(), entries(1..=1), told(), told()].concat());
    assert_eq!(bench.sink.take(1), told(), "also whoever is behind, if there is room");
    assert_eq!((bench.sink.skipped, bench.stream.position().offset, bench.stream.unstored()), (2, 1, 0));
    assert!(!bench.catch_up(slot));
    bench.catch_up(slot + 1);
    assert_eq!(bench.sink.take(1), entries(1..=1));
    assert_eq!(bench.disk.offsets(), [1]);
    // In memory as on disk: what was placed before comes before.
    let mut reliable = super::Bench::reliable();
    reliable.join(0, None);
    reliable.place("E", None, "null");
    reliable.stream.pass(&passed, reliable.now, &mut reliable.sink);
    reliable.publish(1);
    assert_eq!(reliable.sink.take(0), [entries(1..=1), told(), entries(2..=2)].concat());
    assert_eq!(reliable.stream.kept(), 2);
}

fn keeping(entries_max: usize) -> Shelf {
    Shelf { keep: Keep { entries_max, ..SHELF.keep }, ..SHELF }
}

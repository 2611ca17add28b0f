//! Random lives of a stream on disk, with failures and crashes at any step, against a model that is too plain to be
//! wrong.
//!
//! The model keeps every entry that was stored in one list, the first of them that is still kept, and what each device
//! has. Each reader checks each frame as it comes, and comes back after a crash with the position it has.

use super::{Bench, Write};
use super::{EPOCH, Got, NUMBER, PLENTY, PageRead, Reader, SHELF};
use crate::policy::{Keep, Overflow, Shelf};
use crate::stream::Forward;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use std::collections::BTreeMap;
use tidings_proto::frame::{Gap, GapReason, Recovered};
use tidings_proto::id::{Epoch, Position};
use tidings_proto::kept::{Entry, Kind};
use tidings_proto::wire::WireForm;

const DEVICES: [&str; 3] = ["", "phone", "tablet"];

#[derive(Debug, Clone, Copy)]
pub(crate) enum Since {
    Nothing,
    /// So many entries before the last one that is stored.
    Ago(u64),
    Future(u64),
    OtherEpoch(u64),
    /// Where a reader stood when the process crashed.
    Again(usize),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    Append(usize),
    Sync,
    /// The barrier of an earlier moment returns: all but so many of those that wait.
    SyncPart(u64),
    /// The disk fails and keeps so many of the writes that waited.
    Fail(usize),
    Crash(usize),
    Join(usize, Since),
    Leave(usize),
    CatchUp(usize, usize),
    /// Begins to read for a reader; the page comes later.
    Read(usize, usize),
    HandOver(usize),
    Fill(usize, usize),
    Drain(usize),
    /// So many entries before the one where the reader stands, or behind it.
    Acknowledge(usize, i64),
    Upkeep,
    Pass(u64),
    Trim,
}

fn since() -> impl Strategy<Value = Since> {
    prop_oneof![
        3 => Just(Since::Nothing),
        5 => (0_u64..12).prop_map(Since::Ago),
        1 => prop_oneof![1_u64..5, Just(u64::MAX)].prop_map(Since::Future),
        1 => prop_oneof![0_u64..20, Just(u64::MAX)].prop_map(Since::OtherEpoch),
        4 => (0_usize..8).prop_map(Since::Again),
    ]
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let reader = 0_usize..8;
    prop_oneof![
        14 => prop_oneof![8 => 0_usize..80, 1 => 300_usize..900].prop_map(Op::Append),
        6 => Just(Op::Sync),
        2 => (0_u64..4).prop_map(Op::SyncPart),
        1 => (0_usize..5).prop_map(Op::Fail),
        1 => (0_usize..5).prop_map(Op::Crash),
        5 => (0_usize..3, since()).prop_map(|(device, since)| Op::Join(device, since)),
        1 => reader.clone().prop_map(Op::Leave),
        3 => (reader.clone(), 1_usize..6).prop_map(|(reader, page)| Op::CatchUp(reader, page)),
        3 => (reader.clone(), 1_usize..6).prop_map(|(reader, page)| Op::Read(reader, page)),
        3 => reader.clone().prop_map(Op::HandOver),
        3 => (reader.clone(), 0_usize..3).prop_map(|(reader, pieces)| Op::Fill(reader, pieces)),
        2 => reader.clone().prop_map(Op::Drain),
        4 => (reader, prop_oneof![3 => Just(0_i64), 1 => -3_i64..4]).prop_map(|(reader, more)| Op::Acknowledge(reader, more)),
        3 => Just(Op::Upkeep),
        2 => (0_u64..80).prop_map(Op::Pass),
        1 => Just(Op::Trim),
    ]
}

fn keep() -> impl Strategy<Value = Keep> {
    let entries_max = prop_oneof![Just(0_usize), 1_usize..8, Just(1_000)];
    let bytes_max = prop_oneof![Just(0_usize), 200_usize..3_000, Just(1_000_000)];
    let age_ms_max = prop_oneof![0_u64..200, Just(1_000_000)];
    (entries_max, bytes_max, age_ms_max).prop_map(|(entries_max, bytes_max, age_ms_max)| Keep {
        entries_max,
        bytes_max,
        age_ms_max,
    })
}

/// A member as the model sees it.
#[derive(Debug)]
struct Seat {
    id: usize,
    slot: u32,
    device: &'static str,
    /// Everything up to here was delivered or told to be missing, or came before the reader.
    at: u64,
}

/// A page that was read and not handed over yet.
#[derive(Debug)]
struct Reading {
    slot: u32,
    from: u64,
    to: u64,
    entries: Vec<Entry>,
    is_whole: bool,
}

struct World {
    bench: Bench,
    /// All that was placed, by offset; those above `stored` may never come to be.
    placed: Vec<Entry>,
    stored: u64,
    floor: u64,
    devices: BTreeMap<&'static str, u64>,
    seats: Vec<Seat>,
    /// Where readers stood when the process crashed.
    gone: Vec<u64>,
    readings: Vec<Reading>,
    next_id: usize,
}

impl World {
    fn new(kind: Kind, memory: Keep, shelf: Shelf) -> Self {
        Self {
            bench: Bench::new(kind, memory, shelf),
            placed: Vec::new(),
            stored: 0,
            floor: 1,
            devices: BTreeMap::new(),
            seats: Vec::new(),
            gone: Vec::new(),
            readings: Vec::new(),
            next_id: 0,
        }
    }

    fn is_inbox(&self) -> bool {
        self.bench.kind == Kind::Inbox
    }

    fn step(&mut self, op: Op) -> TestCaseResult {
        let seats = self.seats.len();
        let at = |index: usize| index.checked_rem(seats);
        match op {
            Op::Append(bytes) => self.append(bytes)?,
            Op::Sync => self.store(0),
            Op::SyncPart(left) => self.store(left),
            Op::Fail(kept) => self.fail(kept)?,
            Op::Crash(kept) => self.crash(kept)?,
            Op::Join(device, since) => self.join(DEVICES[device], since)?,
            Op::Upkeep => self.upkeep()?,
            Op::Pass(ms) => self.bench.pass(ms),
            Op::Trim => self.bench.stream.trim(self.bench.now),
            Op::HandOver(index) => self.hand_over(index)?,
            Op::Leave(index) => at(index).map_or(Ok(()), |index| self.leave(index))?,
            Op::CatchUp(index, page) => at(index).map_or(Ok(()), |index| self.catch_up(index, page))?,
            Op::Read(index, page) => at(index).map_or(Ok(()), |index| self.read(index, page))?,
            Op::Acknowledge(index, more) => at(index).map_or(Ok(()), |index| self.acknowledge(index, more))?,
            Op::Fill(index, pieces) => {
                let id = at(index).map(|index| self.seats[index].id);
                self.bench.sink.room.extend(id.map(|id| (id, pieces)));
            }
            Op::Drain(index) => {
                at(index).and_then(|index| self.bench.sink.room.remove(&self.seats[index].id));
            }
        }
        prop_assert_eq!(self.bench.stream.members(), self.seats.len());
        prop_assert_eq!(self.bench.stream.position(), Position { epoch: EPOCH, offset: self.stored });
        prop_assert_eq!(self.bench.stream.unstored(), self.placed.len() as u64 - self.stored);
        self.look()
    }

    fn append(&mut self, bytes: usize) -> TestCaseResult {
        if self.bench.stream.is_full() {
            prop_assert_eq!(self.bench.policy.shelf.overflow, Overflow::Refuse);
            return Ok(());
        }
        // No two entries are alike, so that one in the place of another is seen.
        self.next_id += 1;
        let event = format!("e{}", self.next_id);
        let offset = self.bench.append(&event, &format!("\"{}\"", "x".repeat(bytes)));
        let Some(Write::Entry(entry, _)) = self.bench.disk.log.last().cloned() else { panic!("it was written") };
        prop_assert_eq!((offset, &*entry.event), (self.placed.len() as u64 + 1, &*event));
        self.placed.push(entry);
        Ok(())
    }

    fn store(&mut self, left: u64) {
        self.bench.disk.sync();
        self.stored = self.stored.max((self.placed.len() as u64).saturating_sub(left));
        self.bench.stream.stored(self.stored, self.bench.now, &mut self.bench.sink);
    }

    /// What is on disk after a failure counts as stored, and nothing else does.
    fn reload(&mut self) -> TestCaseResult {
        let last = self.bench.disk.last();
        prop_assert!(last >= self.stored, "what was stored is there");
        self.stored = last;
        self.placed.truncate(usize::try_from(last).unwrap());
        Ok(())
    }

    fn fail(&mut self, kept: usize) -> TestCaseResult {
        self.bench.fail(kept);
        self.reload()
    }

    fn crash(&mut self, kept: usize) -> TestCaseResult {
        self.look()?;
        self.bench.crash(kept);
        self.reload()?;
        self.gone.extend(self.seats.drain(..).map(|seat| seat.at));
        self.readings.clear();
        // What was let go and not yet written down may be there again.
        let (head, offsets) = (self.bench.disk.head(), self.bench.disk.offsets());
        let kept = offsets.first().copied().unwrap_or(self.stored + 1);
        let floor = head.map_or(1, |head| head.floor).max(kept);
        prop_assert!(floor <= self.floor);
        self.floor = floor;
        let before = std::mem::take(&mut self.devices);
        for device in head.into_iter().flat_map(|head| &head.devices) {
            let name = *DEVICES.iter().find(|name| ***name == *device.name).unwrap();
            prop_assert!(before[name] >= device.delivered, "nothing was acknowledged that was not");
            self.devices.insert(name, device.delivered);
        }
        Ok(())
    }

    /// What a position gets, and where its reader stands then.
    fn recovery(&self, since: Option<Position>) -> (Recovered, Option<Gap>, u64) {
        let (floor, stored) = (self.floor, self.stored);
        let gap = |from, reason| (Recovered::Gap, Some(Gap { stream: NUMBER, from, to: floor - 1, reason }), floor - 1);
        match since {
            None => (Recovered::None, None, stored),
            Some(since) if since.epoch != EPOCH => gap(1, GapReason::Epoch),
            Some(since) if since.offset > stored => gap(floor, GapReason::Future),
            Some(since) if since.offset < floor - 1 => gap(since.offset + 1, GapReason::Expired),
            Some(since) => (Recovered::Complete, None, since.offset),
        }
    }

    fn join(&mut self, device: &'static str, since: Since) -> TestCaseResult {
        let here = |offset| Some(Position { epoch: EPOCH, offset });
        let since = match since {
            Since::Again(index) => match index.checked_rem(self.gone.len()) {
                Some(index) => here(self.gone.remove(index)),
                None => None,
            },
            Since::Nothing => None,
            Since::Ago(entries) => here(self.stored.saturating_sub(entries)),
            Since::Future(entries) => here(self.stored.saturating_add(entries)),
            Since::OtherEpoch(offset) => Some(Position { epoch: Epoch(!EPOCH.0), offset }),
        };
        self.next_id += 1;
        let id = self.next_id;
        let to = Reader { id, form: WireForm::ALL[id % WireForm::COUNT] };
        let bench = &mut self.bench;
        let (joined, starts) = if bench.kind == Kind::Inbox {
            let before = self.floor - 1;
            let has = match device {
                // Sessions without a name have no place before they have acknowledged something.
                "" => self.devices.get(device).copied().unwrap_or(before),
                _ => *self.devices.entry(device).or_insert(before),
            };
            let joined = bench.stream.join_inbox(to, device, since, bench.now, &mut bench.sink);
            let starts = since.or_else(|| here(has).filter(|_| has < self.stored));
            (joined.joined, starts)
        } else {
            (bench.stream.join(to, since, bench.now, &mut bench.sink), since)
        };
        let (recovered, gap, at) = self.recovery(starts);
        prop_assert_eq!((joined.offset, joined.recovered, joined.gap), (self.stored, recovered, gap));
        self.look()?;
        self.seats.push(Seat { id, slot: joined.slot, device, at });
        self.catch_up(self.seats.len() - 1, 2)
    }

    fn leave(&mut self, index: usize) -> TestCaseResult {
        let seat = self.seats.remove(index);
        let left = self.bench.stream.leave(seat.slot, self.bench.now, &mut self.bench.sink);
        prop_assert_eq!(left.map(|reader| reader.id), Some(seat.id));
        self.gone.push(seat.at);
        Ok(())
    }

    fn catch_up(&mut self, index: usize, page: usize) -> TestCaseResult {
        self.bench.page = page;
        let is_behind = self.bench.catch_up(self.seats[index].slot);
        self.look()?;
        let seat = &self.seats[index];
        if is_behind {
            prop_assert_eq!(self.bench.sink.room.get(&seat.id), Some(&0), "only a full reader stays behind");
        } else {
            prop_assert_eq!(seat.at, self.stored, "who is not behind has all");
        }
        Ok(())
    }

    fn read(&mut self, index: usize, page: usize) -> TestCaseResult {
        let (slot, at) = (self.seats[index].slot, self.seats[index].at);
        if let Forward::Read { from, to } = self.bench.forward(slot) {
            prop_assert!(from > at && from <= to && to <= self.stored);
            let (entries, is_whole) = self.bench.disk.page(from, to, page);
            self.readings.push(Reading { slot, from, to, entries, is_whole });
        }
        Ok(())
    }

    /// Late, perhaps: the reader may have come on, or be another.
    fn hand_over(&mut self, index: usize) -> TestCaseResult {
        let Some(index) = index.checked_rem(self.readings.len()) else { return Ok(()) };
        let Reading { slot, from, to, entries, is_whole } = self.readings.remove(index);
        let read = PageRead { from, to, entries: &entries, is_whole };
        self.bench.stream.hand_over(slot, read, self.bench.now, &mut self.bench.sink);
        self.look()
    }

    fn acknowledge(&mut self, index: usize, more: i64) -> TestCaseResult {
        self.look()?;
        let Seat { slot, device, at, .. } = self.seats[index];
        let offset = at.saturating_add_signed(more);
        let moved = self.bench.stream.acknowledge(slot, device, offset, false, self.bench.now);
        let has = self.devices.get(device).copied().unwrap_or(self.floor - 1);
        prop_assert_eq!(moved, self.is_inbox() && has < offset && offset <= at);
        if moved {
            self.devices.insert(device, offset);
        }
        Ok(())
    }

    fn upkeep(&mut self) -> TestCaseResult {
        self.bench.upkeep();
        let Shelf { keep, overflow, .. } = self.bench.policy.shelf;
        let acknowledged = self.devices.values().min().filter(|_| self.is_inbox()).copied().unwrap_or(0);
        let now = self.bench.now.wall_ms;
        let mut kept: Vec<_> = self.placed.iter().filter(|entry| entry.offset <= self.stored).collect();
        kept.retain(|entry| entry.offset >= self.floor && entry.offset > acknowledged);
        while kept.first().is_some_and(|oldest| {
            let bytes: u64 = kept.iter().map(|entry| entry.record_bytes()).sum();
            let is_much = kept.len() > keep.entries_max || bytes > keep.bytes_max as u64;
            now - oldest.at > keep.age_ms_max || (is_much && overflow == Overflow::DropOldest)
        }) {
            kept.remove(0);
        }
        self.floor = kept.first().map_or(self.stored + 1, |oldest| oldest.offset);
        let kept: Vec<_> = (self.floor..=self.placed.len() as u64).collect();
        prop_assert_eq!(self.bench.disk.offsets(), kept);
        if let Some(head) = self.bench.disk.head() {
            prop_assert_eq!((head.floor, head.epoch), (self.floor, EPOCH));
            prop_assert_eq!(head.devices.len(), self.devices.len());
        }
        let waits = self.placed.iter().filter(|entry| entry.offset >= self.floor);
        let (entries, bytes) =
            waits.fold((0, 0), |(entries, bytes), entry| (entries + 1, bytes + entry.record_bytes()));
        let is_full = entries >= keep.entries_max || bytes >= keep.bytes_max as u64;
        prop_assert_eq!(self.bench.stream.is_full(), is_full && overflow == Overflow::Refuse);
        Ok(())
    }

    /// Checks what arrived.
    fn look(&mut self) -> TestCaseResult {
        let mut got = std::mem::take(&mut self.bench.sink.got);
        for seat in &mut self.seats {
            for got in got.remove(&seat.id).unwrap_or_default() {
                match got {
                    Got::Entry { offset, event } => {
                        prop_assert_eq!(offset, seat.at + 1, "no hole, no overlap");
                        prop_assert!(offset <= self.stored, "nothing comes before it is stored");
                        let entry = usize::try_from(offset - 1).ok().and_then(|at| self.placed.get(at));
                        prop_assert_eq!(entry.map(|entry| &*entry.event), Some(&*event));
                        seat.at = offset;
                    }
                    Got::Gap { from, to } => {
                        prop_assert!(from == seat.at + 1 && from <= to, "a gap begins behind what is there");
                        prop_assert!(to < self.floor, "a gap names nothing that is kept");
                        seat.at = to;
                    }
                    Got::Passed { .. } => prop_assert!(false, "nothing was passed"),
                }
            }
        }
        prop_assert!(got.values().all(Vec::is_empty), "nobody else gets anything");
        prop_assert_eq!(self.bench.stream.whole_from(), self.floor);
        Ok(())
    }

    /// Everybody reads on: then everybody has all that is stored.
    fn finish(&mut self) -> TestCaseResult {
        self.bench.sink.room.clear();
        self.store(0);
        self.look()?;
        for index in 0..self.seats.len() {
            self.catch_up(index, 3)?;
        }
        prop_assert_eq!(self.bench.sink.skipped, 0);
        Ok(())
    }
}

/// What is kept in memory and on disk.
pub(crate) type Start = (Keep, Shelf);

pub(crate) fn start(kind: Kind) -> BoxedStrategy<Start> {
    let shelf = match kind {
        Kind::Channel => (keep(), any::<bool>())
            .prop_map(|(keep, refuses)| {
                let overflow = if refuses { Overflow::Refuse } else { Overflow::DropOldest };
                Shelf { keep, overflow, ..SHELF }
            })
            .boxed(),
        Kind::Inbox => prop_oneof![Just(PLENTY), keep()].prop_map(|keep| Shelf { keep, ..SHELF }).boxed(),
    };
    (keep(), shelf).boxed()
}

pub(crate) fn live(kind: Kind, (memory, shelf): Start, ops: Vec<Op>) -> TestCaseResult {
    let mut world = World::new(kind, memory, shelf);
    for op in ops {
        world.step(op)?;
    }
    world.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_channel_survives(start in start(Kind::Channel), ops in prop::collection::vec(op(), 1..100)) {
        live(Kind::Channel, start, ops)?;
    }

    #[test]
    fn an_inbox_survives(start in start(Kind::Inbox), ops in prop::collection::vec(op(), 1..100)) {
        live(Kind::Inbox, start, ops)?;
    }
}

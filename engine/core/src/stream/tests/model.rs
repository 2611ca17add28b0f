//! Random lives of a stream against a model that is too plain to be wrong.
//!
//! The model keeps every entry ever published in one list and what should be kept of them in another. Each reader checks
//! each frame as it comes: an entry continues where the reader stands, a gap begins there and names only what is lost.

use super::{EPOCH, Got, NUMBER, Reader, Sink, policy, publication};
use crate::history::cost_bytes;
use crate::policy::{Class, Keep};
use crate::stream::{Forward, Stream};
use crate::time::{Instant, Now};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use std::sync::Arc;
use tidings_proto::frame::{GapReason, Recovered};
use tidings_proto::id::{Epoch, Position};
use tidings_proto::kept::Entry;
use tidings_proto::payload::{Codec, Data};
use tidings_proto::wire::WireForm;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Since {
    Nothing,
    /// So many entries before the last one, if there are as many.
    Ago(u64),
    Future(u64),
    OtherEpoch(u64),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    Publish {
        key: u8,
        bytes: usize,
    },
    FanOut,
    Join {
        form: usize,
        since: Since,
    },
    Leave(usize),
    CatchUp(usize),
    /// The reader takes so many more pieces and then is full.
    Fill(usize, usize),
    Drain(usize),
    Pass(u64),
    Trim,
}

fn since() -> impl Strategy<Value = Since> {
    prop_oneof![
        3 => Just(Since::Nothing),
        6 => (0_u64..12).prop_map(Since::Ago),
        1 => prop_oneof![1_u64..5, Just(u64::MAX)].prop_map(Since::Future),
        1 => prop_oneof![0_u64..20, Just(u64::MAX)].prop_map(Since::OtherEpoch),
    ]
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => (0_u8..4, prop_oneof![8 => 0_usize..80, 1 => 300_usize..900, 1 => Just(40_000)])
            .prop_map(|(key, bytes)| Op::Publish { key, bytes }),
        6 => Just(Op::FanOut),
        3 => (0..WireForm::COUNT, since()).prop_map(|(form, since)| Op::Join { form, since }),
        1 => (0_usize..8).prop_map(Op::Leave),
        4 => (0_usize..8).prop_map(Op::CatchUp),
        3 => (0_usize..8, 0_usize..3).prop_map(|(reader, pieces)| Op::Fill(reader, pieces)),
        2 => (0_usize..8).prop_map(Op::Drain),
        2 => (0_u64..80).prop_map(Op::Pass),
        1 => Just(Op::Trim),
    ]
}

pub(crate) fn keep() -> impl Strategy<Value = Keep> {
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
    /// Everything up to here was delivered or told to be missing, or came before the reader.
    at: u64,
    /// Where it was when it joined.
    joined_at: u64,
    delivered: Vec<u64>,
}

struct World {
    class: Class,
    keep: Keep,
    stream: Stream<Reader>,
    sink: Sink,
    now: Now,
    published: Vec<Entry>,
    /// With the time they were taken at.
    kept: Vec<(Entry, Instant)>,
    /// The highest offset that was dropped, not replaced.
    lost: u64,
    seats: Vec<Seat>,
    next_id: usize,
    /// In class ephemeral: entries that were due to a member, and those that arrived.
    due: u64,
    arrived: u64,
}

impl World {
    fn new(class: Class, keep: Keep) -> Self {
        let now = Now { instant: Instant(5), wall_ms: 9 };
        Self {
            class,
            keep: if class == Class::Ephemeral { Keep::NOTHING } else { keep },
            stream: Stream::new(NUMBER, EPOCH, Arc::new(policy(class, keep)), now),
            sink: Sink::default(),
            now,
            published: Vec::new(),
            kept: Vec::new(),
            lost: 0,
            seats: Vec::new(),
            next_id: 0,
            due: 0,
            arrived: 0,
        }
    }

    fn last(&self) -> u64 {
        self.published.len() as u64
    }

    fn step(&mut self, op: Op) -> TestCaseResult {
        let seat = |index: usize| (!self.seats.is_empty()).then(|| index % self.seats.len());
        match op {
            Op::Publish { key, bytes } => self.publish(key, bytes)?,
            Op::FanOut => self.stream.fan_out(&mut self.sink),
            Op::Join { form, since } => self.join(WireForm::ALL[form], since)?,
            Op::Leave(index) => {
                if let Some(index) = seat(index) {
                    self.leave(index)?;
                }
            }
            Op::CatchUp(index) => {
                if let Some(index) = seat(index) {
                    self.catch_up(index)?;
                }
            }
            Op::Fill(index, pieces) => {
                if let Some(index) = seat(index) {
                    self.sink.room.insert(self.seats[index].id, pieces);
                }
            }
            Op::Drain(index) => {
                if let Some(index) = seat(index) {
                    self.sink.room.remove(&self.seats[index].id);
                }
            }
            Op::Pass(ms) => self.now.instant = self.now.instant + ms,
            Op::Trim => {
                self.stream.trim(self.now);
                self.trim();
            }
        }
        prop_assert_eq!(self.stream.members(), self.seats.len());
        self.look()
    }

    fn publish(&mut self, key: u8, bytes: usize) -> TestCaseResult {
        let text = format!("\"{}\"", "x".repeat(bytes));
        let entry = Entry {
            offset: self.last() + 1,
            event: format!("k{key}").into(),
            data: Data::parse(Codec::Json, text.into_bytes().into()).unwrap(),
            from: None,
            key: (self.class == Class::Latest && key > 0).then(|| format!("k{key}").into()),
            at: self.now.wall_ms,
        };
        let publication = publication(&entry.event, entry.data.as_ref(), entry.key.as_deref());
        prop_assert_eq!(self.stream.publish(&publication, self.now), entry.offset);
        self.due += self.seats.len() as u64;
        self.published.push(entry.clone());
        if self.class == Class::Latest {
            self.kept.retain(|(old, _)| old.key != entry.key);
        }
        self.kept.push((entry, self.now.instant));
        self.trim();
        Ok(())
    }

    /// What is kept of what was published.
    fn trim(&mut self) {
        let excess = |kept: &[(Entry, Instant)]| {
            kept.len() > self.keep.entries_max
                || kept.iter().map(|(entry, _)| cost_bytes(entry)).sum::<usize>() > self.keep.bytes_max
                || kept.first().is_some_and(|(_, taken)| taken.0 + self.keep.age_ms_max < self.now.instant.0)
        };
        while excess(&self.kept) {
            self.lost = self.kept.remove(0).0.offset;
        }
    }

    fn join(&mut self, form: WireForm, since: Since) -> TestCaseResult {
        self.trim();
        let (last, lost) = (self.last(), self.lost);
        let here = |offset| Some(Position { epoch: EPOCH, offset });
        let gap = |from, reason| super::gap(from, lost, reason);
        let (since, at, recovered, gap) = match since {
            Since::Nothing => (None, last, Recovered::None, None),
            Since::Ago(entries) => {
                let offset = last.saturating_sub(entries);
                if offset >= lost {
                    (here(offset), offset, Recovered::Complete, None)
                } else {
                    (here(offset), lost, Recovered::Gap, gap(offset + 1, GapReason::Expired))
                }
            }
            Since::Future(entries) => {
                let offset = last.saturating_add(entries);
                (here(offset), lost, Recovered::Gap, gap(lost + 1, GapReason::Future))
            }
            Since::OtherEpoch(offset) => {
                let position = Position { epoch: Epoch(!EPOCH.0), offset };
                (Some(position), lost, Recovered::Gap, gap(1, GapReason::Epoch))
            }
        };
        let id = self.next_id;
        self.next_id += 1;
        let joined = self.stream.join(Reader { id, form }, since, self.now, &mut self.sink);
        prop_assert_eq!((joined.offset, joined.recovered, joined.gap), (last, recovered, gap));
        prop_assert!(self.seats.iter().all(|seat| seat.slot != joined.slot), "a slot has one member");
        self.look()?;
        self.seats.push(Seat { id, slot: joined.slot, at, joined_at: at, delivered: Vec::new() });
        self.catch_up(self.seats.len() - 1)
    }

    fn leave(&mut self, index: usize) -> TestCaseResult {
        let left = self.stream.leave(self.seats[index].slot, self.now, &mut self.sink);
        prop_assert_eq!(left.map(|reader| reader.id), Some(self.seats[index].id));
        self.look()?;
        self.seats.remove(index);
        Ok(())
    }

    fn catch_up(&mut self, index: usize) -> TestCaseResult {
        self.trim();
        let forward = self.stream.catch_up(self.seats[index].slot, self.now, &mut self.sink);
        self.look()?;
        let seat = &self.seats[index];
        prop_assert!(!self.stream.is_pending());
        if forward == Forward::Full {
            prop_assert_eq!(self.sink.room.get(&seat.id), Some(&0), "only a full reader stays behind");
            return Ok(());
        }
        prop_assert_eq!(forward, Forward::UpToDate);
        if self.class == Class::Reliable {
            prop_assert_eq!(seat.at, self.last(), "who is not behind has all");
        }
        Ok(())
    }

    /// Checks what arrived and what is kept.
    fn look(&mut self) -> TestCaseResult {
        let mut got = std::mem::take(&mut self.sink.got);
        for seat in &mut self.seats {
            for got in got.remove(&seat.id).unwrap_or_default() {
                match got {
                    Got::Entry { offset, event } => {
                        let entry = usize::try_from(offset - 1).ok().and_then(|at| self.published.get(at));
                        prop_assert_eq!(entry.map(|entry| &*entry.event), Some(&*event));
                        match self.class {
                            Class::Reliable => prop_assert_eq!(offset, seat.at + 1, "no hole, no overlap"),
                            Class::Ephemeral | Class::Latest | Class::Durable => {
                                prop_assert!(offset > seat.at, "in order, once")
                            }
                        }
                        seat.at = offset;
                        seat.delivered.push(offset);
                        self.arrived += 1;
                    }
                    Got::Passed { .. } => prop_assert!(false, "nothing was passed"),
                    Got::Gap { from, to } => {
                        prop_assert!(self.class != Class::Ephemeral);
                        prop_assert!(from > seat.at && to >= from, "a gap begins behind what is there");
                        prop_assert!(self.class == Class::Latest || from == seat.at + 1);
                        prop_assert_eq!(to, self.lost, "a gap names what is lost and nothing that is kept");
                        seat.at = to;
                    }
                }
            }
        }
        prop_assert!(got.values().all(Vec::is_empty), "nobody else gets anything");
        self.look_at_history()
    }

    fn look_at_history(&self) -> TestCaseResult {
        let (entries, bytes) =
            self.stream.history.as_ref().map_or((0, 0), |history| (history.len(), history.cost_bytes()));
        prop_assert!(entries <= self.keep.entries_max && bytes <= self.keep.bytes_max);
        prop_assert_eq!(entries, self.stream.kept());
        let kept: Vec<_> = self.stream.history.iter().flat_map(|history| history.from(0)).collect();
        prop_assert_eq!(kept.iter().map(|entry| cost_bytes(entry)).sum::<usize>(), bytes);
        let kept: Vec<_> = kept.iter().map(|entry| entry.offset).collect();
        prop_assert_eq!(kept, self.kept.iter().map(|(entry, _)| entry.offset).collect::<Vec<_>>());
        Ok(())
    }

    /// Everybody reads on: then everybody has all that is due.
    fn finish(&mut self) -> TestCaseResult {
        self.sink.room.clear();
        self.stream.fan_out(&mut self.sink);
        for index in 0..self.seats.len() {
            self.catch_up(index)?;
        }
        for seat in &self.seats {
            match self.class {
                Class::Reliable => prop_assert_eq!(seat.at, self.last()),
                Class::Latest => {
                    let due = self.kept.iter().map(|(entry, _)| entry.offset).filter(|offset| *offset > seat.joined_at);
                    let missing: Vec<_> = due.filter(|offset| !seat.delivered.contains(offset)).collect();
                    prop_assert_eq!(missing, [0_u64; 0], "the newest value of each key arrived");
                    prop_assert!(seat.at >= self.lost, "and what was lost before was told");
                }
                Class::Ephemeral | Class::Durable => {}
            }
        }
        if self.class == Class::Ephemeral {
            prop_assert_eq!(self.arrived + self.sink.skipped, self.due, "all arrived or was counted");
        } else {
            prop_assert_eq!(self.sink.skipped, 0);
        }
        Ok(())
    }
}

pub(crate) fn live(class: Class, keep: Keep, ops: Vec<Op>) -> TestCaseResult {
    let mut world = World::new(class, keep);
    for op in ops {
        world.step(op)?;
    }
    world.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn reliable_is_in_order_with_every_loss_told(keep in keep(), ops in prop::collection::vec(op(), 1..80)) {
        live(Class::Reliable, keep, ops)?;
    }

    #[test]
    fn latest_brings_the_newest_of_each_key_or_tells(keep in keep(), ops in prop::collection::vec(op(), 1..80)) {
        live(Class::Latest, keep, ops)?;
    }

    #[test]
    fn ephemeral_is_in_order_and_counts_what_it_skips(keep in keep(), ops in prop::collection::vec(op(), 1..80)) {
        live(Class::Ephemeral, keep, ops)?;
    }
}

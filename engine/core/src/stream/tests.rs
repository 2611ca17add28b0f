//! What streams are tested with: readers whose queues can be full, and frames read back from the bytes of each form.

#![cfg_attr(fuzzing, allow(dead_code, unused_imports, reason = "a fuzz target takes its model alone"))]

#[cfg(test)]
mod behind;
pub(crate) mod durable;
#[cfg(test)]
mod fan;
#[cfg(test)]
mod joins;
pub(crate) mod model;
#[cfg(test)]
mod past;

use super::{Delivery, Effects, Forward, Joined, Publication, Stream, Subscriber};
use crate::policy::{Access, Attendance, Class, Keep, Overflow, Policy, Shelf};
use crate::rate::Rate;
use crate::time::{Instant, Now};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidings_proto::command::Wait;
use tidings_proto::frame::{Gap, GapReason};
use tidings_proto::id::{Epoch, Position};
use tidings_proto::payload::{Codec, DataRef};
use tidings_proto::wire::WireForm;

const NUMBER: u32 = 12;
const EPOCH: Epoch = Epoch(7);
const PLENTY: Keep = Keep { entries_max: 1_000, bytes_max: 1_000_000, age_ms_max: 1_000_000 };

const SHELF: Shelf = Shelf {
    keep: Keep { entries_max: 1_000, bytes_max: 1_000_000, age_ms_max: 1_000_000 },
    overflow: Overflow::DropOldest,
    devices_max: 4,
    device_ttl_ms: 10_000_000,
};

fn policy(class: Class, keep: Keep) -> Policy {
    Policy {
        class,
        send_class: class,
        subscribe: Access::Everyone,
        publish: Access::Everyone,
        send: Access::Everyone,
        keep,
        shelf: SHELF,
        data_bytes_max: 1_000_000,
        rate: Rate::per_minute(0),
        attendance: Attendance::None,
    }
}

/// A publication of the host's, in the class of its stream.
const fn publication<'p>(event: &'p str, data: DataRef<'p>, key: Option<&'p str>) -> Publication<'p> {
    // In streams the class of a publication decides nothing: the owner passes what was narrowed.
    let class = Class::Reliable;
    Publication { event, data, from: None, key, class, idempotency_key: None, wait: Wait::Accepted }
}

/// A member as the stream holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reader {
    id: usize,
    form: WireForm,
}

impl Subscriber for Reader {
    fn form(&self) -> WireForm {
        self.form
    }
}

/// A frame as a reader has it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Got {
    Entry {
        offset: u64,
        event: String,
    },
    Gap {
        from: u64,
        to: u64,
    },
    /// An entry without a place.
    Passed {
        event: String,
    },
}

/// Where the readers' frames arrive.
#[derive(Debug, Default)]
struct Sink {
    got: BTreeMap<usize, Vec<Got>>,
    /// The highest offset that a reader got.
    last: BTreeMap<usize, u64>,
    /// How many more pieces a reader takes; one that is not named takes all.
    room: BTreeMap<usize, usize>,
    /// Every piece that was taken, with the number of entries that was told.
    pieces: Vec<(usize, Bytes, u64)>,
    skipped: u64,
}

impl Effects<Reader> for Sink {
    fn deliver(&mut self, to: &Reader, frames: &Bytes, entries: u64) -> Delivery {
        if let Some(room) = self.room.get_mut(&to.id) {
            let Some(left) = room.checked_sub(1) else { return Delivery::Full };
            *room = left;
        }
        let got = read(to.form, frames);
        let offsets = got.iter().filter_map(|got| match got {
            Got::Entry { offset, .. } => Some(*offset),
            Got::Gap { .. } | Got::Passed { .. } => None,
        });
        let passed = got.iter().filter(|got| matches!(got, Got::Passed { .. })).count() as u64;
        let last = self.last.entry(to.id).or_default();
        let mut count = 0;
        for offset in offsets {
            assert!(offset > *last, "no entry comes twice, and none after a later one");
            (*last, count) = (offset, count + 1);
        }
        assert_eq!(count + passed, entries, "the told number of entries is the number of entries");
        self.got.entry(to.id).or_default().extend(got);
        self.pieces.push((to.id, frames.clone(), entries));
        Delivery::Taken
    }

    fn skipped(&mut self, entries: u64) {
        self.skipped += entries;
    }
}

impl Sink {
    /// What a reader got since the last time it was looked at.
    fn take(&mut self, id: usize) -> Vec<Got> {
        self.got.remove(&id).unwrap_or_default()
    }
}

/// Frames out of the bytes of a form.
fn read(form: WireForm, mut bytes: &[u8]) -> Vec<Got> {
    let mut got = Vec::new();
    while !bytes.is_empty() {
        let (start, length) = match form {
            WireForm::JsonLines => (0, bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1),
            WireForm::Sse => (6, bytes.windows(2).position(|pair| pair == b"\n\n").unwrap() + 2 - 6),
            _ => match bytes[1] {
                126 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
                127 => (10, usize::try_from(u64::from_be_bytes(bytes[2..10].try_into().unwrap())).unwrap()),
                short => (2, usize::from(short)),
            },
        };
        let frame = &bytes[start..start + length];
        bytes = &bytes[start + length..];
        let number = |name| number(form.codec(), frame, name);
        assert_eq!(number("stream"), Some(u64::from(NUMBER)));
        got.push(match number("offset") {
            Some(offset) => Got::Entry { offset, event: event(form.codec(), frame) },
            None => match number("from") {
                Some(from) => Got::Gap { from, to: number("to").unwrap() },
                None => Got::Passed { event: event(form.codec(), frame) },
            },
        });
    }
    got
}

/// What stands behind a name in a frame.
fn behind<'f>(codec: Codec, frame: &'f [u8], name: &str) -> Option<&'f [u8]> {
    let mut mark = Vec::new();
    match codec {
        Codec::Json => mark.extend_from_slice(format!("\"{name}\":").as_bytes()),
        Codec::Msgpack => {
            mark.push(0xa0 | u8::try_from(name.len()).unwrap());
            mark.extend_from_slice(name.as_bytes());
        }
    }
    let at = frame.windows(mark.len()).position(|window| window == mark)?;
    Some(&frame[at + mark.len()..])
}

fn number(codec: Codec, frame: &[u8], name: &str) -> Option<u64> {
    let value = behind(codec, frame, name)?;
    let big_endian = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
    match codec {
        Codec::Json => {
            let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
            std::str::from_utf8(&value[..digits]).unwrap().parse().ok()
        }
        Codec::Msgpack => match value[0] {
            small @ 0..=0x7f => Some(u64::from(small)),
            head @ 0xcc..=0xcf => Some(big_endian(&value[1..=1 << (head - 0xcc)])),
            _ => None,
        },
    }
}

fn event(codec: Codec, frame: &[u8]) -> String {
    let value = behind(codec, frame, "event").unwrap();
    let text = match codec {
        Codec::Json => value[1..].split(|byte| *byte == b'"').next().unwrap(),
        Codec::Msgpack => &value[1..=usize::from(value[0] & 0x1f)],
    };
    String::from_utf8(text.to_vec()).unwrap()
}

/// A stream, its sink and its clock.
struct Bench {
    stream: Stream<Reader>,
    sink: Sink,
    now: Now,
}

impl Bench {
    fn new(class: Class, keep: Keep) -> Self {
        let now = Now { instant: Instant(1_000), wall_ms: 1_790_000_000_000 };
        Self { stream: Stream::new(NUMBER, EPOCH, Arc::new(policy(class, keep)), now), sink: Sink::default(), now }
    }

    fn reliable() -> Self {
        Self::new(Class::Reliable, PLENTY)
    }

    fn pass(&mut self, ms: u64) {
        self.now.instant = self.now.instant + ms;
        self.now.wall_ms += ms;
    }

    fn place(&mut self, event: &str, key: Option<&str>, data: &str) -> u64 {
        let data = DataRef::parse(Codec::Json, data.as_bytes()).unwrap();
        self.stream.publish(&publication(event, data, key), self.now)
    }

    /// Publishes `count` and fans them out in one.
    fn publish(&mut self, count: u64) {
        for _ in 0..count {
            self.place("E", None, "null");
        }
        self.stream.fan_out(&mut self.sink);
    }

    /// A value of class latest, fanned out at once. The event names the key, so that a reader sees it.
    fn value(&mut self, key: &str) {
        self.place(key, Some(key), "null");
        self.stream.fan_out(&mut self.sink);
    }

    fn enter(&mut self, id: usize, form: WireForm, since: Option<Position>) -> Joined {
        self.stream.join(Reader { id, form }, since, self.now, &mut self.sink)
    }

    /// Joins and does what the owner of a stream does after it.
    fn join(&mut self, id: usize, since: Option<u64>) -> Joined {
        let since = since.map(|offset| Position { epoch: EPOCH, offset });
        let joined = self.enter(id, WireForm::ALL[id % WireForm::COUNT], since);
        self.catch_up(joined.slot);
        joined
    }

    /// Reads forward in a stream that has nothing on disk. Whether the member is still behind.
    fn catch_up(&mut self, slot: u32) -> bool {
        match self.stream.catch_up(slot, self.now, &mut self.sink) {
            Forward::UpToDate => false,
            Forward::Full => true,
            Forward::Read { .. } => panic!("there is no disk to read from"),
        }
    }
}

fn entries(offsets: std::ops::RangeInclusive<u64>) -> Vec<Got> {
    offsets.map(|offset| Got::Entry { offset, event: "E".to_owned() }).collect()
}

fn values(values: &[(u64, &str)]) -> Vec<Got> {
    values.iter().map(|(offset, event)| Got::Entry { offset: *offset, event: (*event).to_owned() }).collect()
}

fn gap(from: u64, to: u64, reason: GapReason) -> Option<Gap> {
    Some(Gap { stream: NUMBER, from, to, reason })
}

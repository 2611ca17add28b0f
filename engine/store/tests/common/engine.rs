//! An engine in small: it turns random steps into ops as the real one orders them, and remembers what must then be there.

use super::{data, entry, head};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidings_proto::id::Epoch;
use tidings_proto::kept::{Entry, Head, Kind};
use tidings_store::archive::{Archive, entry_bytes};
use tidings_store::op::{KeptKey, Op};

#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Publishes to one stream, of so many bytes, with an idempotency key or without.
    Publish {
        stream: u8,
        bytes: usize,
        keyed: bool,
    },
    /// Publishes one payload to several inboxes.
    Broadcast {
        inboxes: u8,
        bytes: usize,
    },
    /// Takes away the oldest so many.
    Acknowledge {
        stream: u8,
        count: u64,
    },
    Forget {
        stream: u8,
    },
    ForgetKeys,
    Sync,
}

pub(crate) fn steps(max: usize) -> impl Strategy<Value = Vec<Step>> {
    let bytes = prop_oneof![8 => 4usize..400, 1 => 2_000usize..9_000];
    let step = prop_oneof![
        8 => (0u8..6, bytes.clone(), any::<bool>()).prop_map(|(stream, bytes, keyed)| Step::Publish { stream, bytes, keyed }),
        3 => (1u8..4, bytes).prop_map(|(inboxes, bytes)| Step::Broadcast { inboxes, bytes }),
        4 => (0u8..6, 1u64..5).prop_map(|(stream, count)| Step::Acknowledge { stream, count }),
        1 => (0u8..6).prop_map(|stream| Step::Forget { stream }),
        1 => Just(Step::ForgetKeys),
        3 => Just(Step::Sync),
    ];
    prop::collection::vec(step, 1..max)
}

/// What is known of one stream.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub(crate) head: Head,
    pub(crate) sum: u64,
    pub(crate) entries: BTreeMap<u64, (Entry, u64)>,
}

/// One entry for one stream.
struct Publication {
    place: u8,
    bytes: usize,
    keyed: bool,
    share: Option<u64>,
}

/// Streams by their place; even ones are inboxes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Engine {
    pub(crate) streams: BTreeMap<u8, Stream>,
    pub(crate) keys: Vec<KeptKey>,
    pub(crate) now: u64,
}

pub(crate) fn name(stream: u8) -> (Kind, Arc<str>) {
    let kind = if stream.is_multiple_of(2) { Kind::Inbox } else { Kind::Channel };
    (kind, format!("name-{stream}").into())
}

impl Engine {
    /// The ops of a step, and what it leaves.
    pub(crate) fn step(&mut self, archive: &Archive, step: &Step) -> Vec<Op> {
        let mut ops = Vec::new();
        self.now += 1;
        match *step {
            Step::Publish { stream, bytes, keyed } => {
                let share = None;
                self.publish(archive, &Publication { place: stream, bytes, keyed, share }, &mut ops);
            }
            Step::Broadcast { inboxes, bytes } => {
                let id = archive.new_stream();
                ops.push(Op::Share { id, refs: u32::from(inboxes), data: data(self.now, bytes) });
                for inbox in 0..inboxes {
                    let (place, share) = (inbox * 2, Some(id));
                    self.publish(archive, &Publication { place, bytes, keyed: false, share }, &mut ops);
                }
            }
            Step::Acknowledge { stream, count } => self.acknowledge(stream, count, &mut ops),
            Step::Forget { stream } => {
                if let Some(gone) = self.streams.remove(&stream) {
                    let (kind, name) = name(stream);
                    self.keys.retain(|key| key.name != name);
                    ops.push(Op::ForgetKeys { before_ms: u64::MAX });
                    ops.extend(self.keys.iter().cloned().map(Op::Key));
                    ops.push(Op::Forget { kind, name, stream: gone.head.stream });
                }
            }
            Step::ForgetKeys => {
                let before_ms = self.now.saturating_sub(5);
                self.keys.retain(|key| key.at >= before_ms);
                ops.push(Op::ForgetKeys { before_ms });
            }
            Step::Sync => {}
        }
        ops
    }

    fn publish(&mut self, archive: &Archive, publication: &Publication, ops: &mut Vec<Op>) {
        let Publication { place, bytes, keyed, share } = *publication;
        let (kind, name) = name(place);
        let stream = self.streams.entry(place).or_insert_with(|| {
            let head = Head { epoch: Epoch(self.now), ..head(archive.new_stream(), 0) };
            ops.push(Op::Head { kind, name: Arc::clone(&name), head: head.clone() });
            Stream { head, sum: 0, entries: BTreeMap::new() }
        });
        stream.head.last += 1;
        let new = entry(stream.head.last, data(self.now, bytes));
        stream.sum += entry_bytes(&new);
        if keyed {
            let key = KeptKey {
                publisher: bytes.is_multiple_of(2).then(|| "ada".into()),
                key: format!("key-{}", self.now).into(),
                at: self.now,
                kind,
                name,
                stream: stream.head.stream,
                epoch: stream.head.epoch,
                offset: new.offset,
            };
            ops.push(Op::Key(key.clone()));
            self.keys.push(key);
        }
        ops.push(Op::Append { stream: stream.head.stream, entry: new.clone(), bytes_sum: stream.sum, share });
        stream.entries.insert(new.offset, (new, stream.sum));
    }

    fn acknowledge(&mut self, place: u8, count: u64, ops: &mut Vec<Op>) {
        let Some(stream) = self.streams.get_mut(&place) else { return };
        let Some((&from, _)) = stream.entries.first_key_value() else { return };
        let to = (from + count - 1).min(stream.head.last);
        stream.head.floor = to + 1;
        stream.entries.retain(|offset, _| *offset > to);
        let (kind, name) = name(place);
        ops.push(Op::Head { kind, name, head: stream.head.clone() });
        ops.push(Op::Remove { stream: stream.head.stream, from, to });
    }
}

//! An archive under any order of writes, barriers and crashes: what a barrier covered is there, and nothing that was never
//! written.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidings_proto::id::Epoch;
use tidings_proto::kept::{Entry, Head, Kind};
use tidings_proto::payload::{Codec, Data};
use tidings_store::archive::Archive;
use tidings_store::memory::MemoryStore;
use tidings_store::op::Op;

const STREAMS: [&str; 3] = ["messaging:a", "messaging:b", "messaging:c"];

#[derive(Default)]
struct Line {
    stream: u64,
    last: u64,
    removed: u64,
    bytes_sum: u64,
}

struct World {
    store: MemoryStore,
    archive: Archive,
    lines: Vec<Line>,
    /// Every entry that was ever written, by stream and offset.
    written: BTreeMap<(u64, u64), Entry>,
    /// The last offset of each stream that is behind the barrier.
    synced: [u64; STREAMS.len()],
}

/// One step a byte, with the byte behind it as its argument.
pub fn run(bytes: &[u8]) {
    let mut world = World::new();
    for &[what, how] in bytes.as_chunks().0 {
        world.step(what, how);
    }
    world.look();
}

impl World {
    fn new() -> Self {
        let store = MemoryStore::default();
        let archive = Archive::open(Arc::new(store.clone()), 1).expect("an empty store opens");
        let mut world =
            Self { store, archive, lines: Vec::new(), written: BTreeMap::new(), synced: [0; STREAMS.len()] };
        for _ in STREAMS {
            world.lines.push(Line { stream: world.archive.new_stream(), ..Line::default() });
        }
        (0..STREAMS.len()).for_each(|at| world.head(at));
        world.sync();
        world
    }

    fn step(&mut self, what: u8, how: u8) {
        let at = usize::from(how) % STREAMS.len();
        match what % 8 {
            0..=2 => self.append(at, usize::from(how) * 40, None),
            3 => self.shared(at, usize::from(how) * 20),
            4 => self.sync(),
            5 => self.crash(usize::from(how)),
            6 => self.remove(at, u64::from(how) / 8),
            _ => self.head(at),
        }
    }

    fn head(&mut self, at: usize) {
        let Line { stream, last, removed, .. } = self.lines[at];
        let head = Head { stream, epoch: Epoch(9), floor: removed + 1, last, devices: Vec::new() };
        self.write(&[Op::Head { kind: Kind::Channel, name: STREAMS[at].into(), head }]);
    }

    fn append(&mut self, at: usize, length: usize, share: Option<(u64, Data)>) {
        let line = &mut self.lines[at];
        line.last += 1;
        let text = format!("\"{}{}\"", line.last, "x".repeat(length));
        let own = Data::parse(Codec::Json, Bytes::from(text)).expect("a text");
        let (share, data) = share.map_or((None, own), |(id, data)| (Some(id), data));
        let entry = Entry { offset: line.last, event: "E".into(), data, from: None, key: None, at: line.last };
        line.bytes_sum += tidings_store::archive::entry_bytes(&entry);
        let Line { stream, bytes_sum, .. } = *line;
        self.written.insert((stream, entry.offset), entry.clone());
        self.write(&[Op::Append { stream, entry, bytes_sum, share }]);
    }

    /// One payload for the stream and the next one.
    fn shared(&mut self, at: usize, length: usize) {
        let id = self.archive.new_stream();
        let data = Data::parse(Codec::Json, Bytes::from(format!("\"s{}\"", "y".repeat(length)))).expect("a text");
        self.write(&[Op::Share { id, refs: 2, data: data.clone() }]);
        for at in [at, (at + 1) % STREAMS.len()] {
            self.append(at, 0, Some((id, data.clone())));
        }
    }

    fn remove(&mut self, at: usize, count: u64) {
        let line = &mut self.lines[at];
        let (stream, from) = (line.stream, line.removed + 1);
        let to = (line.removed + count).min(line.last);
        if to >= from {
            line.removed = to;
            self.head(at);
            self.write(&[Op::Remove { stream, from, to }]);
        }
    }

    fn write(&self, ops: &[Op]) {
        self.archive.write(ops).expect("a store in memory takes it");
    }

    fn sync(&mut self) {
        self.archive.sync().expect("memory has no device that fails");
        for (synced, line) in self.synced.iter_mut().zip(&self.lines) {
            *synced = line.last;
        }
    }

    fn crash(&mut self, keep: usize) {
        self.store.crash_keeping(keep);
        self.archive = Archive::open(Arc::new(self.store.clone()), 2).expect("it opens after a crash");
        for at in 0..STREAMS.len() {
            let kept = self.archive.load(Kind::Channel, STREAMS[at]).expect("it can be read").expect("it was synced");
            let line = &mut self.lines[at];
            assert_eq!(kept.head.stream, line.stream);
            assert!(kept.head.last >= self.synced[at] && kept.head.last <= line.last);
            line.last = kept.head.last;
            line.bytes_sum = kept.edges.map_or(line.bytes_sum, |(_, newest)| newest.bytes_sum);
            line.removed = line.removed.min(line.last).min(kept.head.floor.saturating_sub(1).max(line.removed));
        }
        self.look();
        // What a crash has left is safe from then on.
        for (synced, line) in self.synced.iter_mut().zip(&self.lines) {
            *synced = line.last;
        }
    }

    /// Everything up to the barrier that was not removed is there, and all that is there was written.
    fn look(&self) {
        for (line, synced) in self.lines.iter().zip(self.synced) {
            let page = self.archive.page(line.stream, 0, u64::MAX, usize::MAX).expect("it can be read");
            assert!(page.damaged.is_empty(), "nothing damages it");
            assert!(page.entries.windows(2).all(|two| two[0].offset < two[1].offset), "in order");
            for entry in &page.entries {
                assert_eq!(self.written.get(&(line.stream, entry.offset)), Some(entry), "as it was written");
            }
            let there = |offset: u64| page.entries.iter().any(|entry| entry.offset == offset);
            assert!((line.removed + 1..=synced).all(there), "what the barrier covered is there");
        }
        #[cfg(fuzzing)]
        {
            let report = tidings_store::check::survey(&self.store).expect("it can be read");
            assert!(report.is_whole(), "{report:?}");
        }
    }
}

//! The archive against a model that remembers everything, and what a crash may leave of it.

mod common;

use common::engine::{Engine, Step, Stream, name, steps};
use common::{all, open};
use proptest::prelude::*;
use std::collections::BTreeSet;
use tidings_proto::kept::Edge;
use tidings_store::archive::{Archive, entry_bytes};
use tidings_store::memory::MemoryStore;

fn edge(stream: &Stream, last: bool) -> Option<Edge> {
    let (offset, (entry, bytes_sum)) =
        if last { stream.entries.last_key_value()? } else { stream.entries.first_key_value()? };
    Some(Edge { offset: *offset, at: entry.at, bytes: entry_bytes(entry), bytes_sum: *bytes_sum })
}

fn assert_same(archive: &Archive, engine: &Engine) {
    let mut expected: Vec<_> = engine.streams.keys().map(|place| name(*place)).collect();
    expected.sort();
    let mut found = Vec::new();
    while let Some((kind, name)) =
        archive.names(found.last().map(|(kind, name): &(_, Box<str>)| (*kind, &**name)), 1).unwrap().pop()
    {
        found.push((kind, name));
    }
    assert!(expected.iter().map(|(kind, name)| (*kind, &**name)).eq(found.iter().map(|(kind, name)| (*kind, &**name))));

    for (place, stream) in &engine.streams {
        let (kind, name) = name(*place);
        let kept = archive.load(kind, &name).unwrap().unwrap();
        assert_eq!(kept.head.last, stream.head.last);
        assert_eq!((kept.head.stream, kept.head.epoch), (stream.head.stream, stream.head.epoch));
        assert_eq!(kept.edges, edge(stream, false).zip(edge(stream, true)));
        let page = all(archive, stream.head.stream);
        assert!(page.damaged.is_empty());
        assert!(page.entries.iter().eq(stream.entries.values().map(|(entry, _)| entry)));
    }
    let mut keys = engine.keys.clone();
    keys.sort_by_key(|key| (key.at, key.stream, key.offset));
    assert_eq!(archive.keys(0).unwrap(), keys);
}

/// What must hold after a crash at any point: `before` is what was there at the last sync, `after` what had been written.
fn assert_consistent(archive: &Archive, before: &Engine, after: &Engine) {
    let mut numbers = BTreeSet::new();
    let keys = archive.keys(0).unwrap();
    for place in 0..6 {
        let (kind, name) = name(place);
        let Some(kept) = archive.load(kind, &name).unwrap() else { continue };
        assert!(numbers.insert(kept.head.stream), "two streams have one number");
        let page = all(archive, kept.head.stream);
        assert_eq!(page.damaged, [0; 0], "a shared payload went before what refers to it");
        assert!(page.entries.windows(2).all(|two| two[0].offset + 1 == two[1].offset), "a hole in {place}");
        let ends = page.entries.first().zip(page.entries.last()).map(|(first, last)| (first.offset, last.offset));
        assert_eq!(kept.edges.map(|(first, last)| (first.offset, last.offset)), ends);
        assert!(page.entries.last().is_none_or(|last| last.offset <= kept.head.last));
        for key in keys.iter().filter(|key| key.stream == kept.head.stream) {
            assert!(key.offset <= kept.head.last, "a key answers for an entry that is lost");
        }
        let (Some(was), Some(is)) = (before.streams.get(&place), after.streams.get(&place)) else { continue };
        if was.head.stream != is.head.stream {
            continue;
        }
        assert!(kept.head.last >= was.head.last && kept.head.last <= is.head.last);
        let safe = was.entries.keys().filter(|offset| is.entries.contains_key(offset));
        for offset in safe {
            assert!(page.entries.iter().any(|entry| entry.offset == *offset), "{offset} was synced and is lost");
        }
        for entry in &page.entries {
            let known = was.entries.get(&entry.offset).or_else(|| is.entries.get(&entry.offset));
            assert!(known.is_none_or(|(known, _)| known == entry));
        }
    }
    let new = archive.new_stream();
    assert!(numbers.iter().all(|number| *number < new), "{new} was given out before");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_archive_holds_what_was_written(steps in steps(60)) {
        let store = MemoryStore::default();
        let mut archive = open(store.clone());
        let mut engine = Engine::default();
        for step in &steps {
            let ops = engine.step(&archive, step);
            archive.write(&ops).unwrap();
            if matches!(step, Step::Sync) {
                archive.sync().unwrap();
                archive = open(store.clone());
            }
        }
        assert_same(&archive, &engine);
    }

    #[test]
    fn a_crash_leaves_a_consistent_archive(steps in steps(60), cut in 0usize..400) {
        let store = MemoryStore::default();
        let archive = open(store.clone());
        let mut engine = Engine::default();
        let mut synced = engine.clone();
        for step in &steps {
            let ops = engine.step(&archive, step);
            archive.write(&ops).unwrap();
            if matches!(step, Step::Sync) {
                archive.sync().unwrap();
                synced = engine.clone();
            }
        }
        store.crash_keeping(cut % (store.unsynced() + 1));
        let archive = open(store.clone());
        assert_consistent(&archive, &synced, &engine);

        // And it goes on from there.
        let kept = archive.load(name(1).0, &name(1).1).unwrap();
        if let Some(kept) = kept {
            let next = kept.head.last + 1;
            archive.write(&[common::append(kept.head.stream, next, common::data(1, 50))]).unwrap();
            let page = all(&archive, kept.head.stream);
            assert_eq!(page.entries.last().unwrap().offset, next);
        }
    }
}

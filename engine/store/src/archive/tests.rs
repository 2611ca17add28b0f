use super::{Archive, entry_bytes};
use crate::error::ErrorKind;
use crate::key;
use crate::memory::MemoryStore;
use crate::op::{KeptKey, Op};
use crate::store::{Store, Write};
use bytes::Bytes;
use std::sync::Arc;
use tidings_proto::id::Epoch;
use tidings_proto::kept::{Entry, Head, Kind};
use tidings_proto::payload::{Codec, Data};

fn data(text: &str) -> Data {
    Data::parse(Codec::Json, Bytes::from(format!("{text:?}"))).unwrap()
}

fn entry(offset: u64, text: &str) -> Entry {
    Entry { offset, event: "e".into(), data: data(text), from: Some("ada".into()), key: None, at: offset * 10 }
}

fn append(stream: u64, offset: u64, share: Option<u64>) -> Op {
    Op::Append { stream, entry: entry(offset, "hello"), bytes_sum: offset, share }
}

fn head(name: &str, stream: u64, last: u64) -> Op {
    let head = Head { stream, epoch: Epoch(stream), floor: 1, last, devices: Vec::new() };
    Op::Head { kind: Kind::Inbox, name: name.into(), head }
}

fn kept_key(name: &str, stream: u64, offset: u64) -> KeptKey {
    let (kind, at, epoch) = (Kind::Inbox, 100 + offset, Epoch(stream));
    KeptKey { publisher: None, key: "k".into(), at, kind, name: name.into(), stream, epoch, offset }
}

fn share(id: u64, refs: u32) -> Op {
    Op::Share { id, refs, data: data("hello") }
}

fn fresh() -> (MemoryStore, Archive) {
    let store = MemoryStore::default();
    let archive = Archive::open(Arc::new(store.clone()), 7).unwrap();
    (store, archive)
}

fn offsets(archive: &Archive, stream: u64) -> Vec<u64> {
    let page = archive.page(stream, 0, u64::MAX, usize::MAX).unwrap();
    page.entries.iter().map(|entry| entry.offset).collect()
}

#[test]
fn the_id_stays_and_numbers_never_come_twice() {
    let (store, archive) = fresh();
    let first = archive.new_stream();
    archive.write(&[head("a", first, 0)]).unwrap();
    archive.sync().unwrap();
    let again = Archive::open(Arc::new(store.clone()), 8).unwrap();
    assert_eq!(again.id(), 7);
    assert!(again.new_stream() > first);

    let mut last = again.new_stream();
    for _ in 0..3_000 {
        last = again.new_stream();
    }
    again.write(&[head("b", last, 0)]).unwrap();
    store.crash_keeping(2);
    let again = Archive::open(Arc::new(store), 8).unwrap();
    assert!(again.load(Kind::Inbox, "b").unwrap().is_some());
    assert!(again.new_stream() > last, "the reservation is written before what bears the number");
}

#[test]
fn a_page_ends_with_its_bytes_and_has_at_least_one() {
    let (_, archive) = fresh();
    archive.write(&[head("a", 1, 0), append(1, 1, None), append(1, 2, None), append(1, 3, None)]).unwrap();
    let one = entry(1, "hello").text_bytes();
    for (bytes, found) in [(0, 1), (1, 1), (one, 1), (one + 1, 2), (2 * one, 2), (usize::MAX, 3)] {
        assert_eq!(archive.page(1, 1, 3, bytes).unwrap().entries.len(), found, "{bytes}");
    }
    let page = archive.page(1, 2, 2, usize::MAX).unwrap();
    assert_eq!(page.entries, [entry(2, "hello")]);
    assert!(archive.page(1, 4, u64::MAX, 0).unwrap().entries.is_empty());
    assert!(archive.page(1, 3, 1, 0).unwrap().entries.is_empty());
    assert!(archive.page(u64::MAX, 0, u64::MAX, 9).unwrap().entries.is_empty());
}

#[test]
fn what_an_edge_counts_is_what_the_engine_counts() {
    let (_, archive) = fresh();
    archive.write(&[share(9, 1), head("a", 1, 0), append(1, 1, Some(9)), append(1, 2, None)]).unwrap();
    let (first, last) = archive.load(Kind::Inbox, "a").unwrap().unwrap().edges.unwrap();
    assert_eq!(first.bytes, entry_bytes(&entry(1, "hello")));
    assert_eq!(last.bytes, entry_bytes(&entry(2, "hello")));
    assert_eq!((first.at, last.at, last.bytes_sum), (10, 20, 2));
}

#[test]
fn a_shared_payload_goes_with_its_last_reference() {
    let (store, archive) = fresh();
    archive.write(&[head("a", 1, 0), head("b", 2, 0), share(9, 3)]).unwrap();
    archive.write(&[append(1, 1, Some(9)), append(2, 1, Some(9)), append(2, 2, Some(9))]).unwrap();
    assert_eq!(archive.page(2, 1, 2, 999).unwrap().entries, [entry(1, "hello"), entry(2, "hello")]);

    archive.write(&[Op::Remove { stream: 2, from: 1, to: 2 }]).unwrap();
    assert_eq!(archive.page(1, 1, 1, 0).unwrap().entries, [entry(1, "hello")]);
    assert!(store.get(&key::share(9)).unwrap().is_some());

    archive.write(&[Op::Forget { kind: Kind::Inbox, name: "a".into(), stream: 1 }]).unwrap();
    assert_eq!(store.get(&key::share(9)).unwrap(), None);
    assert_eq!(store.get(&key::refs(9)).unwrap(), None);
    assert_eq!(archive.load(Kind::Inbox, "a").unwrap(), None);
}

#[test]
fn one_call_may_write_and_remove_the_same() {
    let (store, archive) = fresh();
    let ops = [head("a", 1, 2), share(9, 2), append(1, 1, Some(9)), append(1, 2, Some(9))];
    archive.write(&ops.into_iter().chain([Op::Remove { stream: 1, from: 0, to: 9 }]).collect::<Vec<_>>()).unwrap();
    assert_eq!(offsets(&archive, 1), [0; 0]);
    assert_eq!(store.get(&key::share(9)).unwrap(), None);
    assert_eq!(archive.load(Kind::Inbox, "a").unwrap().unwrap().head.last, 2);
}

#[test]
fn removing_goes_on_over_many_slices() {
    let (_, archive) = fresh();
    let ops: Vec<Op> = (1..=5_000).map(|offset| append(1, offset, None)).collect();
    archive.write(&ops).unwrap();
    archive.write(&[Op::Remove { stream: 1, from: 1, to: 4_096 }]).unwrap();
    assert_eq!(offsets(&archive, 1), (4_097..=5_000).collect::<Vec<_>>());
}

#[test]
fn a_damaged_entry_is_told_and_the_others_are_served() {
    let (store, archive) = fresh();
    archive.write(&[head("a", 1, 0), share(9, 1), append(1, 1, None), append(1, 2, Some(9))]).unwrap();
    archive.write(&[append(1, 3, None), append(1, 4, None)]).unwrap();
    let flip = |key: &[u8]| assert!(store.damage(key, |value| value[5] ^= 4));

    flip(&key::entry(1, 3));
    let page = archive.page(1, 1, 9, usize::MAX).unwrap();
    assert_eq!((page.entries.len(), page.damaged), (3, vec![3]));

    flip(&key::share(9));
    let page = archive.page(1, 1, 9, usize::MAX).unwrap();
    assert_eq!((page.entries.len(), page.damaged), (2, vec![2, 3]));

    let page = archive.page(1, 2, 9, 1).unwrap();
    assert_eq!((page.entries.len(), page.damaged, page.reached), (0, vec![2], 2), "what is behind was not looked at");
    let page = archive.page(1, 3, 9, 1).unwrap();
    assert_eq!((page.entries.len(), page.damaged, page.reached), (1, vec![3], 4));

    flip(&key::entry(1, 4));
    flip(&key::entry(1, 1));
    let kept = archive.load(Kind::Inbox, "a").unwrap().unwrap();
    assert_eq!(kept.head.last, 4, "a damaged entry's offset was given out all the same");
    assert_eq!(kept.edges.map(|(first, last)| (first.offset, last.offset)), Some((2, 2)));

    let mut key = Vec::new();
    key::head(Kind::Inbox, "a", &mut key);
    flip(&key);
    let error = archive.load(Kind::Inbox, "a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
    assert!(error.to_string().contains("tidingsd store check"), "{error}");
}

#[test]
fn a_record_in_anothers_place_is_damaged() {
    let (store, archive) = fresh();
    archive.write(&[append(1, 1, None)]).unwrap();
    let value = store.get(&key::entry(1, 1)).unwrap().unwrap();
    store.write(&[Write::Put { key: key::entry(1, 2).to_vec(), value }]).unwrap();
    assert_eq!(archive.page(1, 1, 2, usize::MAX).unwrap().damaged, [2]);
}

#[test]
fn a_key_whose_entry_was_lost_does_not_answer() {
    let (store, archive) = fresh();
    archive.write(&[head("a", 1, 0), Op::Key(kept_key("a", 1, 1)), append(1, 1, None)]).unwrap();
    archive.sync().unwrap();
    archive.write(&[Op::Key(kept_key("a", 1, 2)), append(1, 2, None)]).unwrap();
    store.crash_keeping(1);
    let archive = Archive::open(Arc::new(store.clone()), 0).unwrap();
    assert_eq!(archive.keys(0).unwrap(), [kept_key("a", 1, 1)]);
    archive.write(&[append(1, 2, None)]).unwrap();
    assert_eq!(archive.keys(0).unwrap(), [kept_key("a", 1, 1)], "it does not come back when its offset does");
    assert!(archive.keys(102).unwrap().is_empty());
}

#[test]
fn a_key_answers_when_its_entry_was_removed_or_its_stream_made_anew() {
    let (_, archive) = fresh();
    archive.write(&[head("a", 1, 0), Op::Key(kept_key("a", 1, 1)), append(1, 1, None)]).unwrap();
    archive.write(&[head("a", 1, 1), Op::Remove { stream: 1, from: 1, to: 1 }]).unwrap();
    assert_eq!(archive.keys(0).unwrap().len(), 1);
    let forget = Op::Forget { kind: Kind::Inbox, name: "a".into(), stream: 1 };
    archive.write(&[forget, head("a", 2, 0)]).unwrap();
    assert_eq!(archive.keys(0).unwrap().len(), 1);
}

#[test]
fn old_keys_are_forgotten() {
    let (_, archive) = fresh();
    let keys = (1..=3).map(|offset| Op::Key(kept_key("a", 1, offset)));
    archive.write(&[head("a", 1, 3)].into_iter().chain(keys).collect::<Vec<_>>()).unwrap();
    archive.write(&[Op::ForgetKeys { before_ms: 102 }]).unwrap();
    let left: Vec<u64> = archive.keys(0).unwrap().iter().map(|key| key.offset).collect();
    assert_eq!(left, [2, 3]);
}

#[test]
fn a_newer_format_and_a_foreign_store_are_refused() {
    let store = MemoryStore::default();
    let mut value = Vec::new();
    crate::record::write_format(crate::record::Format { version: 2, id: 1 }, &mut value);
    store.write(&[Write::Put { key: key::FORMAT.to_vec(), value }]).unwrap();
    let error = Archive::open(Arc::new(store.clone()), 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Version);
    assert!(error.to_string().contains("format 2"), "{error}");

    store.damage(key::FORMAT, |value| value[3] ^= 1);
    assert_eq!(Archive::open(Arc::new(store), 1).unwrap_err().kind(), ErrorKind::Damaged);

    let foreign = MemoryStore::default();
    foreign.write(&[Write::Put { key: vec![9], value: vec![9] }]).unwrap();
    assert_eq!(Archive::open(Arc::new(foreign), 1).unwrap_err().kind(), ErrorKind::Damaged);
}

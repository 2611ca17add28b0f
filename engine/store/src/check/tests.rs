use super::{Leaks, Renewal, Stats, check, compact, stats};
use crate::archive::Archive;
use crate::disk::{Options, SledStore};
use crate::error::ErrorKind;
use crate::op::Op;
use crate::progress::{Progress, Step};
use crate::store::{Store, Write};
use crate::{key, record};
use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use tidings_proto::id::Epoch;
use tidings_proto::kept::{Entry, Head, Kind};
use tidings_proto::payload::{Codec, Data};

fn options() -> Options {
    Options { cache_bytes: 4 << 20, ..Options::default() }
}

fn open(path: &Path) -> Arc<SledStore> {
    Arc::new(SledStore::open(path, &options()).unwrap())
}

fn data() -> Data {
    Data::parse(Codec::Json, Bytes::from(format!("\"{}\"", "x".repeat(200)))).unwrap()
}

fn append(stream: u64, offset: u64, share: Option<u64>) -> Op {
    let entry = Entry { offset, event: "e".into(), data: data(), from: None, key: None, at: offset };
    Op::Append { stream, entry, bytes_sum: offset, share }
}

fn head(name: &str, stream: u64) -> Op {
    let head = Head { stream, epoch: Epoch(9), floor: 1, last: 0, devices: Vec::new() };
    Op::Head { kind: Kind::Inbox, name: name.into(), head }
}

/// Two streams, a payload that they share, one that was written before a crash, and entries that lost their head.
fn leaky(path: &Path) {
    let archive = Archive::open(open(path), 42).unwrap();
    let numbers: Vec<u64> = (0..5).map(|_| archive.new_stream()).collect();
    let share = |id, refs| Op::Share { id, refs, data: data() };
    archive.write(&[head("a", numbers[0]), head("b", numbers[1]), share(numbers[2], 3), share(numbers[3], 7)]).unwrap();
    archive.write(&[append(numbers[0], 1, Some(numbers[2])), append(numbers[1], 1, Some(numbers[2]))]).unwrap();
    archive.write(&[append(numbers[0], 2, None), append(numbers[4], 1, None)]).unwrap();
    archive.sync().unwrap();
}

#[test]
fn leaks_are_counted_and_compaction_drops_them() {
    let folder = tempfile::tempdir().unwrap();
    leaky(folder.path());
    let report = check(folder.path(), &options(), &mut |_| ()).unwrap();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.stats.id, report.stats.streams, report.stats.entries, report.stats.shares), (42, 2, 3, 2));
    assert_eq!(report.leaks, Leaks { entries: 1, shares: 1, counts: 1, bytes: report.leaks.bytes });
    assert!(report.leaks.bytes > 400);

    let mut steps = Vec::new();
    let done =
        compact(folder.path(), &options(), Renewal::IfDamaged, &mut |Progress { step, .. }| steps.push(step)).unwrap();
    assert_eq!(done.dropped, 3, "an entry, a payload, and its count");
    steps.dedup();
    assert_eq!(steps, [Step::Reading, Step::Copying, Step::Verifying]);
    let after = check(folder.path(), &options(), &mut |_| ()).unwrap();
    assert_eq!(after.leaks, Leaks::default());
    assert_eq!((after.stats.streams, after.stats.entries, after.stats.shares), (2, 3, 1));
    // How long the log is made ahead of time differs from opening to opening.
    let told = stats(folder.path(), &options(), &mut |_| ()).unwrap();
    assert_eq!(told, Stats { bytes_on_disk: told.bytes_on_disk, ..after.stats });

    // The count is right again: the payload goes with the last entry that refers to it.
    let store = open(folder.path());
    let archive = Archive::open(store.clone(), 0).unwrap();
    assert!(archive.new_stream() > 5);
    archive.write(&[Op::Remove { stream: 1, from: 1, to: 1 }, Op::Remove { stream: 2, from: 1, to: 1 }]).unwrap();
    assert_eq!(store.get(&key::share(3)).unwrap(), None);
}

#[test]
fn damaged_records_are_named_and_compaction_drops_them() {
    let folder = tempfile::tempdir().unwrap();
    leaky(folder.path());
    let store = open(folder.path());
    for key in [&key::entry(1, 2)[..], &key::share(3), key::RESERVED] {
        let mut value = store.get(key).unwrap().unwrap();
        value[3] ^= 1;
        store.write(&[Write::Put { key: key.to_vec(), value }]).unwrap();
    }
    store.sync().unwrap();
    drop(store);
    let report = check(folder.path(), &options(), &mut |_| ()).unwrap();
    assert_eq!(report.damaged, 5, "{report:?}");
    let text = report.damages.join("\n");
    for named in ["entry 2 of stream number 1", "the shared payload 0x3", "2 entries share", "reserved stream numbers"]
    {
        assert!(text.contains(named), "{named}: {text}");
    }
    compact(folder.path(), &options(), Renewal::IfDamaged, &mut |_| ()).unwrap();
    let report = check(folder.path(), &options(), &mut |_| ()).unwrap();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.stats.streams, report.stats.entries), (2, 0));
    assert!(Archive::open(open(folder.path()), 0).unwrap().new_stream() > 5);
}

#[test]
fn a_reserved_number_beyond_all_is_damage_and_mended() {
    let folder = tempfile::tempdir().unwrap();
    leaky(folder.path());
    let store = open(folder.path());
    let mut value = Vec::new();
    record::write_number(key::RESERVED, u64::MAX, &mut value);
    store.write(&[Write::Put { key: key::RESERVED.to_vec(), value }]).unwrap();
    store.sync().unwrap();
    assert_eq!(Archive::open(store.clone(), 0).unwrap_err().kind(), ErrorKind::Damaged);
    drop(store);
    assert_eq!(check(folder.path(), &options(), &mut |_| ()).unwrap().damaged, 1);
    compact(folder.path(), &options(), Renewal::IfDamaged, &mut |_| ()).unwrap();
    assert!(check(folder.path(), &options(), &mut |_| ()).unwrap().is_whole());
    let next = Archive::open(open(folder.path()), 0).unwrap().new_stream();
    assert!((6..100).contains(&next), "{next}");
}

#[test]
fn an_open_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    leaky(folder.path());
    let store = open(folder.path());
    let locked = ErrorKind::Locked;
    assert_eq!(check(folder.path(), &options(), &mut |_| ()).unwrap_err().kind(), locked);
    assert_eq!(compact(folder.path(), &options(), Renewal::IfDamaged, &mut |_| ()).unwrap_err().kind(), locked);
    drop(store);
}

#[test]
fn epochs_are_others_when_something_is_damaged_or_the_operator_says_so() {
    let folder = tempfile::tempdir().unwrap();
    leaky(folder.path());
    let state = || {
        let archive = Archive::open(open(folder.path()), 0).unwrap();
        let kept = archive.load(Kind::Inbox, "a").unwrap().unwrap();
        (archive.id(), kept.head.epoch, kept.head.last)
    };
    let before = state();
    assert!(!compact(folder.path(), &options(), Renewal::IfDamaged, &mut |_| ()).unwrap().renewed);
    assert_eq!(state(), before);
    assert!(compact(folder.path(), &options(), Renewal::Always, &mut |_| ()).unwrap().renewed);
    let renewed = state();
    assert!(renewed.0 != before.0 && renewed.1 != before.1 && renewed.2 == before.2);
    let store = open(folder.path());
    let mut value = store.get(key::RESERVED).unwrap().unwrap();
    value[3] ^= 1;
    store.write(&[Write::Put { key: key::RESERVED.to_vec(), value }]).unwrap();
    store.sync().unwrap();
    drop(store);
    assert!(compact(folder.path(), &options(), Renewal::IfDamaged, &mut |_| ()).unwrap().renewed);
    assert_ne!(state().1, renewed.1);
}

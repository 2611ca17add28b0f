//! The store on a real directory.

mod common;

use common::{all, append, data, head_op, offsets, options};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use tidings_proto::kept::Kind;
use tidings_store::archive::Archive;
use tidings_store::disk::SledStore;
use tidings_store::error::ErrorKind;
use tidings_store::store::{KEY_BYTES_MAX, Store, VALUE_BYTES_MAX, Write};

fn open(path: &Path) -> SledStore {
    SledStore::open(path, &options()).unwrap()
}

fn put(key: &[u8], value: &[u8]) -> Write {
    Write::Put { key: key.to_vec(), value: value.to_vec() }
}

fn contents(store: &SledStore) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    store
        .scan(&[0], &[0xff], &mut |key, value| {
            found.insert(key.to_vec(), value.to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
    found
}

#[test]
fn an_archive_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(Arc::new(open(folder.path())), 5).unwrap();
    archive.write(&[head_op(Kind::Channel, "news", 1, 0)]).unwrap();
    for offset in 1..=300 {
        archive.write(&[append(1, offset, data(offset, 64 * 1024 / 300 * offset as usize))]).unwrap();
    }
    archive.sync().unwrap();
    drop(archive);

    let archive = Archive::open(Arc::new(open(folder.path())), 6).unwrap();
    assert_eq!(archive.id(), 5);
    assert_eq!(archive.load(Kind::Channel, "news").unwrap().unwrap().head.last, 300);
    let page = all(&archive, 1);
    assert_eq!(offsets(&page), (1..=300).collect::<Vec<_>>());
    assert!(page.entries.iter().all(|entry| entry.data == data(entry.offset, 64 * 1024 / 300 * entry.offset as usize)));
    assert!(archive.bytes_on_disk().unwrap() > 64 * 1024 * 150);
}

#[test]
fn one_process_has_it_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let error = SledStore::open(folder.path(), &options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.to_string().contains("another process has the store"), "{error}");
    drop(store);
    open(folder.path());
}

#[test]
fn what_is_refused_spoils_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let long = vec![1; VALUE_BYTES_MAX + 1];
    assert_eq!(store.write(&[put(b"a", b"1"), put(b"b", &long)]).unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(store.get(b"a").unwrap(), None);
    store.write(&[put(b"a", &long[1..])]).unwrap();
    store.sync().unwrap();
    assert_eq!(store.get(b"a").unwrap().unwrap(), &long[1..]);
}

#[test]
fn sled_makes_no_file_that_it_would_not_sync() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    // Long keys, so that pages which point to others are as large as they can be, and values of all lengths.
    let key = |number: u32| {
        let mut key = vec![7; KEY_BYTES_MAX];
        key[..4].copy_from_slice(&number.reverse_bits().to_be_bytes().map(|byte| byte >> 1));
        key[KEY_BYTES_MAX - 4..].copy_from_slice(&number.to_be_bytes());
        key
    };
    for number in 0..6_000 {
        store.write(&[put(&key(number), &vec![3; 2_560 - number as usize % 3])]).unwrap();
    }
    for number in 0..300 {
        store.write(&[put(&key(number), &vec![4; VALUE_BYTES_MAX - number as usize])]).unwrap();
    }
    for number in (0..6_000).filter(|number| number % 16 != 0) {
        store.write(&[Write::Delete { key: key(number) }]).unwrap();
    }
    store.sync().unwrap();
    assert_eq!(fs::read_dir(folder.path().join("g-1/blobs")).unwrap().count(), 0);
    assert_eq!(contents(&store).len(), 6_000 / 16);
}

#[test]
fn readers_go_on_while_it_is_written_and_copied() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    store.write(&[put(&[5], &[9; 10_000])]).unwrap();
    let many: Vec<_> = (0..9_000_u16).map(|at| put(&[&[8][..], &at.to_be_bytes()].concat(), &[1; 2_000])).collect();
    store.write(&many).unwrap();
    let gone: Vec<_> = many[..8_900].iter().map(|write| Write::Delete { key: write.key().to_vec() }).collect();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let value = store.get(&[5]).unwrap().unwrap();
                assert!(
                    value.len() >= 10_000 && value.iter().all(|byte| *byte == value[0]),
                    "never a mix of two values"
                );
                store.scan(&[0], &[9], &mut |_, _| ControlFlow::Continue(())).unwrap();
                assert!(store.last(&[0], &[9]).unwrap().is_some());
            }
        });
        for round in 0..100_u32 {
            store.write(&[put(&[5], &vec![round as u8; 10_000 + round as usize * 10])]).unwrap();
            store.write(&[put(&[6, round as u8], &[round as u8; 2_000])]).unwrap();
            store.write(&gone[round as usize * 89..][..89]).unwrap();
            store.sync().unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    // A copy goes on with each sync, and the old one goes when the last reader has left it.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while folder.path().join("g-1").exists() {
        assert!(std::time::Instant::now() < deadline, "when little is left of much it is copied");
        store.write(&[put(&[6, 0], &[0; 2_000])]).unwrap();
        store.sync().unwrap();
    }
    drop(store);
    assert_eq!(contents(&open(folder.path())).len(), 1 + 100 + 100);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn it_is_a_map(steps in prop::collection::vec((0u8..40, 0usize..9_000, 0u8..8), 1..200)) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let mut model = BTreeMap::new();
        for (key, bytes, what) in steps {
            let key = vec![key, 1];
            match what {
                0 | 1 => {
                    model.remove(&key);
                    store.write(&[Write::Delete { key }]).unwrap();
                }
                2 => {
                    drop(store);
                    store = open(folder.path());
                }
                3 => store.sync().unwrap(),
                _ => {
                    // What begins with the mark of a pointer is a value like any other.
                    let value = vec![0xff - what / 7; bytes % 3_000 * usize::from(what)];
                    store.write(&[put(&key, &value)]).unwrap();
                    model.insert(key, value);
                }
            }
        }
        prop_assert_eq!(&contents(&store), &model);
        for (key, value) in &model {
            prop_assert_eq!(&store.get(key).unwrap().unwrap(), value);
        }
        prop_assert_eq!(store.last(&[0], &[0xff]).unwrap(), model.pop_last());
    }
}

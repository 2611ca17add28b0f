use super::MemoryStore;
use crate::error::ErrorKind;
use crate::store::{Store, VALUE_BYTES_MAX, Write};
use std::ops::ControlFlow;

fn put(key: &[u8], value: &[u8]) -> Write {
    Write::Put { key: key.to_vec(), value: value.to_vec() }
}

fn delete(key: &[u8]) -> Write {
    Write::Delete { key: key.to_vec() }
}

#[test]
fn what_was_not_synced_is_gone_after_a_crash() {
    let store = MemoryStore::default();
    store.write(&[put(b"a", b"1"), put(b"b", b"1")]).unwrap();
    store.sync().unwrap();
    store.write(&[put(b"a", b"2"), delete(b"b"), put(b"c", b"3"), put(b"a", b"4")]).unwrap();
    assert_eq!(store.unsynced(), 4);

    store.crash_keeping(2);
    assert_eq!(store.get(b"a").unwrap().unwrap(), b"2");
    assert_eq!(store.get(b"b").unwrap(), None);
    assert_eq!(store.get(b"c").unwrap(), None);

    store.write(&[put(b"b", b"5")]).unwrap();
    store.clone().crash();
    assert_eq!(store.get(b"a").unwrap().unwrap(), b"2", "what a crash kept is safe");
    assert_eq!(store.get(b"b").unwrap(), None);
}

#[test]
fn scans_and_the_last_key_keep_to_their_range() {
    let store = MemoryStore::default();
    store.write(&[put(b"a", b""), put(b"b", b""), put(b"c", b""), put(b"d", b"")]).unwrap();
    let mut found = Vec::new();
    store
        .scan(b"b", b"d", &mut |key, _| {
            found.push(key.to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(found, [b"b", b"c"]);
    assert_eq!(store.last(b"a", b"d").unwrap().unwrap().0, b"c");
    assert_eq!(store.last(b"x", b"z").unwrap(), None);
    assert_eq!(store.last(b"z", b"x").unwrap(), None);
    store.scan(b"d", b"a", &mut |_, _| panic!("nothing is between them")).unwrap();
}

#[test]
fn what_no_store_takes_is_refused() {
    let store = MemoryStore::default();
    for write in [put(b"", b""), put(b"\xff", b""), put(&[1; 400], b""), put(b"a", &vec![0; VALUE_BYTES_MAX + 1])] {
        assert_eq!(store.write(&[write]).unwrap_err().kind(), ErrorKind::Refused);
    }
    assert_eq!(store.bytes_on_disk().unwrap(), 0);
}

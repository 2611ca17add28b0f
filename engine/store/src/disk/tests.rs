use super::{FLOOR_BYTES, Options, SledStore};
use crate::error::{ErrorKind, StoreError};
use crate::store::{Store, Write};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn options() -> Options {
    Options { cache_bytes: 4 << 20, ..Options::default() }
}

fn open(folder: &TempDir) -> SledStore {
    SledStore::open(folder.path(), &options()).unwrap()
}

fn put(number: u16, bytes: usize) -> Write {
    Write::Put { key: [&[9][..], &number.to_be_bytes()].concat(), value: vec![1; bytes] }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn after_a_failure_nothing_is_written_until_it_is_opened_afresh() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.write(&[put(1, 10)]).unwrap();
    store.sync().unwrap();
    let failure: Result<(), _> = store.or_poison(Err(StoreError::new(ErrorKind::Io, "the device is gone")));
    assert!(failure.is_err());
    assert_eq!(store.write(&[put(2, 10)]).unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(store.sync().unwrap_err().kind(), ErrorKind::Poisoned);
    assert!(store.get(put(1, 0).key()).unwrap().is_some(), "it may still be read");
    assert!(store.bytes_on_disk().is_ok());
    drop(store);
    open(&folder).write(&[put(2, 10)]).unwrap();
}

#[test]
fn a_sync_without_writes_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.write(&[put(1, 10)]).unwrap();
    store.sync().unwrap();
    let syncs = store.current().syncs();
    store.sync().unwrap();
    assert_eq!(store.current().syncs(), syncs);
}

#[test]
fn what_lives_is_counted_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.write(&[put(1, 100), put(2, 5_000), put(1, 50), put(3, 7)]).unwrap();
    store.write(&[Write::Delete { key: put(3, 0).key().to_vec() }]).unwrap();
    let live = store.bytes_live();
    assert!((5_056..5_150).contains(&live), "{live}");
    drop(store);
    assert_eq!(open(&folder).bytes_live(), live);
}

#[test]
fn a_switch_may_be_cut_short_anywhere() {
    // A store as it is in the middle of a copy: the old generation whole, the new one begun.
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let many: Vec<Write> = (0..12_000).map(|number| put(number, 2_000)).collect();
    store.write(&many).unwrap();
    store.sync().unwrap();
    assert!(store.bytes_on_disk().unwrap() > FLOOR_BYTES);
    let gone: Vec<Write> = many[1_000..].iter().map(|write| Write::Delete { key: write.key().to_vec() }).collect();
    store.write(&gone).unwrap();
    store.sync().unwrap();
    store.sync().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert!(at("g-2").exists() && store.writer().unwrap().copying.is_some());
    let middle = tempfile::tempdir().unwrap();
    copy(folder.path(), middle.path());

    while store.writer().unwrap().copying.is_some() {
        store.sync().unwrap();
    }
    assert_eq!(store.current().path(), at("g-2"));
    drop(store);
    assert!(!at("g-1").exists());

    let expect = |folder: &Path, generation: &str| {
        let store = SledStore::open(folder, &options()).unwrap();
        let mut records = 0;
        store
            .scan(&[0], &[0xff], &mut |_, value| {
                records += usize::from(value == [1; 2_000]);
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(records, 1_000);
        assert_eq!(store.current().path(), folder.join(generation));
        drop(store);
        let listed: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(listed.len(), 3, "what was left over is gone: {listed:?}");
    };

    // Cut while it copies; cut with the new name written beside the old one; cut behind the switch.
    let with = |change: &dyn Fn(&Path)| {
        let cut = tempfile::tempdir().unwrap();
        copy(middle.path(), cut.path());
        change(cut.path());
        cut
    };
    expect(with(&|_| ()).path(), "g-1");
    expect(with(&|path| fs::remove_dir_all(path.join("g-2/blobs")).unwrap()).path(), "g-1");
    expect(with(&|path| fs::write(path.join("current.new"), "g-").unwrap()).path(), "g-1");
    let switched = |path: &Path| {
        fs::remove_dir_all(path.join("g-2")).unwrap();
        copy(&at("g-2"), &path.join("g-2"));
        fs::write(path.join("current"), "g-2\n").unwrap();
    };
    expect(with(&switched).path(), "g-2");
    let half_removed = |path: &Path| {
        switched(path);
        fs::remove_file(path.join("g-1/db")).unwrap();
    };
    expect(with(&half_removed).path(), "g-2");
    expect(folder.path(), "g-2");
}

#[test]
fn a_beginning_may_be_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("g-1/blobs")).unwrap();
    fs::write(folder.path().join("g-1/db"), "").unwrap();
    fs::write(folder.path().join("lock"), "").unwrap();
    open(&folder).write(&[put(1, 1)]).unwrap();
}

#[test]
fn an_opening_that_takes_too_long_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder));
    let hurried = Options { open_timeout: std::time::Duration::ZERO, ..options() };
    assert_eq!(SledStore::open(folder.path(), &hurried).unwrap_err().kind(), ErrorKind::Timeout);
}

#[test]
fn a_snapshot_that_was_not_finished_is_in_nobodys_way() {
    for name in ["snap.00000000000FFFFF.generating", "snap.0000000000000FFF"] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let many: Vec<Write> = (0..2_000).map(|number| put(number, 500)).collect();
        store.write(&many).unwrap();
        store.sync().unwrap();
        let generation = store.current().path().to_owned();
        drop(store);
        for bytes in [&b""[..], b"half a snapshot"] {
            fs::write(generation.join(name), bytes).unwrap();
            let store = open(&folder);
            for number in [0, 999, 1_999] {
                assert!(store.get(put(number, 0).key()).unwrap().is_some(), "{name}");
            }
        }
    }
}

#[test]
fn every_snapshot_may_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3_u16 {
        let store = open(&folder);
        let many: Vec<Write> = (0..1_000).map(|number| put(round * 1_000 + number, 500)).collect();
        store.write(&many).unwrap();
        store.sync().unwrap();
        let generation = store.current().path().to_owned();
        drop(store);
        for entry in fs::read_dir(generation).unwrap().map(Result::unwrap) {
            if entry.file_name().to_str().unwrap().starts_with("snap.") {
                let mut bytes = fs::read(entry.path()).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0x10;
                fs::write(entry.path(), bytes).unwrap();
            }
        }
    }
    let store = open(&folder);
    assert!((0..3_000).all(|number| store.get(put(number, 0).key()).unwrap().is_some()));
}

#[test]
#[cfg(all(target_os = "linux", not(feature = "skip-sync")))]
fn every_write_of_sled_is_a_synchronous_one_where_there_are_such() {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let folder = tempfile::tempdir().unwrap();
    let trial = fs::File::create(folder.path().join("trial")).unwrap();
    let is_known = ioctl_setflags(&trial, IFlags::SYNC).is_ok();
    let data = tempfile::tempdir_in(folder.path()).unwrap();
    let store = open(&data);
    assert_eq!(store.caveat().is_none(), is_known);
    let log = fs::File::open(store.current().path().join("db")).unwrap();
    assert_eq!(ioctl_getflags(&log).is_ok_and(|flags| flags.contains(IFlags::SYNC)), is_known);
}

#[test]
#[cfg(target_os = "linux")]
fn the_log_is_longer_than_what_is_in_it_and_no_longer_for_being_opened_often() {
    const MUCH_BYTES: u64 = 8 << 20;
    let folder = tempfile::tempdir().unwrap();
    for number in 0..20 {
        let store = open(&folder);
        store.write(&[put(number, 2_000)]).unwrap();
        store.sync().unwrap();
        let bytes = store.current().log().bytes().unwrap();
        assert!((1 << 20..MUCH_BYTES).contains(&bytes), "{bytes}");
        assert!(store.bytes_on_disk().unwrap() < MUCH_BYTES);
    }
    let store = open(&folder);
    assert!((0..20).all(|number| store.get(put(number, 0).key()).unwrap().is_some()));
}

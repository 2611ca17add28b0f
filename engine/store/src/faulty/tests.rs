use super::FaultyStore;
use crate::error::ErrorKind;
use crate::memory::MemoryStore;
use crate::store::{Store, Write};
use std::time::{Duration, Instant};

fn put(key: u8) -> [Write; 1] {
    [Write::Put { key: vec![key], value: vec![key] }]
}

#[test]
fn a_failure_lasts_until_the_store_is_opened_afresh() {
    let faulty = FaultyStore::new(MemoryStore::default());
    let switch = faulty.clone();
    faulty.write(&put(1)).unwrap();

    switch.fail_next_sync();
    assert_eq!(faulty.sync().unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(faulty.sync().unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(faulty.write(&put(2)).unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(switch.store().unsynced(), 1, "a failed sync makes nothing safe");
    switch.reopen();
    faulty.sync().unwrap();

    switch.fail_next_write();
    assert_eq!(faulty.write(&put(2)).unwrap_err().kind(), ErrorKind::Io);
    switch.reopen();
    faulty.write(&put(2)).unwrap();
    assert_eq!((switch.writes(), switch.syncs()), (2, 1));
}

#[test]
fn a_full_device_stays_full_until_told_otherwise() {
    let faulty = FaultyStore::new(MemoryStore::default());
    faulty.set_full(true);
    for _ in 0..2 {
        assert_eq!(faulty.write(&put(1)).unwrap_err().kind(), ErrorKind::Full);
        faulty.reopen();
    }
    faulty.set_full(false);
    faulty.write(&put(1)).unwrap();
    assert_eq!(faulty.get(&[1]).unwrap().unwrap(), [1]);
}

#[test]
fn a_slow_sync_takes_its_time() {
    let faulty = FaultyStore::new(MemoryStore::default());
    faulty.set_sync_takes(Duration::from_millis(5));
    let before = Instant::now();
    faulty.sync().unwrap();
    assert!(before.elapsed() >= Duration::from_millis(5));
}

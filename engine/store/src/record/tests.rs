use super::cursor::put_text;
use super::{CRC_BYTES, read_entry, read_head, seal, write_entry, write_head};
use crate::key;
use crate::store::VALUE_BYTES_MAX;
use bytes::Bytes;
use proptest::prelude::*;
use tidings_proto::id::Epoch;
use tidings_proto::kept::{Device, Entry, Head};
use tidings_proto::payload::{Codec, Data};

fn entry(seed: (String, Option<String>, Option<String>, Vec<u8>)) -> Entry {
    Entry {
        offset: 5,
        event: seed.0.into(),
        data: Data::checked_before(Codec::Msgpack, Bytes::from(seed.3)),
        from: seed.1.map(Into::into),
        key: seed.2.map(Into::into),
        at: 99,
    }
}

proptest! {
    #[test]
    fn an_entry_comes_back(seed: (String, Option<String>, Option<String>, Vec<u8>), sum: u64, share: Option<u64>) {
        let entry = entry(seed);
        let key = key::entry(3, 5);
        let mut record = Vec::new();
        write_entry(&key, &entry, sum, share, &mut record);
        let read = read_entry(&key, &record).unwrap();
        prop_assert_eq!(read.bytes(), crate::archive::entry_bytes(&entry));
        prop_assert_eq!((read.bytes_sum, read.share()), (sum, share));
        prop_assert_eq!(read.entry(5, entry.data.clone()), entry);
    }

    #[test]
    fn any_change_of_a_record_is_seen(seed: (String, Option<String>, Option<String>, Vec<u8>), at: usize, bit in 0u8..8) {
        let key = key::entry(3, 5);
        let mut record = Vec::new();
        write_entry(&key, &entry(seed), 1, None, &mut record);
        let at = at % record.len();
        record[at] ^= 1 << bit;
        prop_assert!(read_entry(&key, &record).is_err());
        record[at] ^= 1 << bit;
        record.truncate(at);
        prop_assert!(read_entry(&key, &record).is_err());
    }

    #[test]
    fn a_head_comes_back(numbers: [u64; 4], devices: Vec<(String, u64, u64, u64)>) {
        let devices = devices
            .into_iter()
            .map(|(name, delivered, read, seen_at)| Device { name: name.into(), delivered, read, seen_at })
            .collect();
        let [stream, epoch, floor, last] = numbers;
        let head = Head { stream, epoch: Epoch(epoch), floor, last, devices };
        let mut record = Vec::new();
        write_head(b"key", &head, &mut record);
        prop_assert_eq!(read_head(b"key", &record).unwrap(), head);
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes: Vec<u8>) {
        let _ = read_entry(b"key", &bytes);
        let mut sealed = bytes;
        super::seal(b"key", &mut sealed);
        let _ = read_entry(b"key", &sealed);
        let _ = read_head(b"key", &sealed);
        let _ = super::read_share(b"key", &sealed);
        let _ = super::read_idempotency(&key::idempotency(1, 2, 3), &sealed);
    }
}

#[test]
fn a_text_too_long_is_cut_at_a_character() {
    let mut out = Vec::new();
    put_text(&"ä".repeat(40_000), &mut out);
    assert_eq!(out.len(), 2 + 65_534);
}

/// Found by fuzzing.
#[test]
fn a_shared_payload_longer_than_any_is_damage() {
    let key = key::entry(3, 5);
    let mut record = Vec::new();
    write_entry(&key, &entry(("E".into(), None, None, vec![0xc0])), 1, Some(7), &mut record);
    for (bytes, is_taken) in [(VALUE_BYTES_MAX as u64, true), (VALUE_BYTES_MAX as u64 + 1, false), (u64::MAX, false)] {
        record.truncate(record.len() - CRC_BYTES);
        let length = record.last_chunk_mut::<8>().unwrap();
        *length = bytes.to_le_bytes();
        seal(&key, &mut record);
        assert_eq!(read_entry(&key, &record).is_ok(), is_taken, "{bytes}");
    }
}

//! What the tests share: short ways to say entries, heads and ops, and an engine that writes as the real one does.

#![allow(dead_code, reason = "each test takes what it needs")]

pub(crate) mod engine;

use bytes::Bytes;
use std::sync::Arc;
use tidings_proto::id::Epoch;
use tidings_proto::kept::{Device, Entry, Head, Kind};
use tidings_proto::payload::{Codec, Data};
use tidings_store::archive::{Archive, Page};
use tidings_store::disk::Options;
use tidings_store::op::Op;
use tidings_store::store::Store;

pub(crate) const ALL: (u64, u64, usize) = (0, u64::MAX, usize::MAX);

/// JSON text of about this many bytes that is the same for the same seed.
pub(crate) fn data(seed: u64, bytes: usize) -> Data {
    let mut text = format!("\"{seed:x}:");
    while text.len() + 1 < bytes {
        text.push(char::from(b'a' + (text.len() as u64 * 7 + seed) as u8 % 26));
    }
    text.push('"');
    Data::parse(Codec::Json, Bytes::from(text)).unwrap()
}

pub(crate) fn entry(offset: u64, data: Data) -> Entry {
    Entry {
        offset,
        event: "message".into(),
        data,
        from: offset.is_multiple_of(2).then(|| Arc::from("ada")),
        key: offset.is_multiple_of(3).then(|| "latest".into()),
        at: 1_000 + offset,
    }
}

pub(crate) fn head(stream: u64, last: u64) -> Head {
    let device = Device { name: "phone".into(), delivered: last / 2, read: last / 3, seen_at: 77 };
    Head { stream, epoch: Epoch(stream * 11), floor: 1, last, devices: vec![device] }
}

pub(crate) fn head_op(kind: Kind, name: &str, stream: u64, last: u64) -> Op {
    Op::Head { kind, name: name.into(), head: head(stream, last) }
}

pub(crate) fn append(stream: u64, offset: u64, data: Data) -> Op {
    Op::Append { stream, entry: entry(offset, data), bytes_sum: offset * 100, share: None }
}

pub(crate) fn open(store: impl Store) -> Archive {
    Archive::open(Arc::new(store), 1).unwrap()
}

pub(crate) fn all(archive: &Archive, stream: u64) -> Page {
    archive.page(stream, ALL.0, ALL.1, ALL.2).unwrap()
}

pub(crate) fn offsets(page: &Page) -> Vec<u64> {
    page.entries.iter().map(|entry| entry.offset).collect()
}

/// A small cache, so that many stores fit beside each other.
pub(crate) fn options() -> Options {
    Options { cache_bytes: 4 << 20, open_timeout: std::time::Duration::from_secs(20) }
}

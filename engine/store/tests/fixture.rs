//! Stores as every release so far has written them must open.
//!
//! A fixture is a store's directory in one file: the files one after the other, without their zeroes. `cargo test -p
//! tidings-store --test fixture -- --ignored` writes the current format's anew; do that only before the format is released.

mod common;

use common::{all, append, data, entry, head, head_op, offsets, options};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tidings_proto::id::Epoch;
use tidings_proto::kept::Kind;
use tidings_store::archive::Archive;
use tidings_store::check::check;
use tidings_store::disk::SledStore;
use tidings_store::op::{KeptKey, Op};

const BLOCK_BYTES: usize = 256;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1")
}

fn files(folder: &Path, below: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder.join(below)).unwrap() {
        let entry = entry.unwrap();
        let name = below.join(entry.file_name());
        if entry.path().is_dir() { files(folder, &name, found) } else { found.push(name) }
    }
}

/// Writes a directory as one file: for each file a line with its name, length and number of blocks, then the blocks that
/// are not all zeroes, each behind its place.
fn pack(folder: &Path, to: &Path) {
    let mut names = Vec::new();
    files(folder, Path::new(""), &mut names);
    names.sort();
    let mut out = Vec::new();
    for name in names {
        let bytes = fs::read(folder.join(&name)).unwrap();
        let blocks: Vec<_> =
            bytes.chunks(BLOCK_BYTES).enumerate().filter(|(_, block)| block.iter().any(|byte| *byte != 0)).collect();
        writeln!(out, "{} {} {}", name.display(), bytes.len(), blocks.len()).unwrap();
        for (place, block) in blocks {
            out.extend_from_slice(&u32::try_from(place).unwrap().to_le_bytes());
            out.extend_from_slice(block);
            out.resize(out.len() + BLOCK_BYTES - block.len(), 0);
        }
    }
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::write(to, out).unwrap();
}

fn unpack(from: &Path, folder: &Path) {
    let packed = fs::read(from).unwrap();
    let mut left = packed.as_slice();
    while !left.is_empty() {
        let end = left.iter().position(|byte| *byte == b'\n').unwrap();
        let line = std::str::from_utf8(&left[..end]).unwrap();
        left = &left[end + 1..];
        let [name, bytes, blocks] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (bytes, blocks): (u64, usize) = (bytes.parse().unwrap(), blocks.parse().unwrap());
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        let file = File::create(folder.join(name)).unwrap();
        for _ in 0..blocks {
            let place = u32::from_le_bytes(left[..4].try_into().unwrap());
            file.write_all_at(&left[4..4 + BLOCK_BYTES], u64::from(place) * BLOCK_BYTES as u64).unwrap();
            left = &left[4 + BLOCK_BYTES..];
        }
        file.set_len(bytes).unwrap();
    }
}

fn kept_key() -> KeptKey {
    KeptKey {
        publisher: Some("ada".into()),
        key: "once".into(),
        at: 1_001,
        kind: Kind::Channel,
        name: "news".into(),
        stream: 1,
        epoch: Epoch(11),
        offset: 1,
    }
}

fn write(archive: &Archive) {
    for expected in 1..=3 {
        assert_eq!(archive.new_stream(), expected);
    }
    archive
        .write(&[head_op(Kind::Channel, "news", 1, 0), head_op(Kind::Inbox, "ada", 2, 0), Op::Key(kept_key())])
        .unwrap();
    archive.write(&(1..=10).map(|offset| append(1, offset, data(offset, 100))).collect::<Vec<_>>()).unwrap();
    archive.write(&[Op::Share { id: 3, refs: 1, data: data(7, 6_000) }]).unwrap();
    let entry = entry(1, data(7, 6_000));
    archive.write(&[Op::Append { stream: 2, entry, bytes_sum: 6_100, share: Some(3) }]).unwrap();
    archive.write(&[Op::Remove { stream: 1, from: 1, to: 4 }]).unwrap();
    archive.sync().unwrap();
}

#[test]
#[ignore = "writes the fixture"]
fn make() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(Arc::new(SledStore::open(folder.path(), &options()).unwrap()), 0xfeed).unwrap();
    write(&archive);
    drop(archive);
    pack(folder.path(), &fixture());
}

#[test]
fn a_store_of_format_1_opens() {
    let folder = tempfile::tempdir().unwrap();
    unpack(&fixture(), folder.path());
    assert!(check(folder.path(), &options(), &mut |_| ()).unwrap().is_whole());
    let archive = Archive::open(Arc::new(SledStore::open(folder.path(), &options()).unwrap()), 1).unwrap();
    assert_eq!(archive.id(), 0xfeed);
    assert!(archive.new_stream() > 3);
    assert_eq!(archive.keys(0).unwrap(), [kept_key()]);
    assert_eq!(archive.names(None, 9).unwrap(), [(Kind::Channel, "news".into()), (Kind::Inbox, "ada".into())]);

    let kept = archive.load(Kind::Channel, "news").unwrap().unwrap();
    assert_eq!(kept.head, tidings_proto::kept::Head { last: 10, ..head(1, 0) });
    assert_eq!(kept.edges.map(|(first, last)| (first.bytes_sum, last.bytes_sum)), Some((500, 1_000)));
    let page = all(&archive, 1);
    assert_eq!(offsets(&page), (5..=10).collect::<Vec<_>>());
    assert_eq!(page.entries[0], entry(5, data(5, 100)));
    assert_eq!(all(&archive, 2).entries, [entry(1, data(7, 6_000))]);
}

//! A directory of sled's whose files somebody has changed: it opens or says why not, within its time, and what it gives out
//! is what was written.

use bytes::Bytes;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Once, OnceLock};
use std::time::Duration;
use tempfile::TempDir;
use tidings_proto::id::Epoch;
use tidings_proto::kept::{Entry, Head, Kind};
use tidings_proto::payload::{Codec, Data};
use tidings_store::archive::Archive;
use tidings_store::disk::{Options, SledStore};
use tidings_store::error::StoreError;
use tidings_store::op::Op;

const ENTRIES: u64 = 60;
const FILES: [&str; 4] = ["current", "g-1/db", "g-1/conf", "g-1/mark"];
const OPTIONS: Options = Options { cache_bytes: 1 << 20, open_timeout: Duration::from_secs(20) };

static QUIET: Once = Once::new();
static WHOLE: OnceLock<TempDir> = OnceLock::new();

/// Five bytes a change: the file, the place in it (in three), what is there then. The last byte alone cuts a file short.
pub fn run(bytes: &[u8]) {
    // sled panics on what it does not expect, and the store's guards turn that into an error. Only what gets out counts.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| ())));
    let outcome = std::panic::catch_unwind(|| live(bytes));
    if let Err(panic) = outcome {
        let text = panic.downcast_ref::<String>().cloned();
        eprintln!("{}", text.as_deref().or_else(|| panic.downcast_ref().copied()).unwrap_or("a panic"));
        std::process::abort();
    }
}

fn live(bytes: &[u8]) {
    let whole = WHOLE.get_or_init(directory);
    let folder = tempfile::tempdir().expect("a folder");
    copy(whole.path(), folder.path());
    for change in bytes.chunks(5) {
        alter(folder.path(), change);
    }
    let Ok(archive) = open(folder.path()) else { return };
    let Ok(Some(kept)) = archive.load(Kind::Channel, "messaging:a") else { return };
    let Ok(page) = archive.page(kept.head.stream, 0, u64::MAX, usize::MAX) else { return };
    for entry in &page.entries {
        assert_eq!(entry.data, data(entry.offset), "what is given out is what was written");
    }
}

fn open(path: &Path) -> Result<Archive, StoreError> {
    Archive::open(Arc::new(SledStore::open(path, &OPTIONS)?), 1)
}

fn data(offset: u64) -> Data {
    let text = format!("\"{offset}:{}\"", "x".repeat(usize::try_from(offset * 20).expect("small")));
    Data::parse(Codec::Json, Bytes::from(text)).expect("a text")
}

fn directory() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = open(folder.path()).expect("an empty folder opens");
    let stream = archive.new_stream();
    let head = Head { stream, epoch: Epoch(7), floor: 1, last: 0, devices: Vec::new() };
    archive.write(&[Op::Head { kind: Kind::Channel, name: "messaging:a".into(), head }]).expect("it is written");
    for offset in 1..=ENTRIES {
        let entry = Entry { offset, event: "E".into(), data: data(offset), from: None, key: None, at: offset };
        archive.write(&[Op::Append { stream, entry, bytes_sum: offset, share: None }]).expect("it is written");
        archive.sync().expect("it is synced");
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

fn alter(folder: &Path, change: &[u8]) {
    let file = FILES[usize::from(change[0]) % FILES.len()];
    let Ok(file) = OpenOptions::new().read(true).write(true).open(folder.join(file)) else { return };
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let place = change.get(1..4).map_or(0, |place| place.iter().fold(0, |place, byte| place << 8 | u64::from(*byte)));
    let place = place % length.max(1);
    match change.get(4) {
        Some(byte) => drop(file.write_at(&[*byte], place)),
        None => drop(file.set_len(place)),
    }
}

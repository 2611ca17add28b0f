//! Damaged directories: found and told, and never a panic or a wait without an end.

mod common;

use common::{append, data, head_op, options};
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tidings_proto::kept::Kind;
use tidings_store::archive::Archive;
use tidings_store::check::{Renewal, check, compact};
use tidings_store::disk::SledStore;
use tidings_store::error::{ErrorKind, StoreError};

const STREAMS: u64 = 20;
const ENTRIES: u64 = 60;

/// A store with what a daemon leaves after a while, closed.
fn directory() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path()).unwrap();
    for stream in 1..=STREAMS {
        archive.write(&[head_op(Kind::Inbox, &format!("user-{stream}"), stream, 0)]).unwrap();
    }
    for offset in 1..=ENTRIES {
        let ops: Vec<_> = (1..=STREAMS).map(|stream| append(stream, offset, payload(stream, offset))).collect();
        archive.write(&ops).unwrap();
        archive.sync().unwrap();
    }
    folder
}

fn payload(stream: u64, offset: u64) -> tidings_proto::payload::Data {
    data(stream * 1_000 + offset, 300)
}

fn open(path: &Path) -> Result<Archive, StoreError> {
    Archive::open(Arc::new(SledStore::open(path, &options())?), 1)
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

fn copied(from: &TempDir) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    copy(from.path(), to.path());
    to
}

fn log(folder: &TempDir) -> PathBuf {
    folder.path().join("g-1/db")
}

/// How long the log is without the zeros that lie ahead of what was written.
fn length(log: &Path) -> u64 {
    let bytes = fs::read(log).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

/// What became of the entries of a damaged directory.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fate {
    whole: u64,
    told: u64,
    silent: u64,
    refused: bool,
}

fn fate(path: &Path) -> Fate {
    let mut fate = Fate::default();
    let Ok(archive) = open(path) else { return Fate { refused: true, ..fate } };
    for stream in 1..=STREAMS {
        let Ok(Some(_)) = archive.load(Kind::Inbox, &format!("user-{stream}")) else {
            fate.told += ENTRIES;
            continue;
        };
        let Ok(page) = archive.page(stream, 0, u64::MAX, usize::MAX) else {
            fate.told += ENTRIES;
            continue;
        };
        for entry in &page.entries {
            assert_eq!(entry.data, payload(stream, entry.offset), "what is served is what was written");
        }
        let (whole, damaged) = (page.entries.len() as u64, page.damaged.len() as u64);
        fate.whole += whole;
        fate.told += damaged;
        fate.silent += ENTRIES - whole - damaged;
    }
    fate
}

/// Flips a bit of a file.
fn flip(path: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 16], at).unwrap();
}

/// What `check` says of a damaged directory: that it is damaged, in one way or the other, and in words.
fn assert_check_tells(path: &Path) {
    match check(path, &options(), &mut |_| ()) {
        Ok(report) => assert!(!report.is_whole() && !report.damages.is_empty(), "{report:?}"),
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Panicked | ErrorKind::Io), "{error}")
        }
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_it_matters() {
    let folder = directory();
    let length = length(&log(&folder));
    let (mut whole, mut refused) = (0, 0);
    for step in 0..40 {
        let damaged = copied(&folder);
        flip(&log(&damaged), length / 40 * step + step * 13);
        let fate = fate(damaged.path());
        assert_eq!(fate.silent, 0, "nothing is lost without a word: {step}, {fate:?}");
        if fate.refused {
            refused += 1;
            assert_check_tells(damaged.path());
        } else {
            whole += u32::from(fate.told == 0);
        }
    }
    assert!(refused > 5 && whole > 5, "{refused} found, {whole} without harm: the log is larger than what lives in it");
}

#[test]
fn a_log_that_was_cut_is_found() {
    let folder = directory();
    let length = length(&log(&folder));
    for step in 0..10 {
        let damaged = copied(&folder);
        File::options().write(true).open(log(&damaged)).unwrap().set_len(length / 10 * step).unwrap();
        assert!(fate(damaged.path()).refused, "{step}");
        assert_check_tells(damaged.path());
    }
}

#[test]
fn compaction_keeps_what_is_left_of_a_damaged_store() {
    let folder = directory();
    let length = length(&log(&folder));
    let mut mended = 0;
    for step in 20..40 {
        let damaged = copied(&folder);
        flip(&log(&damaged), length / 40 * step);
        if !fate(damaged.path()).refused
            || compact(damaged.path(), &options(), Renewal::IfDamaged, &mut |_| ()).is_err()
        {
            continue;
        }
        mended += 1;
        let fate = fate(damaged.path());
        assert!(!fate.refused && fate.whole > 0, "{fate:?}");
        let report = check(damaged.path(), &options(), &mut |_| ()).unwrap();
        assert!(report.is_whole() && report.leaks == Default::default(), "{report:?}");
    }
    assert!(mended > 2, "{mended}");
}

#[test]
fn a_log_from_another_time_is_found() {
    let folder = directory();
    let earlier = copied(&folder);
    let archive = open(folder.path()).unwrap();
    archive.write(&[append(1, ENTRIES + 1, payload(1, 1))]).unwrap();
    archive.sync().unwrap();
    drop(archive);
    fs::copy(log(&earlier), log(&folder)).unwrap();
    assert_eq!(open(folder.path()).unwrap_err().kind(), ErrorKind::Damaged);
}

#[test]
fn a_missing_file_is_found() {
    let folder = directory();
    for (file, kind) in [("current", ErrorKind::Damaged), ("g-1/db", ErrorKind::Damaged)] {
        let damaged = copied(&folder);
        fs::remove_file(damaged.path().join(file)).unwrap();
        let error = open(damaged.path()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(file), "{error}");
    }
    for file in ["lock", "g-1/mark"] {
        let fine = copied(&folder);
        fs::remove_file(fine.path().join(file)).unwrap();
        assert_eq!(fate(fine.path()).whole, STREAMS * ENTRIES, "{file} is made anew");
    }
    let damaged = copied(&folder);
    fs::remove_file(damaged.path().join("g-1/conf")).unwrap();
    assert_eq!(fate(damaged.path()).silent, 0);
    let damaged = copied(&folder);
    fs::write(damaged.path().join("current"), "nonsense").unwrap();
    assert_eq!(open(damaged.path()).unwrap_err().kind(), ErrorKind::Damaged);
}

#[test]
fn foreign_files_are_told_and_left_alone() {
    let folder = directory();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    assert_eq!(fate(folder.path()).whole, STREAMS * ENTRIES);
    assert_eq!(check(folder.path(), &options(), &mut |_| ()).unwrap().foreign, ["notes.txt"]);
    assert!(folder.path().join("notes.txt").exists());

    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("notes.txt"), "mine").unwrap();
    let error = open(other.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAStore);
    assert!(error.to_string().contains("notes.txt"), "{error}");
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 1, "nothing was made in it");
}

#[test]
fn a_path_that_cannot_be_a_store_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(open(&file).unwrap_err().kind(), ErrorKind::NotAStore);
    assert_eq!(open(&file.join("below")).unwrap_err().kind(), ErrorKind::NotAStore);
    open(&folder.path().join("new/and/deep")).unwrap();

    let empty = tempfile::tempdir().unwrap();
    let error = check(empty.path(), &options(), &mut |_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAStore);
    let missing = folder.path().join("none");
    let refused = compact(&missing, &options(), Renewal::IfDamaged, &mut |_| ()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotAStore);
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0, "a look makes nothing");
    open(empty.path()).unwrap();
}

#[test]
fn a_directory_that_may_not_be_written_is_told() {
    let folder = directory();
    let set = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    fs::remove_file(folder.path().join("lock")).unwrap();
    set(0o555);
    // Root may write everywhere, and then there is nothing to tell.
    let is_root = File::create(folder.path().join("lock")).is_ok();
    let opened = open(folder.path());
    set(0o755);
    if !is_root {
        let error = opened.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.to_string().contains("right to read and write"), "{error}");
    }
}

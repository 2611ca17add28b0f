//! The data directory: who may have it, what is wrong with it, and the commands that look at it.

use crate::support::SECRET;
use crate::support::daemon::Daemon;
use crate::support::tool::{Called, Tool, call, refusal};
use serde_json::Value;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const ENVIRONMENT: [(&str, &str); 2] = [("JWT_SECRET", SECRET), ("RATE_LIMIT_MESSAGES_PER_MINUTE", "0")];

/// How many publications lie in a store of [`filled`].
const ENTRIES: usize = 200;

fn on(data: &Path) -> Daemon {
    Daemon::start_with(&["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()], &ENVIRONMENT, "")
}

/// The line with which a start on this directory is refused.
#[track_caller]
fn start_refused(data: &Path) -> String {
    let line = refusal(&["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()], &ENVIRONMENT);
    assert!(line.contains(data.to_str().unwrap()), "it names the directory: {line}");
    line
}

fn store(command: &str, data: &Path, more: &[&str]) -> Called {
    call(&[&["store", command, "--data", data.to_str().unwrap()], more].concat(), &[])
}

fn object(called: &Called) -> Value {
    let out = called.out();
    serde_json::from_str(out.lines().next().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {}", called.printed))
}

/// A store of a daemon that was stopped, with publications of 500 bytes each, and their epoch.
fn filled() -> (TempDir, PathBuf, String) {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let daemon = on(&data);
    let text = format!("\"needle {}\"", "x".repeat(500));
    let count = ENTRIES.to_string();
    let args = ["pub", "--server", &daemon.url(), "--user", "alice", "--count", &count, "--json", "messaging:a", &text];
    let published = call(&args, &ENVIRONMENT);
    assert_eq!(published.code, Some(0));
    let epoch = object(&published)["published"]["epoch"].as_str().unwrap().to_owned();
    assert!(daemon.stop().success());
    (folder, data, epoch)
}

/// The database in use.
fn database(data: &Path) -> PathBuf {
    data.join(fs::read_to_string(data.join("current")).unwrap().trim()).join("db")
}

#[test]
fn one_daemon_has_a_directory_at_a_time() {
    let folder = TempDir::new().unwrap();
    let first = on(folder.path());
    let line = start_refused(folder.path());
    assert!(line.contains("another process has the store") && line.contains("another directory"), "{line}");
    for command in ["check", "stats", "compact"] {
        let Called { code, printed } = store(command, folder.path(), &[]);
        assert!(code == Some(1) && printed.contains("another process has the store"), "{printed}");
    }
    first.kill();
    assert!(on(folder.path()).stop().success());
}

#[test]
fn a_directory_that_can_not_be_one_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    File::create(&file).unwrap();
    assert!(start_refused(&file).contains("is not a directory"));
    assert!(start_refused(&file.join("below")).contains("directory"));
    let foreign = folder.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("letter.txt"), "dear").unwrap();
    assert!(start_refused(&foreign).contains("holds \"letter.txt\" and no store"));
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1, "nothing was added");
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o555)).unwrap();
    // Who is root may write anywhere but there.
    let closed = if File::create(closed.join("probe")).is_ok() { PathBuf::from("/sys/tidings-data") } else { closed };
    assert!(start_refused(&closed).contains("right to read and write"));
}

#[test]
fn commands_without_a_store_say_so() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    File::create(&file).unwrap();
    for command in ["check", "stats", "compact"] {
        for path in [folder.path(), &folder.path().join("nowhere"), &file] {
            let Called { code, printed } = store(command, path, &[]);
            assert!(code == Some(1) && printed.contains(path.to_str().unwrap()), "{printed}");
            assert!(printed.contains("no store") || printed.contains("not a directory"), "{printed}");
            assert!(printed.starts_with("! tidingsd: ") && !printed.contains('\n'), "{printed}");
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was made");
    let called = call(&["store", "check"], &[("TIDINGS_DATA", "")]);
    assert!(called.code == Some(1) && called.printed.contains("--data"), "{}", called.printed);
}

#[test]
fn a_good_store_is_whole_and_counted() {
    let (_folder, data, _) = filled();
    let checked = store("check", &data, &[]);
    assert_eq!(checked.code, Some(0), "{}", checked.printed);
    assert!(
        checked.out().ends_with("is whole") && checked.printed.contains("\nentries       200\n"),
        "{}",
        checked.printed
    );
    let mut checked = object(&store("check", &data, &["--json"]));
    assert_eq!((&checked["whole"], &checked["damaged"]), (&true.into(), &0.into()), "{checked}");
    let stats = object(&store("stats", &data, &["--json"]));
    // How long the log is made ahead of time differs from opening to opening.
    checked["stats"]["bytes_on_disk"] = stats["bytes_on_disk"].clone();
    assert_eq!(stats, checked["stats"]);
    assert_eq!(stats["entries"], ENTRIES, "{stats}");
    assert!(stats["streams"].as_u64() >= Some(1) && stats["bytes_live"].as_u64() > Some(100_000), "{stats}");
    // By the settings, too.
    let called = call(&["store", "stats"], &[("TIDINGS_DATA", data.to_str().unwrap())]);
    assert!(called.code == Some(0) && called.printed.contains("entries       200"), "{}", called.printed);
    let compacted = store("compact", &data, &[]);
    assert!(compacted.code == Some(0) && compacted.printed.contains("records kept"), "{}", compacted.printed);
    let after = object(&store("stats", &data, &["--json"]));
    assert_eq!((&after["entries"], &after["id"]), (&stats["entries"], &stats["id"]));
}

/// Follows the channel from a place on until what is published now has come, and returns all that was printed.
fn read_from(daemon: &Daemon, since: &str) -> Vec<String> {
    let url = daemon.url();
    let mut sub =
        Tool::start(&["sub", "--server", &url, "--user", "bob", "--since", since, "messaging:a"], &ENVIRONMENT);
    sub.wait_for_line("connected to");
    let args = ["pub", "--server", &url, "--user", "alice", "--wait", "stored", "messaging:a", "\"the end\""];
    assert_eq!(call(&args, &ENVIRONMENT).code, Some(0));
    sub.wait_for_line("the end");
    sub.printed()
}

#[test]
fn damage_is_told_and_what_is_whole_is_kept() {
    let (_folder, data, epoch) = filled();
    let file = database(&data);
    let mut bytes = fs::read(&file).unwrap();
    // In the middle of what lives: all that the log holds of some entries, since it holds old pages too.
    let needles: Vec<_> =
        bytes.windows(8).enumerate().filter(|(_, bytes)| bytes == b"\"needle ").map(|(at, _)| at).collect();
    assert!(needles.len() >= ENTRIES, "{}", needles.len());
    let middle = needles[needles.len() / 2];
    bytes[middle + 50] ^= 0x20;
    fs::write(&file, &bytes).unwrap();
    let checked = store("check", &data, &["--json"]);
    if checked.code == Some(0) {
        // It hit a page that was written anew since.
        assert_eq!(object(&checked)["stats"]["entries"], ENTRIES, "{}", checked.printed);
        return;
    }
    assert!(checked.printed.contains("damaged"), "{}", checked.printed);
    let line = start_refused(&data);
    assert!(line.contains("damaged") || line.contains("lacks"), "{line}");
    assert!(line.contains("tidingsd store check"), "{line}");
    let compacted = store("compact", &data, &[]);
    assert_eq!(compacted.code, Some(0), "{}", compacted.printed);
    assert_eq!(store("check", &data, &[]).code, Some(0));
    let daemon = on(&data);
    // Who had all of it is told that positions of before count no more.
    let told = read_from(&daemon, &format!("{epoch}:{ENTRIES}"));
    assert!(told.iter().any(|line| line.contains("the channel has begun afresh")), "{told:#?}");
    let found = read_from(&daemon, "0:0").iter().filter(|line| line.contains("needle")).count();
    assert!(found < ENTRIES && found > 0, "{found} of {ENTRIES} are left");
}

#[test]
fn a_log_that_was_cut_is_refused_and_never_hangs() {
    let (_folder, data, _) = filled();
    // Behind what was written the file is made longer ahead of time, by zeros.
    let written = fs::read(database(&data)).unwrap().iter().rposition(|byte| *byte != 0).unwrap() as u64;
    File::options().write(true).open(database(&data)).unwrap().set_len(written / 2).unwrap();
    let checked = store("check", &data, &[]);
    assert!(checked.code == Some(1) && checked.printed.contains("store c"), "{}", checked.printed);
    let line = start_refused(&data);
    assert!(line.contains("tidingsd store check"), "{line}");
}

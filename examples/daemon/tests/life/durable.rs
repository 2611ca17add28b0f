//! What is kept on disk: over a kill, a stop, a cut line, and for each device.

use crate::support::SECRET;
use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::proxy::Proxy;
use crate::support::tool::{Tool, call, token};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::thread;
use tempfile::TempDir;

const ENVIRONMENT: [(&str, &str); 2] = [("JWT_SECRET", SECRET), ("RATE_LIMIT_MESSAGES_PER_MINUTE", "0")];

/// A daemon whose data lie there.
fn on(data: &Path, settings: &str) -> Daemon {
    Daemon::start_with(&["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()], &ENVIRONMENT, settings)
}

/// Calls the tool for a user of this daemon, and returns what it printed.
#[track_caller]
fn tool(daemon: &Daemon, user: &str, words: &[&str]) -> String {
    let url = daemon.url();
    let args = [&words[..1], &["--server", &url, "--user", user], &words[1..]].concat();
    let called = call(&args, &ENVIRONMENT);
    assert_eq!(called.code, Some(0), "{}", called.printed);
    called.printed
}

fn follow(url: &str, words: &[&str]) -> Tool {
    let mut sub = Tool::start(&[&["sub", "--server", url, "--user", "bob"], words].concat(), &ENVIRONMENT);
    sub.wait_for_line("connected to");
    sub
}

/// The data of all entries that were printed.
fn entries(sub: &Tool) -> Vec<String> {
    let printed = sub.printed();
    let data = printed.iter().filter_map(|line| Some(line.split_once(" NEW_MESSAGE ")?.1.to_owned()));
    data.collect()
}

#[test]
fn what_was_stored_is_there_after_a_kill() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let first = on(&data, "");
    for text in ["1", "2"] {
        let told = tool(&first, "alice", &["pub", "--wait", "stored", "messaging:a", text]);
        assert_eq!(told, format!("stored: published at offset {text}"));
    }
    let told = tool(&first, "alice", &["pub", "--to", "bob", "--wait", "stored", "\"while away\""]);
    assert_eq!(told, "stored: bob is not connected, and gets it later");
    let key = ["pub", "--wait", "stored", "--idempotency-key", "k", "--json", "messaging:a", "3"];
    let answer: Value = serde_json::from_str(&tool(&first, "alice", &key)).unwrap();
    first.kill();
    let second = on(&data, "");
    let again: Value = serde_json::from_str(&tool(&second, "alice", &key)).unwrap();
    assert_eq!(again["published"]["offset"], 3, "the key is known again: {again}");
    assert_eq!(again["published"]["epoch"], answer["published"]["epoch"], "the same life");
    assert_eq!(tool(&second, "alice", &["pub", "messaging:a", "4"]), "accepted: published at offset 4");
    let mut sub = follow(&second.url(), &["--since", "0:0", "messaging:a"]);
    sub.wait_for_line("NEW_MESSAGE 4");
    assert!(sub.wait_for_line("while away").contains(" (to you) alice "));
    let mut found = entries(&sub);
    found.retain(|data| !data.contains("away"));
    assert!(!sub.printed().iter().any(|line| line.contains("gap in")), "nothing is missing: {:#?}", sub.printed());
    assert_eq!(found, ["1", "2", "3", "4"]);
    let mut sub = follow(
        &second.url(),
        &["--since", &format!("{}:2", answer["published"]["epoch"].as_str().unwrap()), "messaging:a"],
    );
    sub.wait_for_line("NEW_MESSAGE 4");
    assert!(!sub.printed().iter().any(|line| line.contains("gap in")), "{:#?}", sub.printed());
}

#[test]
fn what_was_accepted_is_there_after_a_stop() {
    let folder = TempDir::new().unwrap();
    let first = on(folder.path(), "");
    tool(&first, "alice", &["pub", "--count", "50", "messaging:a", "1"]);
    tool(&first, "alice", &["pub", "--count", "50", "--to", "bob", "2"]);
    assert!(first.stop().success());
    let second = on(folder.path(), "");
    let mut sub = follow(&second.url(), &["--since", "0:0", "messaging:a"]);
    sub.wait_for_lines("NEW_MESSAGE 1", 50);
    sub.wait_for_lines("NEW_MESSAGE 2", 50);
    assert_eq!(entries(&sub).len(), 100);
}

#[test]
fn a_device_gets_what_it_has_not_acknowledged() {
    let folder = TempDir::new().unwrap();
    let first = on(folder.path(), "");
    let send = |daemon: &Daemon, text: &str| tool(daemon, "alice", &["pub", "--to", "bob", "--wait", "stored", text]);
    let (mut phone, mut tablet) =
        (follow(&first.url(), &["--device", "phone"]), follow(&first.url(), &["--device", "tablet"]));
    assert_eq!(send(&first, "1"), "stored: on its way to 2 sessions");
    phone.wait_for_line("NEW_MESSAGE 1");
    tablet.wait_for_line("NEW_MESSAGE 1");
    tablet.signal(rustix::process::Signal::INT);
    assert_eq!(tablet.wait().code(), Some(0), "it acknowledges what it has printed and goes");
    drop(phone);
    send(&first, "2");
    assert!(first.stop().success());
    let second = on(folder.path(), "");
    send(&second, "3");
    let mut tablet = follow(&second.url(), &["--device", "tablet"]);
    tablet.wait_for_line("NEW_MESSAGE 3");
    assert_eq!(entries(&tablet), ["2", "3"]);
    // What the phone has acknowledged before it was killed is not known: at least what it has not.
    let mut phone = follow(&second.url(), &["--device", "phone"]);
    phone.wait_for_line("NEW_MESSAGE 3");
    assert!(entries(&phone).ends_with(&["2".into(), "3".into()]), "{:?}", entries(&phone));
    let mut new = follow(&second.url(), &["--device", "new"]);
    new.wait_for_line("NEW_MESSAGE 3");
}

#[test]
fn a_session_goes_on_over_a_cut_line_without_loss_or_double() {
    let folder = TempDir::new().unwrap();
    let daemon = on(folder.path(), "[namespaces.messaging]\nhistory_entries_max = 5\n");
    let proxy = Proxy::to(daemon.address);
    let words = ["--device", "phone", "messaging:a", "messaging:b"];
    let mut sub = follow(&format!("ws://{}/ws", proxy.address), &words);
    let mut wanted = 0;
    for round in 1..=3 {
        tool(&daemon, "alice", &["pub", "--count", "10", "messaging:a", "\"before\""]);
        proxy.cut(true);
        sub.wait_for_lines("; trying again in", round);
        tool(&daemon, "alice", &["pub", "--count", "10", "messaging:a", "\"away\""]);
        tool(&daemon, "alice", &["pub", "--count", "10", "--to", "bob", "\"away\""]);
        proxy.cut(false);
        tool(&daemon, "alice", &["pub", "--count", "10", "messaging:b", "\"during\""]);
        tool(&daemon, "alice", &["pub", "--wait", "stored", "messaging:b", &format!("\"end {round}\"")]);
        sub.wait_for_line(&format!("end {round}"));
        wanted += 41;
        sub.wait_for_lines("NEW_MESSAGE", wanted);
    }
    assert_eq!(entries(&sub).len(), wanted, "{:#?}", sub.printed());
    assert!(!sub.printed().iter().any(|line| line.contains("gap in")), "{:#?}", sub.printed());
    assert!(daemon.figure("tidings_sessions_resumed_total") >= 3);
}

#[test]
fn a_subscriber_of_a_durable_channel_misses_nothing_over_a_kill_of_the_server() {
    let folder = TempDir::new().unwrap();
    let first = on(folder.path(), "");
    let listen = first.address.to_string();
    let mut sub = follow(&first.url(), &["messaging:a"]);
    tool(&first, "alice", &["pub", "--count", "3", "messaging:a", "\"before\""]);
    sub.wait_for_lines("before", 3);
    first.kill();
    let args = ["--listen", &listen, "--data", folder.path().to_str().unwrap()];
    let second = Daemon::start_with(&args, &ENVIRONMENT, "");
    tool(&second, "alice", &["pub", "--count", "3", "messaging:a", "\"after\""]);
    sub.wait_for_lines("after", 3);
    assert_eq!(entries(&sub).len(), 6, "what was delivered was on disk, so offsets go on: {:#?}", sub.printed());
    assert!(!sub.printed().iter().any(|line| line.contains("gap in")), "{:#?}", sub.printed());
}

#[test]
fn what_is_ephemeral_is_kept_nowhere() {
    let folder = TempDir::new().unwrap();
    let daemon = on(folder.path(), "");
    let mut sub = follow(&daemon.url(), &["messaging:a"]);
    let told = tool(&daemon, "alice", &["pub", "--ephemeral", "messaging:a", "\"typing\""]);
    assert_eq!(told, "accepted: to whoever is there now");
    assert!(sub.wait_for_line("typing").contains(" messaging:a alice "));
    let told = tool(&daemon, "alice", &["pub", "--ephemeral", "--to", "carol", "1"]);
    assert_eq!(told, "nobody got it: carol is not connected");
    let refused = |words: &[&str], part: &str| {
        let url = daemon.url();
        let args = [&["pub", "--server", &url, "--user", "alice", "--wait", "stored"], words].concat();
        let called = call(&args, &ENVIRONMENT);
        assert!(called.code == Some(1) && called.printed.contains(part), "{}", called.printed);
    };
    refused(&["--ephemeral", "messaging:a", "1"], "(2000)");
    refused(&["realtime:a", "1"], "(2000)");
    tool(&daemon, "alice", &["pub", "--wait", "stored", "messaging:a", "2"]);
    let mut late = follow(&daemon.url(), &["--since", "0:0", "messaging:a"]);
    late.wait_for_line("NEW_MESSAGE 2");
    assert_eq!(entries(&late), ["2"]);
}

#[test]
fn a_server_without_a_directory_keeps_nothing_and_promises_nothing() {
    let classes = "[namespaces.messaging]\nclass = \"reliable\"\n[namespaces.notifications]\nclass = \"reliable\"\n";
    let environment = [ENVIRONMENT[0], ("TIDINGS_DATA", "")];
    let daemon = Daemon::start_with(&["--listen", "127.0.0.1:0"], &environment, classes);
    assert!(daemon.tool.printed().iter().any(|line| line.contains("nothing is kept on disk")));
    let told = tool(&daemon, "alice", &["pub", "--to", "bob", "1"]);
    assert!(told.starts_with("accepted: bob is not connected"), "{told}");
    let args = ["pub", "--server", &daemon.url(), "--user", "alice", "--wait", "stored", "messaging:a", "1"];
    let called = call(&args, &ENVIRONMENT);
    assert!(called.code == Some(1) && called.printed.contains("unavailable (2008)"), "{}", called.printed);
    assert!(!daemon.tool.data().exists());
}

/// What a listener to a channel gets that comes with this id, up to this many entries: their data, and the id behind them.
fn listen(daemon: &Daemon, id: &str, count: usize) -> (Vec<u64>, String) {
    let mut client = Client::connect(daemon.address);
    let query = format!("channel=messaging:a&token={}", token(&["--user", "bob"]));
    let request = format!("GET /sse?{query} HTTP/1.1\r\nHost: a\r\nLast-Event-ID: {id}\r\n\r\n");
    client.send(request.as_bytes());
    let (mut found, mut last) = (Vec::new(), String::new());
    for line in BufReader::new(&client.socket).lines() {
        let line = line.expect("the stream goes on");
        if let Some(id) = line.strip_prefix("id: ") {
            id.clone_into(&mut last);
        } else if let Some(data) = line.strip_prefix("data: ") {
            let frame: Value = serde_json::from_str(data).unwrap();
            assert!(frame["gap"].is_null(), "{frame}");
            found.extend(frame["entry"]["data"].as_u64());
            assert_eq!(found.last().copied(), frame["entry"]["offset"].as_u64().or(found.last().copied()), "{frame}");
        }
        // The id may come by itself, behind what it stands for.
        let is_told = found.last().is_some_and(|offset| last.ends_with(&format!("-{offset}")));
        if line.is_empty() && found.len() == count && is_told {
            break;
        }
    }
    (found, last)
}

#[test]
fn a_listener_to_events_misses_nothing_over_a_kill_of_the_server() {
    let folder = TempDir::new().unwrap();
    let publish = |daemon: &Daemon, from: u64, to: u64| {
        for data in from..=to {
            tool(daemon, "alice", &["pub", "--wait", "stored", "messaging:a", &data.to_string()]);
        }
    };
    let mut daemon = on(folder.path(), "");
    // A first look, to have a position at all: nothing was published yet.
    let first = thread::scope(|scope| {
        let listener = scope.spawn(|| listen(&daemon, "", 2));
        daemon.wait_for_figure("tidings_sessions_admitted_total", |admitted| admitted >= 1);
        daemon.wait_for_figure("tidings_channels", |channels| channels >= 1);
        publish(&daemon, 1, 2);
        listener.join().unwrap()
    });
    assert_eq!(first.0, [1, 2]);
    let (mut id, mut up_to) = (first.1, 2);
    for _ in 0..3 {
        publish(&daemon, up_to + 1, up_to + 2);
        daemon.kill();
        daemon = on(folder.path(), "");
        publish(&daemon, up_to + 3, up_to + 3);
        let (found, told) = listen(&daemon, &id, 3);
        assert_eq!(found, [up_to + 1, up_to + 2, up_to + 3]);
        (id, up_to) = (told, up_to + 3);
    }
}

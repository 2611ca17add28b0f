//! The first session in the terminal, and the tools in general.

use crate::support::SECRET;
use crate::support::daemon::Daemon;
use crate::support::proxy::Proxy;
use crate::support::session::Session;
use crate::support::tool::{Tool, call, refusal, token};
use serde_json::Value;

/// Splits a printed command as a shell would; nothing in it is quoted but whole words.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap(),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

#[test]
fn what_the_start_prints_can_be_pasted() {
    let mut daemon = Daemon::start_with(&["--listen", "127.0.0.1:0"], &[], "");
    let sub = words(&daemon.tool.wait_for_line(" sub "));
    let publish = words(&daemon.tool.wait_for_line(" pub "));
    for command in [&sub, &publish] {
        assert_eq!(command[0], env!("CARGO_BIN_EXE_tidingsd"));
    }
    let args = |words: &[String]| words[1..].to_vec();
    let sub_args = args(&sub);
    let mut sub = Tool::start(&sub_args.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    sub.wait_for_line("connected to");
    let publish_args = args(&publish);
    let published = call(&publish_args.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    assert_eq!((published.code, &*published.printed), (Some(0), "accepted: published at offset 1"));
    let line = sub.wait_for_line("NEW_MESSAGE");
    assert!(line.ends_with(r#"Z messaging:lobby bob NEW_MESSAGE {"text":"hi"}"#), "{line}");
    assert!(daemon.stop().success());
}

#[test]
fn tokens_of_the_tool_open_what_they_say() {
    let daemon = Daemon::start("");
    let url = daemon.url();
    let narrow = token(&["--user", "alice", "--sub", "messaging:a*", "--pub", "messaging:b", "--send", "bob"]);
    let call = |args: &[&str]| call(&[args, &["--server", &url, "--token", &narrow]].concat(), &[]);
    assert_eq!(call(&["pub", "messaging:b", "1"]).code, Some(0));
    let refused = call(&["pub", "messaging:c", "1"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.printed.contains("forbidden (2003)") && refused.printed.contains("--pub"), "{}", refused.printed);
    assert_eq!(refused.printed.matches("right to do this").count(), 1, "{}", refused.printed);
    let refused = call(&["sub", "messaging:b"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.printed.contains("can't subscribe to messaging:b: forbidden"), "{}", refused.printed);
    let mut sub = Tool::start(&["sub", "--server", &url, "--token", &narrow, "messaging:abc"], &[]);
    sub.wait_for_line("connected to");
    let sent = call(&["pub", "--to", "bob", "{}"]);
    assert!(sent.code == Some(0) && sent.printed.starts_with("accepted: bob is not connected"), "{}", sent.printed);
    assert_eq!(call(&["pub", "--to", "carol", "{}"]).code, Some(1));
}

#[test]
fn what_is_sent_to_a_user_comes_to_all_its_devices() {
    let daemon = Daemon::start("");
    let (url, secret) = (daemon.url(), [("JWT_SECRET", SECRET)]);
    let mut first = Tool::start(&["sub", "--server", &url, "--user", "bob"], &secret);
    let mut second = Tool::start(&["sub", "--server", &url, "--user", "bob", "--json"], &secret);
    first.wait_for_line("connected to");
    second.wait_for_line("connected to");
    let sent =
        call(&["pub", "--server", &url, "--user", "alice", "--to", "bob", "--event", "message:new", "[1]"], &secret);
    assert_eq!((sent.code, &*sent.printed), (Some(0), "accepted: on its way to 2 sessions"));
    assert!(first.wait_for_line("message:new").ends_with(" (to you) alice message:new [1]"));
    let entry: Value = serde_json::from_str(&second.wait_for_line("message:new")).unwrap();
    assert_eq!(entry["entry"]["data"], serde_json::json!([1]));
}

#[test]
fn data_comes_as_it_was_written_and_cannot_act_on_the_terminal() {
    let daemon = Daemon::start("");
    let (url, secret) = (daemon.url(), [("JWT_SECRET", SECRET)]);
    let mut sub = Tool::start(&["sub", "--server", &url, "--user", "bob", "messaging:a"], &secret);
    sub.wait_for_line("connected to");
    let data = "{\"b\":1.50,\"a\":\"\u{9b}31m\u{202e}\"}";
    let answer =
        call(&["pub", "--server", &url, "--user", "alice", "--json", "--count", "2", "messaging:a", data], &secret);
    assert_eq!(answer.code, Some(0), "{}", answer.printed);
    let answers: Vec<Value> = answer.printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&answers[0]["published"]["offset"], &answers[1]["published"]["offset"]), (&1.into(), &2.into()));
    let lines = sub.wait_for_lines("NEW_MESSAGE", 2);
    assert!(lines[0].ends_with(r#" {"b":1.50,"a":"\u009b31m\u202e"}"#), "{lines:?}");
}

#[test]
fn a_subscriber_comes_back_after_a_restart_and_is_told_when_all_is_gone() {
    let first = Daemon::start("[times]\ncomeback_spread_ms = 200\n");
    let listen = first.address.to_string();
    let (url, secret) = (first.url(), [("JWT_SECRET", SECRET)]);
    let mut sub = Tool::start(&["sub", "--server", &url, "--user", "bob", "messaging:a"], &secret);
    sub.wait_for_line("connected to");
    assert!(first.stop().success());
    sub.wait_for_line("shutdown (3001); trying again in");
    let second = Daemon::start_with(&["--listen", &listen], &secret, "");
    assert_eq!(second.url(), url);
    let lines = sub.wait_for_lines("connected to", 2);
    assert_eq!(lines.len(), 2);
    // The second server has a directory of its own. The first one's entries are gone, and that is said.
    sub.wait_for_line("gap in messaging:a: entries may be missing");
    let publish = |text: &str| {
        let args = ["pub", "--server", &url, "--user", "alice", "messaging:a", text];
        assert_eq!(call(&args, &secret).code, Some(0));
    };
    publish("1");
    sub.wait_for_line("NEW_MESSAGE 1");
}

#[test]
fn a_subscriber_whose_line_is_cut_misses_nothing_that_is_kept() {
    let daemon = Daemon::start("[namespaces.messaging]\nclass = \"reliable\"\nhistory_entries_max = 3\n");
    let proxy = Proxy::to(daemon.address);
    let secret = [("JWT_SECRET", SECRET)];
    let url = format!("ws://{}/ws", proxy.address);
    let mut sub = Tool::start(&["sub", "--server", &url, "--user", "bob", "messaging:a"], &secret);
    sub.wait_for_line("connected to");
    let publish = |count: &str, text: &str| {
        let args = ["pub", "--server", &daemon.url(), "--user", "alice", "--count", count, "messaging:a", text];
        assert_eq!(call(&args, &secret).code, Some(0));
    };
    publish("1", "1");
    sub.wait_for_line("NEW_MESSAGE 1");
    for (count, text) in [("3", "2"), ("5", "3")] {
        let tries = sub.printed().iter().filter(|line| line.contains("; trying again in")).count();
        proxy.cut(true);
        sub.wait_for_lines("; trying again in", tries + 1);
        publish(count, text);
        proxy.cut(false);
        // Three entries are kept: all of the first time's, the last of the second.
        sub.wait_for_lines(&format!("NEW_MESSAGE {text}"), 3);
    }
    sub.wait_for_line("gap in messaging:a: 2 entries are missing (the server no longer keeps them)");
    publish("1", "4");
    sub.wait_for_line("NEW_MESSAGE 4");
    let entries = sub.printed().iter().filter(|line| line.contains("NEW_MESSAGE")).count();
    assert_eq!(entries, 1 + 3 + 3 + 1, "each once: {:#?}", sub.printed());
}

#[test]
fn a_subscriber_told_not_to_come_back_stops() {
    let daemon = Daemon::start("");
    let wrong = call(&["sub", "--server", &daemon.url(), "--token", "a.b.c", "messaging:a"], &[]);
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong.printed.contains("unauthorized (3500)") && !wrong.printed.contains("trying again"),
        "{}",
        wrong.printed
    );
}

#[test]
fn a_connect_that_is_not_well_formed_ends_the_tool_with_the_words_of_the_server() {
    let daemon = Daemon::start("");
    let (url, long) = (daemon.url(), "d".repeat(65));
    for device in ["", &long] {
        let args = ["sub", "--server", &url, "--user", "bob", "--device", device];
        let line = refusal(&args, &[("JWT_SECRET", SECRET)]);
        assert!(line.contains("the server refused to connect: bad_request (2000)"), "{line}");
    }
}

#[test]
fn an_answer_for_another_use_of_a_key_is_no_success() {
    let daemon = Daemon::start("");
    let (url, secret) = (daemon.url(), [("JWT_SECRET", SECRET)]);
    let publish = |args: &[&str]| call(&[&["pub", "--server", &url, "--user", "alice"], args].concat(), &secret);
    let refused = |args: &[&str], part: &str| {
        let answer = publish(args);
        assert_eq!(answer.code, Some(1), "{}", answer.printed);
        // The two outputs are read by two threads, so a line of one may come behind the last of the other.
        assert!(answer.printed.lines().any(|line| line.starts_with("! tidingsd: ")), "{}", answer.printed);
        assert!(answer.printed.contains(part), "{part}: {}", answer.printed);
    };
    assert_eq!(publish(&["--idempotency-key", "a", "realtime:a", "1"]).code, Some(0));
    refused(&["--idempotency-key", "a", "--to", "bob", "1"], "which was published to a channel");
    refused(&["--idempotency-key", "a", "--wait", "stored", "messaging:a", "1"], "the level is `accepted`");
    assert_eq!(publish(&["--idempotency-key", "b", "--to", "bob", "1"]).code, Some(0));
    refused(&["--idempotency-key", "b", "--json", "messaging:a", "1"], "which was sent to a user");
}

#[test]
fn a_publisher_that_a_shutdown_closes_is_told_that_the_last_publication_is_open() {
    let daemon = Daemon::start("[limits]\nmessages_per_minute = 0\nothers_per_minute = 0\n");
    let args = ["pub", "--server", &daemon.url(), "--user", "alice", "--count", "1000000", "messaging:a", "1"];
    let mut publisher = Tool::start(&args, &[("JWT_SECRET", SECRET)]);
    publisher.wait_for_line("published at offset 3");
    assert!(daemon.stop().success());
    let line = publisher.wait_for_line("what became of the last publication is not known");
    assert!(line.contains("--idempotency-key"), "{line}");
    assert_eq!(publisher.wait().code(), Some(1));
}

#[test]
fn tools_say_what_to_do() {
    let refused = |args: &[&str], part: &str| {
        let line = refusal(args, &[]);
        assert!(line.contains(part), "{part}: {line}");
    };
    refused(&["token", "--user", "alice"], "set it to the secret");
    refused(&["sub", "messaging:a"], "who are you?");
    refused(&["sub", "--token", "x", "--ca", "a.pem"], "--ca is for servers that speak TLS");
    refused(&["sub", "--token", "x", "--server", "wss://127.0.0.1:1/ws", "--ca", "nowhere.pem"], "nowhere.pem");
    refused(&["sub", "--token", "x", "--server", "ws://127.0.0.1:1/ws"], "`tidingsd` starts one");
    refused(&["pub", "--token", "x", "messaging:a", "hi"], "is not JSON");
    refused(&["pub", "--token", "x", "messaging:i"], "the data is missing: give it as JSON behind the channel");
    refused(&["sub", "--token", "x", "messaging:*"], "messaging:* is a pattern: one subscribes to single channels");
    refused(&["pub", "--token", "x", "1"], "give a channel");
    refused(&["pub", "--token", "x", "--to", "bob", "messaging:a", "1"], "give the data alone");
    let line = refusal(&["token", "--user", "a\nb"], &[("JWT_SECRET", SECRET)]);
    assert!(line.contains("1 to 128 bytes"), "{line}");
    let line = refusal(&["token", "--user", "alice"], &[("JWT_SECRET", "short")]);
    assert!(line.contains("openssl rand"), "{line}");
    let daemon = Daemon::start("");
    let page = format!("ws://{}/nothing", daemon.address);
    let line = refusal(&["sub", "--token", "x", "--server", &page], &[]);
    assert!(line.contains("status 404"), "{line}");
}

#[test]
fn a_token_in_the_environment_is_enough() {
    let daemon = Daemon::start("");
    let token = token(&["--user", "alice", "--expires", "5m"]);
    let called = call(&["pub", "--server", &daemon.url(), "messaging:a", "1"], &[("TIDINGS_TOKEN", &token)]);
    assert_eq!(called.code, Some(0), "{}", called.printed);
    Session::connect_with(&daemon, &token).assert_alive();
}

//! Presence in a terminal.

use crate::support::SECRET;
use crate::support::daemon::Daemon;
use crate::support::session::Session;
use crate::support::tool::{Tool, call, token};
use serde_json::json;

#[test]
fn a_terminal_tells_who_comes_and_goes() {
    let daemon = Daemon::start("");
    let url = daemon.url();
    let mut tool =
        Tool::start(&["watch", "--server", &url, "--user", "alice", "bob", "carol"], &[("JWT_SECRET", SECRET)]);
    tool.wait_for_line("- bob offline (never)");
    let mut bob = Session::connect(&daemon, "bob");
    let line = tool.wait_for_line("bob online");
    assert!(line.ends_with("Z bob online (connected)"), "{line}");
    bob.ask(&json!({ "id": 2, "presence": { "status": "busy", "text": "in a call" } }));
    tool.wait_for_line("bob busy (set) \"in a call\"");
    bob.client.send_frame(0x88, &[3, 232]);
    tool.wait_for_line("bob offline (left) last seen ");
}

#[test]
fn a_terminal_says_who_may_not_be_watched() {
    let daemon = Daemon::start("");
    let (url, token) = (daemon.url(), token(&["--user", "alice", "--watch", "bob"]));
    let refused = call(&["watch", "--server", &url, "--token", &token, "carol"], &[]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.printed.contains("forbidden (2003)") && refused.printed.contains("--watch"), "{}", refused.printed);
    let mut tool = Tool::start(&["watch", "--server", &url, "--token", &token, "--json", "bob", "carol"], &[]);
    tool.wait_for_line("you may not watch carol");
    tool.wait_for_line(r#"{"status":{"user":"bob","status":"offline","reason":"never"}}"#);
}

//! The daemon and an application that it asks: the one that `docs/hook.md` shows, run as it stands there.

use crate::support::SECRET;
use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::session::Session;
use crate::support::tool::{refusal, token};
use serde_json::json;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

const DOCS: &str = include_str!("../../../../docs/hook.md");
const HOOK_SECRET: &str = "0123456789abcdef0123456789abcdef-hook";

/// The application of the document.
struct App {
    child: Child,
    port: u16,
}

impl App {
    fn start(secret: &str) -> Self {
        let code = DOCS.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
        let mut child = Command::new("python3")
            .args(["-c", code])
            .env("HOOK_SECRET", secret)
            .env("PORT", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 is installed");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().unwrap() }
    }

    fn settings(&self, more: &str) -> String {
        format!(
            "[hook]\nurl = \"http://127.0.0.1:{}/\"\nallow_http = true\nsecret = \"{HOOK_SECRET}\"\n{more}",
            self.port
        )
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_application_of_the_document_decides() {
    let app = App::start(HOOK_SECRET);
    let daemon = Daemon::start(&app.settings(""));
    let mut alice = Session::connect_with(&daemon, "secret-of-alice");
    let mut subscribe = |channel: &str| alice.ask(&json!({"id": 2, "subscribe": {"channel": channel}}));
    assert!(subscribe("messaging:room-of-alice")["subscribed"].is_object());
    assert_eq!(subscribe("messaging:room-of-bob")["error"]["code"], 2003);
    let answer = alice.ask(&json!({"id": 3, "call": {"method": "time", "data": null}}));
    assert!(answer["result"]["now"].is_number(), "{answer}");
    let answer = alice.ask(&json!({"id": 3, "call": {"method": "what", "data": null}}));
    assert_eq!(answer["error"]["code"], 2004, "{answer}");
    for (token, code) in [("nobody's", 2001), (&*token(&["--user", "alice"]), 2001)] {
        let answer = Session::open(&daemon).ask(&json!({"id": 1, "connect": {"token": token}}));
        assert_eq!(answer["error"]["code"], code, "{answer}");
    }
    assert_eq!(daemon.figure("tidings_hook_questions_total{question=\"connect\",outcome=\"denied\"}"), 2);
    let printed = daemon.tool.printed().join("\n");
    assert!(!printed.contains("secret-of-alice") && !printed.contains(HOOK_SECRET), "{printed}");

    // Gone: a no that clients may try again.
    drop(app);
    let answer = Session::open(&daemon).ask(&json!({"id": 1, "connect": {"token": "secret-of-alice"}}));
    assert_eq!((&answer["error"]["code"], &answer["error"]["retry"]), (&json!(2008), &json!(true)), "{answer}");
    let mut health = Client::connect(daemon.address);
    health.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(health.response().status, 200);
}

#[test]
fn tokens_stay_the_daemons_where_the_application_is_not_asked_for_them() {
    let app = App::start(HOOK_SECRET);
    let daemon = Daemon::start(&app.settings("questions = \"subscribe\"\n"));
    let mut alice = Session::connect_with(&daemon, &token(&["--user", "alice", "--sub", "realtime:*"]));
    for (channel, is_good) in
        [("realtime:a", true), ("messaging:room-of-alice", true), ("messaging:room-of-bob", false)]
    {
        let answer = alice.ask(&json!({"id": 2, "subscribe": {"channel": channel}}));
        assert_eq!(answer["subscribed"].is_object(), is_good, "{answer}");
    }
}

#[test]
fn an_application_with_another_secret_answers_nothing() {
    let app = App::start("another secret, and long enough for one");
    let daemon = Daemon::start(&app.settings(""));
    let answer = Session::open(&daemon).ask(&json!({"id": 1, "connect": {"token": "secret-of-alice"}}));
    assert_eq!(answer["error"]["code"], 2008, "{answer}");
}

#[test]
fn hooks_that_cannot_be_are_refused_at_the_start() {
    let refused = |url: &str, more: &[(&str, &str)]| {
        let environment = [&[("JWT_SECRET", SECRET), ("TIDINGS_HOOK__URL", url)], more].concat();
        refusal(&["--listen", "127.0.0.1:0"], &environment)
    };
    let secret = ("TIDINGS_HOOK__SECRET", HOOK_SECRET);
    assert!(refused("https://app.example/", &[]).contains("hook.secret is not set"));
    assert!(refused("https://app.example/", &[("TIDINGS_HOOK__SECRET", "short")]).contains("fewer than 32 bytes"));
    assert!(refused("http://127.0.0.1/", &[secret]).contains("hook.allow_http"));
    let allowed = ("TIDINGS_HOOK__ALLOW_HTTP", "true");
    assert!(refused("http://app.example/", &[secret, allowed]).contains("use https"));
    assert!(refused("https://app.example/", &[secret, ("TIDINGS_HOOK__QUESTIONS", "history")]).contains("history"));
}

//! Row 37: who gets a token of a server that was started to be tried.

use crate::support::SECRET;
use crate::support::client::{Client, Response, upgrade_request};
use crate::support::daemon::Daemon;
use serde_json::{Value, json};

/// A daemon without a secret, and the key of its page.
fn on_trial() -> (Daemon, String) {
    let mut daemon = Daemon::start_with(&["serve", "--listen", "127.0.0.1:0"], &[], "");
    let line = daemon.tool.wait_for_line("/#key=");
    let key = line.split_once("/#key=").unwrap().1.trim().to_owned();
    assert!(key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
    (daemon, key)
}

fn ask(daemon: &Daemon, method: &str, user: &str, more: &str) -> Response {
    let mut client = Client::connect(daemon.address);
    client.send(format!("{method} /trial/token?user={user} HTTP/1.1\r\n{more}Content-Length: 0\r\n\r\n").as_bytes());
    client.response()
}

#[test]
fn the_page_gets_tokens_by_the_key_that_was_printed_and_nobody_else_does() {
    let (daemon, key) = on_trial();
    let (host, origin) = (format!("Host: {}\r\n", daemon.address), format!("Origin: http://{}\r\n", daemon.address));
    let bearer = format!("Authorization: Bearer {key}\r\n");
    for user in ["alice", "bob"] {
        let answer = ask(&daemon, "POST", user, &format!("{host}{origin}{bearer}"));
        assert_eq!(answer.status, 201, "{answer:?}");
        assert!(answer.head.contains("cache-control: no-store"), "{}", answer.head);
        let token = serde_json::from_str::<Value>(&answer.body).unwrap()["token"].as_str().unwrap().to_owned();
        let mut client = Client::connect(daemon.address);
        client.send(upgrade_request("/ws", &origin).as_bytes());
        assert_eq!(client.response().status, 101);
        client.send_frame(0x81, json!({"id": 1, "connect": {"token": token}}).to_string().as_bytes());
        let connected: Value = serde_json::from_slice(&client.frame().unwrap().payload).unwrap();
        assert_eq!(connected["connected"]["user"], user, "{connected}");
    }
    let other = format!("Authorization: Bearer {}\r\n", "0".repeat(64));
    for (what, more) in [
        ("without the key", format!("{host}{origin}")),
        ("with another", format!("{host}{origin}{other}")),
        ("with two", format!("{host}{bearer}{bearer}")),
        ("from another page", format!("{host}{bearer}Origin: http://localhost:1\r\n")),
        ("from no page in particular", format!("{host}{bearer}Origin: null\r\n")),
        ("by a name that a page can have", format!("Host: rebound.example\r\n{bearer}")),
        ("through a proxy", format!("{host}{bearer}X-Forwarded-For: 203.0.113.7\r\n")),
    ] {
        let answer = ask(&daemon, "POST", "alice", &more);
        assert_eq!(answer.status, 403, "{what}: {answer:?}");
        assert!(!answer.body.contains("eyJ") && !answer.body.contains(&key), "{what}: {}", answer.body);
    }
    for user in ["carol", "", "alice&user=bob", "alice%00"] {
        assert_eq!(ask(&daemon, "POST", user, &format!("{host}{bearer}")).status, 400, "{user}");
    }
    assert_eq!(ask(&daemon, "GET", "alice", &format!("{host}{bearer}")).status, 405);
}

#[test]
fn with_a_secret_or_keys_there_is_no_trial() {
    let keys = "[jwt]\njwks_url = \"http://127.0.0.1:9/keys\"\n";
    for (environment, settings) in [(&[("JWT_SECRET", SECRET)][..], ""), (&[][..], keys)] {
        let daemon = Daemon::start_with(&["serve", "--listen", "127.0.0.1:0"], environment, settings);
        let answer = ask(&daemon, "POST", "alice", &format!("Host: {}\r\n", daemon.address));
        assert_eq!(answer.status, 404, "{answer:?}");
        assert!(!daemon.tool.printed().join("\n").contains("key="));
    }
}

#[test]
fn the_own_page_connects_where_nobody_but_this_machine_can_open_it() {
    let upgrade = |daemon: &Daemon, origin: &str| {
        let mut client = Client::connect(([127, 0, 0, 1], daemon.address.port()).into());
        client.send(upgrade_request("/ws", &format!("Origin: {origin}\r\n")).as_bytes());
        client.response().status
    };
    let here = Daemon::start("");
    let port = here.address.port();
    for origin in [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}")] {
        assert_eq!(upgrade(&here, &origin), 101, "{origin}");
    }
    for origin in [
        "http://127.0.0.1".to_owned(),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{}", port ^ 1),
        format!("http://127.0.0.2:{port}"),
        format!("http://rebound.example:{port}"),
    ] {
        assert_eq!(upgrade(&here, &origin), 403, "{origin}");
    }
    let anywhere = Daemon::start_with(&["serve", "--listen", "0.0.0.0:0"], &[("JWT_SECRET", SECRET)], "");
    let own = format!("http://127.0.0.1:{}", anywhere.address.port());
    assert_eq!(
        upgrade(&anywhere, &own),
        403,
        "who can be reached by other names is told by the operator which they are"
    );
}

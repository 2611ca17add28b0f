//! What is at which address.

use crate::support::SECRET;
use crate::support::client::{Client, Response, upgrade_request};
use crate::support::daemon::Daemon;
use crate::support::session::Session;
use serde_json::Value;

fn request(daemon: &Daemon, method: &str, path: &str, more: &str) -> Response {
    let mut client = Client::connect(daemon.address);
    client.send(format!("{method} {path} HTTP/1.1\r\n{more}\r\n").as_bytes());
    client.response()
}

fn get(daemon: &Daemon, path: &str) -> Response {
    request(daemon, "GET", path, "Host: localhost\r\n")
}

#[test]
fn health_and_readiness() {
    let daemon = Daemon::start("");
    assert_eq!((get(&daemon, "/healthz").status, &*get(&daemon, "/healthz").body), (200, "ok\n"));
    assert_eq!((get(&daemon, "/readyz").status, &*get(&daemon, "/readyz").body), (200, "ready\n"));
}

#[test]
fn the_page_can_do_nothing_but_be_read() {
    let daemon = Daemon::start("");
    let page = get(&daemon, "/");
    assert_eq!(page.status, 200);
    assert!(page.body.contains(&format!("ws://{}/ws", daemon.address)), "{}", page.body);
    assert!(page.head.contains("content-security-policy: default-src 'none'; style-src 'self';"), "{}", page.head);
    assert!(!page.head.contains("unsafe-inline"));
    assert!(page.head.contains("x-content-type-options: nosniff"));
    let style = get(&daemon, "/page.css");
    assert!(style.status == 200 && style.head.contains("text/css"), "{}", style.head);
    assert!(style.body.contains("prefers-color-scheme: dark"));
    let odd = request(&daemon, "GET", "/?<script>", "Host: <script>alert(1)</script>\r\n");
    assert!(!odd.body.contains("alert(1)"), "{}", odd.body);
}

#[test]
fn what_is_not_there_tells_what_is() {
    let daemon = Daemon::start("");
    for path in ["/nothing", "/ws/", "/healthz/x", "/..%2f", "//", "/metrics/"] {
        let answer = get(&daemon, path);
        assert_eq!(answer.status, 404, "{path}");
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        for address in ["/", "/ws", "/healthz", "/readyz", "/metrics"] {
            assert!(told["addresses"][address].is_string(), "{told}");
        }
        assert!(!answer.body.contains("nothing\"") && !answer.body.contains(".."), "what was asked is not repeated");
    }
}

#[test]
fn head_is_get_without_a_body_and_others_are_not_allowed() {
    let daemon = Daemon::start("");
    for path in ["/", "/page.css", "/healthz", "/readyz", "/metrics"] {
        let mut client = Client::connect(daemon.address);
        client.send(format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes());
        let mut head = Vec::new();
        std::io::Read::read_to_end(&mut client.socket, &mut head).unwrap();
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{path}: {head}");
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
            let answer = request(&daemon, method, path, "Host: localhost\r\n");
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(answer.head.contains("allow: get, head"), "{}", answer.head);
        }
    }
    let answer = request(&daemon, "POST", "/ws", "Host: localhost\r\n");
    assert!(answer.status == 405 && answer.head.contains("allow: get"), "{}", answer.head);
}

#[test]
fn figures_are_for_this_machine_by_a_name_that_no_page_can_have() {
    let daemon = Daemon::start("");
    let _session = Session::connect(&daemon, "alice");
    daemon.wait_for_figure("tidings_connections", |connections| connections == 1);
    daemon.wait_for_figure("tidings_sessions_admitted_total", |admitted| admitted == 1);
    for host in ["localhost:80", "127.0.0.1", "[::1]:8080"] {
        assert_eq!(request(&daemon, "GET", "/metrics", &format!("Host: {host}\r\n")).status, 200, "{host}");
    }
    for more in ["Host: rebound.example\r\n", "", "Host: localhost.evil.example\r\n", "Host: localhost\r\nHost: a\r\n"]
    {
        let answer = request(&daemon, "GET", "/metrics", more);
        assert!(matches!(answer.status, 400 | 403), "{more}: {}", answer.status);
        assert!(!answer.body.contains("tidings_"), "{}", answer.body);
    }
    let nobody = Daemon::start("metrics = \"nobody\"");
    assert_eq!(get(&nobody, "/metrics").status, 403);
    let everybody = Daemon::start("metrics = \"everybody\"");
    assert_eq!(request(&everybody, "GET", "/metrics", "Host: tidings.example\r\n").status, 200);
}

#[test]
fn pages_connect_when_they_are_listed() {
    let upgrade = |daemon: &Daemon, origin: &str| {
        let mut client = Client::connect(daemon.address);
        client.send(upgrade_request("/ws", &format!("Origin: {origin}\r\n")).as_bytes());
        client.response().status
    };
    let none = Daemon::start("");
    let own = format!("http://{}", none.address);
    for origin in [own.as_str(), "https://app.example", "null"] {
        assert_eq!(upgrade(&none, origin), 403, "{origin}");
    }
    let environment = [("JWT_SECRET", SECRET), ("ALLOWED_ORIGIN", "https://app.example, http://localhost:3000")];
    let some = Daemon::start_with(&["--listen", "127.0.0.1:0"], &environment, "");
    for origin in ["https://app.example", "http://localhost:3000"] {
        assert_eq!(upgrade(&some, origin), 101, "{origin}");
    }
    for origin in [
        "https://app.example.evil.example",
        "https://app.example:444",
        "http://app.example",
        "https://APP.example",
        "https://evil.example",
        "null",
        "",
    ] {
        assert_eq!(upgrade(&some, origin), 403, "{origin}");
    }
}

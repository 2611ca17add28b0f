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
fn the_page_runs_its_own_script_and_reaches_its_own_server_alone() {
    let daemon = Daemon::start("");
    for (path, content_type, part) in [
        ("/", "text/html; charset=utf-8", "<title>Tidings</title>"),
        ("/page.js", "text/javascript; charset=utf-8", "tidings.v1."),
        ("/page.css", "text/css; charset=utf-8", "color-scheme"),
        ("/page.svg", "image/svg+xml", "<svg"),
    ] {
        let file = get(&daemon, path);
        assert_eq!(file.status, 200, "{path}");
        assert!(file.body.contains(part), "{path}");
        let policy = file.head.lines().find(|line| line.starts_with("content-security-policy: ")).unwrap();
        for rule in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "{path}: {policy}");
        let headers = [
            &format!("content-type: {content_type}"),
            "x-content-type-options: nosniff",
            "cache-control: no-cache",
            "referrer-policy: no-referrer",
        ];
        for header in headers {
            assert!(file.head.contains(header), "{path}: {header}: {}", file.head);
        }
        let tag = file.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
        let known = request(&daemon, "GET", path, &format!("Host: localhost\r\nIf-None-Match: {tag}\r\n"));
        assert_eq!((known.status, &*known.body), (304, ""), "{path}");
    }
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
    for path in ["/", "/page.js", "/page.css", "/page.svg", "/healthz", "/readyz", "/metrics"] {
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
    for origin in ["https://app.example", "http://localhost:3000", "null"] {
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

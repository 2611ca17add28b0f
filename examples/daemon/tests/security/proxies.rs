//! Who a request is from: what it says of that itself, and what a proxy says. `/metrics`, which is for this machine alone,
//! shows whom the server takes it for. And row 34: pages that make their own name stand for this machine.

use crate::support::client::{Client, Response, upgrade_request};
use crate::support::daemon::Daemon;
use crate::support::session::Session;
use crate::support::tool::{refusal, token};
use serde_json::json;
use std::time::Duration;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// What is answered to a request for the figures that begins with these bytes and has these lines.
fn figures(daemon: &Daemon, before: &[u8], lines: &str) -> Response {
    let mut client = Client::connect(daemon.address);
    let request = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n");
    client.send(&[before, request.as_bytes()].concat());
    client.response()
}

/// Whether the server takes such a request for one of this machine.
fn is_local(daemon: &Daemon, before: &[u8], lines: &str) -> bool {
    let response = figures(daemon, before, lines);
    assert!(matches!(response.status, 200 | 403), "{response:?}");
    response.status == 200
}

fn v1(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 198.51.100.1 4711 443\r\n").into_bytes()
}

fn v2(client: [u8; 4]) -> Vec<u8> {
    let ends = [&client[..], &[198, 51, 100, 1, 0x12, 0x67, 0x01, 0xbb]].concat();
    [SIGNATURE, &[0x21, 0x11, 0, 12], &ends].concat()
}

#[test]
fn what_a_request_says_of_itself_counts_for_nothing() {
    for settings in ["", "[http]\ntrusted_proxies = \"192.0.2.0/24\"\n"] {
        let daemon = Daemon::start(settings);
        assert!(is_local(&daemon, b"", ""));
        for lines in [
            "X-Forwarded-For: 127.0.0.1\r\n",
            "X-Forwarded-For: 203.0.113.1\r\n",
            "Forwarded: for=127.0.0.1\r\n",
            "X-Real-IP: 127.0.0.1\r\n",
            "Via: 1.1 proxy\r\n",
        ] {
            assert!(!is_local(&daemon, b"", lines), "it came through a proxy that nobody told of: {lines}");
        }
        // From an address that is not trusted it is no PROXY header, but a bad request.
        for header in [v1("127.0.0.1"), v2([127, 0, 0, 1])] {
            assert_eq!(figures(&daemon, &header, "").status, 400);
        }
    }
}

#[test]
fn a_trusted_proxy_tells_the_client_and_the_client_cannot_talk_over_it() {
    let daemon = Daemon::start("[http]\ntrusted_proxies = \"127.0.0.1\"\n");
    for lines in [
        "X-Forwarded-For: 203.0.113.1\r\n",
        "X-Forwarded-For: 127.0.0.1, 203.0.113.1\r\n",
        "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 203.0.113.1\r\n",
        "X-Forwarded-For: unknown\r\n",
        "X-Forwarded-For: \r\n",
        "Forwarded: for=127.0.0.1\r\n",
        "Forwarded: for=127.0.0.1\r\nX-Forwarded-For: 203.0.113.1\r\n",
    ] {
        assert!(!is_local(&daemon, b"", lines), "{lines}");
    }
    assert!(!is_local(&daemon, b"", "X-Forwarded-For: 203.0.113.1, 127.0.0.1, 127.0.0.1\r\n"));
    assert!(is_local(&daemon, b"", "X-Forwarded-For: ::1, 127.0.0.1\r\n"), "its client is on this machine");
    assert!(is_local(&daemon, b"", ""), "this machine, without the proxy");

    let daemon = Daemon::start("[http]\ntrusted_proxies = \"127.0.0.1\"\nproxy_header = \"forwarded\"\n");
    assert!(is_local(&daemon, b"", "Forwarded: for=\"[::1]:80\"\r\n"));
    assert!(!is_local(&daemon, b"", "Forwarded: for=127.0.0.1, for=203.0.113.1\r\n"));
    assert!(!is_local(&daemon, b"", "Forwarded: for=\"127.0.0.1, for=203.0.113.1\r\n"));
    assert!(!is_local(&daemon, b"", "X-Forwarded-For: 127.0.0.1\r\n"), "not the header that was set");
}

#[test]
fn the_proxy_protocol_is_required_of_trusted_addresses() {
    let daemon = Daemon::start(
        "[http]\nhandshake_timeout_ms = 700\ntrusted_proxies = \"127.0.0.0/8\"\nproxy_protocol = \"required\"\n",
    );
    assert!(is_local(&daemon, &v1("127.0.0.1"), ""));
    assert!(is_local(&daemon, &v2([127, 0, 0, 1]), ""));
    assert!(is_local(&daemon, b"PROXY UNKNOWN\r\n", ""), "the proxy itself");
    assert!(is_local(&daemon, &[SIGNATURE, &[0x20, 0, 0, 0]].concat(), ""), "the proxy itself");
    assert!(!is_local(&daemon, &v1("203.0.113.1"), ""));
    assert!(!is_local(&daemon, &v2([203, 0, 113, 1]), ""));
    assert!(!is_local(&daemon, &v1("203.0.113.1"), "X-Forwarded-For: 127.0.0.1\r\n"), "the client is no proxy");
    assert!(!is_local(&daemon, &v1("127.0.0.7"), "X-Forwarded-For: 203.0.113.1\r\n"), "a proxy behind the proxy");

    // Byte by byte, then a session.
    let mut client = Client::connect(daemon.address);
    for byte in [v2([203, 0, 113, 1]), upgrade_request("/ws", "").into_bytes()].concat() {
        client.send(&[byte]);
    }
    assert_eq!(client.response().status, 101);
    let mut session = Session { client };
    let answer = session.ask(&json!({"id": 1, "connect": {"token": token(&["--user", "alice"])}}));
    assert_eq!(answer["connected"]["user"], "alice", "{answer}");

    // What is none, not whole, too long or too late ends the connection, without an answer.
    let endless = [b"PROXY ".to_vec(), vec![b'x'; 200]].concat();
    let huge = [SIGNATURE, &[0x21, 0x11, 0xff, 0xff], &[0; 64]].concat();
    let crooked = v1("127.0.0.256");
    for bytes in [
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        &endless[..],
        &huge,
        &crooked,
        b"\r\n\r\n\0\r\nQUIX\n....",
    ] {
        let mut client = Client::connect(daemon.address);
        client.send_while_taken(bytes);
        assert!(client.expect_end() < Duration::from_millis(600), "at once: {bytes:?}");
    }
    for bytes in [&b""[..], b"PROXY TCP4 192.0", &v2([127, 0, 0, 1])[..20]] {
        let mut client = Client::connect(daemon.address);
        client.send(bytes);
        let took = client.expect_end();
        assert!((Duration::from_millis(500)..Duration::from_secs(3)).contains(&took), "{took:?}: {bytes:?}");
    }
    let text = figures(&daemon, &v1("127.0.0.1"), "").body;
    for line in ["{reason=\"malformed\"} 5", "{reason=\"late\"} 3"] {
        assert!(text.contains(&format!("tidings_http_proxy_headers_refused_total{line}")), "{text}");
    }
}

#[test]
fn addresses_that_are_not_trusted_are_served_without_the_proxy_protocol() {
    let daemon = Daemon::start("[http]\ntrusted_proxies = \"192.0.2.1\"\nproxy_protocol = \"required\"\n");
    assert!(is_local(&daemon, b"", ""));
    assert_eq!(figures(&daemon, &v1("127.0.0.1"), "").status, 400);
    assert_eq!(figures(&daemon, &v2([127, 0, 0, 1]), "").status, 400);
}

#[test]
fn pages_cannot_read_figures_by_another_name_for_this_machine() {
    let daemon = Daemon::start("[http]\ntrusted_proxies = \"127.0.0.1\"\n");
    for host in ["evil.example", "localhost.evil.example:80", "127.0.0.1.evil.example", ""] {
        let mut client = Client::connect(daemon.address);
        client.send(format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\r\n").as_bytes());
        let response = client.response();
        assert_eq!(response.status, 403, "{host}");
        assert!(!response.body.contains("tidings_"), "{}", response.body);
    }
}

#[test]
fn proxies_that_cannot_be_are_refused_at_the_start() {
    for (variable, value, says) in [
        ("TIDINGS_HTTP__PROXY_PROTOCOL", "required", "names nobody"),
        ("TIDINGS_HTTP__TRUSTED_PROXIES", "10.0.0.0/33", "10.0.0.0/33"),
        ("TIDINGS_HTTP__TRUSTED_PROXIES", "lb.example", "lb.example"),
        ("TIDINGS_HTTP__PROXY_HEADER", "x-real-ip", "x-real-ip"),
    ] {
        let said = refusal(&["--listen", "127.0.0.1:0"], &[(variable, value)]);
        assert!(said.contains(says), "{said}");
    }
}

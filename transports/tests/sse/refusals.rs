//! Requests that are not answered by a stream.

use crate::listener::Listener;
use crate::server::{Server, config};
use http_body_util::Full;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tidings_transports::{Limits, Origins, Sse};
use tokio::net::TcpListener;

#[test]
fn a_refusal_is_a_status_before_any_stream() {
    let server = Server::start(config());
    let many: String = (0..17).map(|at| format!("channel=messaging:{at}&")).collect();
    for (query, status, error) in [
        ("channel=messaging:a", 401, "unauthorized"),
        ("channel=messaging:a&token=stranger", 401, "unauthorized"),
        ("channel=messaging:shut&token=guest", 403, "forbidden"),
        ("channel=messaging&token=alice", 400, "bad_request"),
        ("channel=nowhere:a&token=alice", 400, "bad_request"),
        ("channel=&token=alice", 400, "bad_request"),
        ("channel=messaging:a%0d%0adata:%20x&token=alice", 400, "bad_request"),
        ("channel=messaging:%00&token=alice", 400, "bad_request"),
        ("token=alice&device=a%0ab", 400, "bad_request"),
        ("token=alice&token=bob", 400, "bad_request"),
        (&format!("{many}token=alice"), 400, "bad_request"),
        (&format!("token={}", "x".repeat(8_193)), 401, "unauthorized"),
    ] {
        let mut refused = Listener::get(server.address, query, "");
        assert_eq!((refused.status, refused.error()), (status, error.into()), "{query}");
        assert_eq!(refused.header("content-type"), Some("application/json"));
    }
    server.eventually("nobody is left", |engine| engine.stats().connections == 0);
    assert_eq!(server.engine.stats().parked, 0, "who was refused is not waited for, nor who asked for too much");
}

#[test]
fn other_origins_are_refused_whatever_they_send() {
    let server = Server::start(config());
    for origin in [
        "https://page.example.evil.example",
        "https://page.example:444",
        "null",
        "HTTPS://PAGE.EXAMPLE",
        "https://evil.example",
    ] {
        for method in ["GET", "POST", "OPTIONS", "PUT"] {
            let request = format!(
                "{method} /sse?token=alice HTTP/1.1\r\nHost: server.example\r\nOrigin: {origin}\r\nContent-Length: 0\r\nAccept: text/event-stream\r\n\r\n"
            );
            let mut refused = Listener::ask(server.address, &request);
            assert_eq!((refused.status, refused.error()), (403, "origin".into()), "{method} {origin}");
            assert_eq!(refused.header("access-control-allow-origin"), None);
        }
    }
    assert_eq!(server.engine.stats().opened, 0);
}

#[test]
fn a_page_may_ask_what_it_may_send() {
    let server = Server::start(config());
    let request = "OPTIONS /sse HTTP/1.1\r\nHost: server.example\r\nOrigin: https://page.example\r\nAccess-Control-Request-Method: POST\r\n\r\n";
    let answer = Listener::ask(server.address, request);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("https://page.example")));
    assert_eq!(
        answer.header("access-control-allow-headers"),
        Some("authorization, content-type, last-event-id, tidings-session, tidings-secret")
    );
    let mut put =
        Listener::ask(server.address, "PUT /sse HTTP/1.1\r\nHost: server.example\r\nContent-Length: 0\r\n\r\n");
    assert_eq!((put.status, put.error(), put.header("allow")), (405, "method".into(), Some("get, post, options")));
}

#[test]
fn who_finds_no_room_is_told_when_to_come_back() {
    let mut few = config();
    few.limits.connections_max = 1;
    let server = Server::start(few);
    let first = Listener::get(server.address, "token=alice", "");
    let mut second = Listener::get(server.address, "token=alice", "");
    assert_eq!((second.status, second.error(), second.header("retry-after")), (503, "overloaded".into(), Some("5")));
    drop(first);
    server.eventually("the first is gone", |engine| engine.stats().connections == 0);
    assert_eq!(Listener::get(server.address, "token=alice", "").status, 200);

    let mut each = config();
    each.limits.connections_per_user_max = 1;
    let server = Server::start(each);
    let _first = Listener::get(server.address, "token=alice", "");
    let mut second = Listener::get(server.address, "token=alice", "");
    assert_eq!((second.status, second.error(), second.header("retry-after")), (503, "limit".into(), Some("5")));
    assert_eq!(Listener::get(server.address, "token=bob", "").status, 200);
}

#[test]
fn a_stream_keeps_its_seat() {
    let mut limits = Limits::default();
    limits.connections_max = 1;
    let server = Server::start_with(config(), "", limits);
    let mut first = Listener::get(server.address, "token=alice", "");
    first.expect("connected");
    for _ in 0..3 {
        assert_eq!(Listener::get(server.address, "token=bob", "").status, 503);
    }
    drop(first);
    let began = std::time::Instant::now();
    while Listener::get(server.address, "token=bob", "").status != 200 {
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "the seat is free again");
    }
}

#[test]
fn a_header_that_is_too_long_is_no_page_of_ours() {
    let server = Server::start(config());
    let id = "x".repeat(1 << 20);
    let mut socket = std::net::TcpStream::connect(server.address).unwrap();
    let request = format!("GET /sse?token=alice HTTP/1.1\r\nHost: a\r\nLast-Event-ID: {id}\r\n\r\n");
    // It answers and closes before all of it was sent.
    let _ = std::io::Write::write_all(&mut socket, request.as_bytes());
    let mut answer = Vec::new();
    let _ = std::io::Read::read_to_end(&mut socket, &mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(server.engine.stats().opened, 0);
}

#[test]
fn another_server_is_told_what_to_do() {
    let server = Server::start(config());
    let sse = Sse::new(server.engine.clone(), Origins::default(), Limits::default());
    let address = server.runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let sse = sse.clone();
                let service = service_fn(move |mut request: Request<Incoming>| {
                    let sse = sse.clone();
                    async move { Ok::<hyper::Response<Full<_>>, Infallible>(sse.handle(&mut request).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
            }
        });
        address
    });
    let mut answer = Listener::get(address, "token=alice", "");
    assert_eq!((answer.status, answer.error()), (501, "not_implemented".into()));
    let frames = r#"{"id":1,"connect":{"token":"alice"}}"#;
    assert_eq!(Listener::converse(address, frames).status, 501);
}

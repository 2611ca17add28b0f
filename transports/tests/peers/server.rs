//! The HTTP server by itself: its limit on connections, its end.

use std::time::{Duration, Instant};

use tidings_transports::Limits;

use crate::support::{Client, Server, client_frame, upgrade_request};

#[test]
fn connections_above_the_limit_are_503_until_one_ends() {
    let mut limits = Limits::default();
    limits.connections_max = 2;
    let server = Server::start(limits);
    // An upgraded connection keeps its seat.
    let mut first = Client::upgrade(server.address, "/");
    let _second = Client::upgrade(server.address, "/recv");
    for _ in 0..3 {
        let mut third = Client::connect(server.address);
        third.send_while_taken(upgrade_request("/", "").as_bytes());
        let response = third.response();
        assert_eq!(response.status, 503);
        assert!(response.head.contains("\r\nretry-after: 5\r\n"), "{}", response.head);
        third.expect_end();
    }
    first.send_frame(0x88, b"");
    first.expect(0x88, b"");
    first.expect_end();
    drop(first);
    let began = Instant::now();
    loop {
        let mut next = Client::connect(server.address);
        next.send_while_taken(upgrade_request("/", "").as_bytes());
        if next.response().status == 101 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "the seat is free again");
    }
}

#[test]
fn shutting_down_ends_idle_connections_and_leaves() {
    let mut server = Server::start(Limits::default());
    let mut idle = Client::connect(server.address);
    idle.send(b"GET / HTTP/1.1\r\nHost: server.example\r\n\r\n");
    assert_eq!(idle.response().status, 400);
    let _silent = Client::connect(server.address);
    let began = Instant::now();
    server.stop();
    assert!(began.elapsed() < Duration::from_secs(5));
    idle.expect_end();
    assert!(std::net::TcpStream::connect(server.address).is_err(), "nobody listens any more");
}

#[test]
fn frames_right_behind_the_request_are_not_lost() {
    let server = Server::start(Limits::default());
    for path in ["/", "/recv"] {
        let mut client = Client::connect(server.address);
        let mut bytes = upgrade_request(path, "").into_bytes();
        bytes.extend(client_frame(0x81, b"early"));
        bytes.extend(client_frame(0x82, b"bird"));
        client.send(&bytes);
        assert_eq!(client.response().status, 101);
        client.expect(0x81, b"early");
        client.expect(0x82, b"bird");
        client.send_frame(0x81, b"later");
        client.expect(0x81, b"later");
    }
}

#[test]
fn many_messages_in_one_read_come_back_in_order() {
    let server = Server::start(Limits::default());
    for path in ["/", "/recv"] {
        let mut client = Client::upgrade(server.address, path);
        let messages: Vec<String> = (0..2_000).map(|index| format!("message {index}")).collect();
        let bytes: Vec<u8> = messages.iter().flat_map(|text| client_frame(0x81, text.as_bytes())).collect();
        client.send(&bytes);
        for text in &messages {
            client.expect(0x81, text.as_bytes());
        }
        for size in [0, 125, 126, 65_535, 65_536, 1_000_000] {
            client.send_frame(0x82, &vec![1; size]);
            client.expect(0x82, &vec![1; size]);
        }
    }
}

//! Row 29 and the closing handshake: a close frame is really sent, and the TCP connection ends in time.

use std::time::{Duration, Instant};

use tidings_transports::Limits;

use crate::support::{Client, Neighbour, Server, counted};

/// `close_timeout_ms` and what a busy machine may add.
const GONE: Duration = Duration::from_millis(2_900);

fn close_payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason].concat()
}

#[test]
fn bad_close_frames_are_answered_and_the_connection_ends() {
    let server = Server::start(Limits::default());
    let neighbour = Neighbour::of(server.address);
    let mut rows = vec![(vec![3], 1002), (close_payload(1000, b"bad \xff"), 1007)];
    rows.extend([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535].map(|code| (close_payload(code, b""), 1002)));
    let mut clients = Vec::new();
    for (payload, code) in &rows {
        for path in ["/", "/recv"] {
            let mut client = Client::upgrade(server.address, path);
            client.send_frame(0x88, payload);
            client.expect_close(*code);
            clients.push(client);
        }
    }
    assert_eq!(counted("tidings_ws_violations_total", "close_code"), 20);
    // They have all had their answer, and none closes its side.
    let began = Instant::now();
    for mut client in clients {
        client.expect_gone_within(GONE.saturating_sub(began.elapsed()).max(Duration::from_millis(1)));
    }
    neighbour.was_well();
}

#[test]
fn good_close_frames_are_echoed() {
    let server = Server::start(Limits::default());
    for path in ["/", "/recv"] {
        for code in [1000, 1001, 1011, 1012, 1014, 3000, 3999, 4000, 4999] {
            let mut client = Client::upgrade(server.address, path);
            client.send_frame(0x81, b"last words");
            client.send_frame(0x88, &close_payload(code, b"bye"));
            client.send_while_taken(b"what follows means nothing");
            client.expect(0x81, b"last words");
            client.expect_close(code);
        }
        let mut client = Client::upgrade(server.address, path);
        client.send_frame(0x88, b"");
        client.expect(0x88, b"");
        client.expect_end();
    }
}

#[test]
fn the_servers_own_close_waits_for_the_peer_and_not_for_ever() {
    let server = Server::start(Limits::default());
    let mut polite = Client::upgrade(server.address, "/close");
    polite.send_frame(0x81, b"close");
    polite.expect(0x88, &close_payload(4000, b"as you wish"));
    let began = Instant::now();
    // What comes before the peer's close frame is dropped, and pings are no longer answered.
    polite.send_frame(0x89, b"?");
    polite.send_frame(0x81, b"still talking");
    polite.send_frame(0x88, &close_payload(4000, b""));
    polite.expect_end();
    assert!(began.elapsed() < Duration::from_secs(1));

    let mut rude = Client::upgrade(server.address, "/close");
    rude.send_frame(0x81, b"close");
    rude.expect(0x88, &close_payload(4000, b"as you wish"));
    let took = rude.expect_end();
    assert!(took > Duration::from_millis(1_500) && took < GONE, "{took:?}");
    rude.expect_gone_within(Duration::from_secs(1));
}

#[test]
fn a_peer_that_vanishes_or_does_not_read_is_let_go() {
    let mut limits = Limits::default();
    limits.write_timeout_ms = 500;
    limits.message_bytes_max = 16 * 1024 * 1024;
    let server = Server::start(limits);
    let neighbour = Neighbour::of(server.address);
    drop(Client::upgrade(server.address, "/"));
    for path in ["/", "/recv"] {
        // More than the buffers of both sides' kernels can hold comes back, and nobody reads it.
        let mut deaf = Client::upgrade(server.address, path);
        deaf.send_frame(0x82, &vec![0; 15_000_000]);
        deaf.expect_gone_within(Duration::from_secs(5));
    }
    neighbour.was_well();
}

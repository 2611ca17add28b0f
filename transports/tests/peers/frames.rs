//! Rows 6 to 8, 28: peers that break the protocol or a limit on an open WebSocket.

use std::time::{Duration, Instant};

use tidings_transports::Limits;

use crate::support::{Client, Neighbour, Server, client_frame, counted};

/// Sends each row's bytes on a connection of its own, on both ways of receiving, and expects its code.
fn each_is_closed_with(limits: Limits, rows: &[(&str, Vec<u8>)], code: u16, reason: &str) {
    let server = Server::start(limits);
    let neighbour = Neighbour::of(server.address);
    let before = counted("tidings_ws_violations_total", reason);
    for (what, bytes) in rows {
        for path in ["/", "/recv"] {
            let mut client = Client::upgrade(server.address, path);
            client.send_frame(0x81, b"before");
            client.send_while_taken(bytes);
            client.expect(0x81, b"before");
            let reason = client.expect_close(code);
            assert!(!reason.is_empty(), "{what}");
        }
    }
    assert_eq!(counted("tidings_ws_violations_total", reason) - before, 2 * rows.len() as u64);
    neighbour.was_well();
}

#[test]
fn unmasked_frames_are_1002() {
    each_is_closed_with(
        Limits::default(),
        &[("text", b"\x81\x05hello".to_vec()), ("ping", b"\x89\0".to_vec()), ("close", b"\x88\0".to_vec())],
        1002,
        "unmasked",
    );
}

#[test]
fn reserved_bits_are_1002() {
    let rows = [0xc1, 0xa1, 0x91, 0xf2, 0xc9, 0x98].map(|first| ("", client_frame(first, b"a")));
    each_is_closed_with(Limits::default(), &rows, 1002, "reserved_bits");
}

#[test]
fn unknown_opcodes_are_1002() {
    let rows = [0x83, 0x87, 0x8b, 0x8f, 0x03, 0x0f].map(|first| ("", client_frame(first, b"a")));
    each_is_closed_with(Limits::default(), &rows, 1002, "unknown_opcode");
}

#[test]
fn control_frames_in_pieces_are_1002() {
    let rows = [0x08, 0x09, 0x0a].map(|first| ("", client_frame(first, b"")));
    each_is_closed_with(Limits::default(), &rows, 1002, "control_fragmented");
}

#[test]
fn long_control_frames_are_1002() {
    let rows =
        [(0x88, 126), (0x89, 126), (0x8a, 70_000)].map(|(first, length)| ("", client_frame(first, &vec![0; length])));
    each_is_closed_with(Limits::default(), &rows, 1002, "control_too_long");
}

#[test]
fn lengths_in_more_bytes_than_needed_are_1002() {
    let rows = [
        ("16 bits for 5", b"\x82\xfe\0\x05\0\0\0\0hello".to_vec()),
        ("64 bits for 5", b"\x82\xff\0\0\0\0\0\0\0\x05\0\0\0\0hello".to_vec()),
        ("64 bits for 65,535, nothing sent", b"\x82\xff\0\0\0\0\0\0\xff\xff".to_vec()),
    ];
    each_is_closed_with(Limits::default(), &rows, 1002, "length_not_minimal");
}

#[test]
fn lengths_with_the_top_bit_are_1002() {
    let rows = [
        ("2^63", b"\x82\xff\x80\0\0\0\0\0\0\0".to_vec()),
        ("2^64 - 1", b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()),
    ];
    each_is_closed_with(Limits::default(), &rows, 1002, "length_top_bit");
}

#[test]
fn messages_that_do_not_follow_each_other_are_1002() {
    let rows = [("", client_frame(0x80, b"a")), ("", client_frame(0x00, b"a"))];
    each_is_closed_with(Limits::default(), &rows, 1002, "unexpected_continuation");
    let rows = [("", [client_frame(0x01, b"a"), client_frame(0x81, b"b")].concat())];
    each_is_closed_with(Limits::default(), &rows, 1002, "interleaved_message");
}

#[test]
fn bad_text_is_1007_wherever_it_is_cut() {
    let rows = [
        ("whole", client_frame(0x81, b"a\xffb")),
        ("overlong", client_frame(0x81, b"\xc0\xaf")),
        ("surrogate", client_frame(0x81, b"\xed\xa0\x80")),
        ("above U+10FFFF", client_frame(0x81, b"\xf4\x90\x80\x80")),
        ("ends in the middle of a character", client_frame(0x81, b"a\xe2\x82")),
        ("over fragments", [client_frame(0x01, b"\xe2\x82"), client_frame(0x80, b"\x28")].concat()),
        ("in a fragment that is not the last", client_frame(0x01, b"\xff")),
        ("in a frame that is not all there", client_frame(0x81, &[0xff; 100])[..50].to_vec()),
    ];
    each_is_closed_with(Limits::default(), &rows, 1007, "bad_utf8");
}

#[test]
fn good_text_may_be_cut_anywhere() {
    let server = Server::start(Limits::default());
    let mut client = Client::upgrade(server.address, "/");
    for byte in client_frame(0x01, "h\u{e9}\u{20ac}".as_bytes()) {
        client.send(&[byte]);
    }
    client.send_frame(0x00, &[0xf0, 0x9f]);
    client.send_frame(0x89, b"between");
    client.send_frame(0x80, &[0x98, 0x80]);
    client.expect(0x8a, b"between");
    client.expect(0x81, "h\u{e9}\u{20ac}\u{1f600}".as_bytes());
}

#[test]
fn too_long_messages_are_1009_on_their_header_alone() {
    let mut limits = Limits::default();
    limits.message_bytes_max = 100_000;
    let rows = [
        ("one more than allowed, never sent", b"\x82\xff\0\0\0\0\0\x01\x86\xa1".to_vec()),
        ("2^63 - 1, never sent", b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec()),
        ("sent", client_frame(0x82, &vec![0; 200_000])),
        ("over fragments", [client_frame(0x02, &vec![0; 60_000]), client_frame(0x00, &vec![0; 60_000])].concat()),
        ("announced by a fragment", [client_frame(0x01, b"a"), b"\x80\xff\0\0\0\0\0\x01\x86\xa0".to_vec()].concat()),
    ];
    each_is_closed_with(limits.clone(), &rows, 1009, "message_too_long");

    let server = Server::start(limits);
    let mut client = Client::upgrade(server.address, "/");
    client.send_frame(0x82, &vec![7; 100_000]);
    client.expect(0x82, &vec![7; 100_000]);
}

#[test]
fn floods_of_fragments_are_1008() {
    let rows = [
        ("a million empty ones", [client_frame(0x01, b""), client_frame(0x00, b"").repeat(1_000_000)].concat()),
        ("200,000 of one byte", [client_frame(0x02, b"a"), client_frame(0x00, b"a").repeat(200_000)].concat()),
    ];
    each_is_closed_with(Limits::default(), &rows, 1008, "too_many_fragments");
}

#[test]
fn unfinished_messages_are_1008_in_time() {
    let mut limits = Limits::default();
    limits.message_timeout_ms = 300;
    let server = Server::start(limits);
    let neighbour = Neighbour::of(server.address);
    let before = counted("tidings_ws_violations_total", "message_timeout");
    let unfinished = [
        client_frame(0x01, b"to be continued"),
        client_frame(0x82, &[0; 1_000])[..500].to_vec(),
        vec![0x81],
        client_frame(0x89, b"ping")[..7].to_vec(),
    ];
    for bytes in &unfinished {
        for path in ["/", "/recv"] {
            let mut client = Client::upgrade(server.address, path);
            client.send(bytes);
            let began = Instant::now();
            client.expect_close(1008);
            assert!(began.elapsed() > Duration::from_millis(200));
            assert!(began.elapsed() < Duration::from_secs(3));
        }
    }
    // Pings in the middle of it don't buy time.
    let mut busy = Client::upgrade(server.address, "/");
    busy.send_frame(0x01, b"to be continued");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        busy.send_while_taken(&client_frame(0x89, b""));
        if began.elapsed() > Duration::from_millis(350) && busy.frame().is_none_or(|frame| frame.first == 0x88) {
            break;
        }
    }
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(counted("tidings_ws_violations_total", "message_timeout") - before, 2 * unfinished.len() as u64 + 1);
    neighbour.was_well();
}

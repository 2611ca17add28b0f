//! Rows 6 to 8 and 27 to 29: peers that break WebSocket.

use crate::support::client::client_frame;
use crate::support::daemon::Daemon;
use crate::support::neighbour::Neighbour;
use crate::support::session::{PING, Session, TEXT};
use std::time::Duration;

const UNLIMITED: &str = "[limits]\nmessages_per_minute = 0\nothers_per_minute = 0\n";

/// `close_timeout_ms` and what a busy machine may add.
const GONE: Duration = Duration::from_secs(4);

/// Sends the bytes on a connected session and expects the code, and the end of the connection.
fn each_is_closed(daemon: &Daemon, rows: &[(&str, Vec<u8>, u16)]) {
    let neighbour = Neighbour::of(daemon);
    let mut sessions = Vec::new();
    for (what, bytes, code) in rows {
        let mut session = Session::connect(daemon, "mallory");
        session.client.send_while_taken(bytes);
        let reason = session.client.expect_close(*code);
        assert!(!reason.is_empty(), "{what}");
        sessions.push(session);
    }
    // None of them closes its side.
    for mut session in sessions {
        session.client.expect_gone_within(GONE);
    }
    neighbour.was_well();
}

#[test]
fn frames_that_must_not_be() {
    let row = |what, bytes: &[u8]| (what, bytes.to_vec(), 1002);
    let rows = [
        row("unmasked", b"\x81\x05hello"),
        row("reserved bit", &client_frame(0xc1, b"a")),
        row("unknown opcode", &client_frame(0x83, b"a")),
        row("control in pieces", &client_frame(0x09, b"")),
        row("long control", &client_frame(PING, &[0; 126])),
        row("length not minimal", b"\x82\xfe\0\x05\0\0\0\0hello"),
        row("top bit of the length", b"\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0"),
        row("nothing to continue", &client_frame(0x80, b"a")),
        row("interleaved", &[client_frame(0x01, b"a"), client_frame(TEXT, b"b")].concat()),
    ];
    each_is_closed(&Daemon::start(UNLIMITED), &rows);
}

#[test]
fn text_that_is_none() {
    let split = [client_frame(0x01, b"caf\xc3"), client_frame(0x80, b"(")].concat();
    let rows = [("whole", client_frame(TEXT, b"\xff"), 1007), ("split", split, 1007)];
    each_is_closed(&Daemon::start(UNLIMITED), &rows);
}

#[test]
fn messages_that_are_too_much() {
    let daemon = Daemon::start(&format!("{UNLIMITED}[http]\nmessage_timeout_ms = 500\n"));
    let rows = [
        ("a byte too long", client_frame(TEXT, &vec![b' '; 64 * 1024 + 1]), 1009),
        ("announced, not sent", b"\x81\xff\0\0\0\0\0\x01\0\x01\0\0\0\0".to_vec(), 1009),
        ("in pieces", [client_frame(0x01, &[b' '; 60_000]), client_frame(0x00, &[b' '; 60_000])].concat(), 1009),
        ("empty pieces", client_frame(0x01, b"").into_iter().chain(client_frame(0, b"").repeat(5_000)).collect(), 1008),
        (
            "one-byte pieces",
            client_frame(0x01, b"a").into_iter().chain(client_frame(0, b"a").repeat(5_000)).collect(),
            1008,
        ),
        ("never finished", client_frame(0x01, b"a"), 1008),
        ("half a frame", b"\x81\xfe\x01\0\0\0\0\0abc".to_vec(), 1008),
    ];
    each_is_closed(&daemon, &rows);
}

#[test]
fn announced_lengths_take_no_memory() {
    let daemon = Daemon::start(UNLIMITED);
    let neighbour = Neighbour::of(&daemon);
    let mut sessions: Vec<_> = (0..1_000).map(|_| Session::open(&daemon)).collect();
    let before_kib = daemon.memory_kib();
    let lengths = [(1_u64 << 63, 1002), ((1 << 63) - 1, 1009), (64 * 1024 + 1, 1009)];
    for (at, session) in sessions.iter_mut().enumerate() {
        let (length, _) = lengths[at % lengths.len()];
        let frame = [&b"\x82\xff"[..], &length.to_be_bytes(), &[0; 4]].concat();
        session.client.send_while_taken(&frame);
    }
    for (at, session) in sessions.iter_mut().enumerate() {
        session.client.expect_close(lengths[at % lengths.len()].1);
    }
    let grown_kib = daemon.memory_kib().saturating_sub(before_kib);
    assert!(grown_kib < 8 * 1024, "{grown_kib} KiB more");
    neighbour.was_well();
}

#[test]
fn close_frames_that_must_not_be() {
    let close = |payload: &[u8]| client_frame(0x88, payload);
    let mut rows = vec![("one byte", close(&[3]), 1002), ("not UTF-8", close(b"\x03\xe8bad \xff"), 1007)];
    rows.extend(
        [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999].map(|code| ("code", close(&code.to_be_bytes()), 1002)),
    );
    each_is_closed(&Daemon::start(UNLIMITED), &rows);
}

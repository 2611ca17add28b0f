//! Row 10: commands made to break whoever reads them.

use crate::support::daemon::Daemon;
use crate::support::neighbour::Neighbour;
use crate::support::session::{BINARY, Session};
use crate::support::tool::token;
use serde_json::Value;

const ROOMY: &str = "[limits]\nmessages_per_minute = 0\nothers_per_minute = 0\nmessage_bytes_max = 1048576\n\
                     [namespaces.messaging]\nclass = \"reliable\"\nqueue_sends = false\ndata_bytes_max = 1048576\n";

const DEEP: usize = 100_000;

fn publish(data: &str) -> String {
    format!(r#"{{"id":1,"publish":{{"channel":"messaging:a","event":"E","data":{data}}}}}"#)
}

#[test]
fn json_made_to_break() {
    let daemon = Daemon::start(ROOMY);
    let neighbour = Neighbour::of(&daemon);
    let mut session = Session::connect(&daemon, "mallory");
    let before_kib = daemon.memory_kib();
    let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(DEEP), close.repeat(DEEP));
    let rows = [
        nested("[", "]"),
        "[".repeat(DEEP),
        nested("{\"a\":", "}"),
        publish(&nested("[", "]")),
        publish(&nested("{\"a\":", "}")),
        r#"{"id":1,"id":2,"ping":{}}"#.into(),
        r#"{"id":1,"ping":{},"ping":{}}"#.into(),
        r#"{"id":1,"ping":{},"subscribe":{"channel":"messaging:a"}}"#.into(),
        r#"{"id":1,"publish":{"channel":"messaging:a","channel":"messaging:b","event":"E"}}"#.into(),
        publish(r#"{"a":1,"a":2}"#),
        publish(r#"{"a":1,"\u0061":2}"#),
        publish("NaN"),
        publish("Infinity"),
        publish("-Infinity"),
        publish("1e400"),
        publish("01"),
        publish("0x10"),
        publish("\"\\ud800\""),
        publish("\"\u{1}\""),
        publish("[1,]"),
        publish("1 2"),
        publish(""),
        r#"{"id":-1,"ping":{}}"#.into(),
        r#"{"id":1.5,"ping":{}}"#.into(),
        r#"{"id":18446744073709551616,"ping":{}}"#.into(),
        r#"{"id":"1","ping":{}}"#.into(),
        r#"{"id":1e3,"ping":{}}"#.into(),
        r#"{"id":1,"ping":[]}"#.into(),
        r#"{"id":1,"subscribe":["messaging:a"]}"#.into(),
        r#"{"id":1,"subscribe":{"channel":7}}"#.into(),
        r#"{"id":1,"subscribe":{"channel":"messaging:a","since":{"epoch":"zz","offset":1}}}"#.into(),
        r#"{"id":1,"subscribe":{"channel":"messaging:a","since":{"epoch":"00000000000000ab","offset":-1}}}"#.into(),
        r#"{"id":1,"launch":{}}"#.into(),
        r#"{"id":1}"#.into(),
        "null".into(),
        "\u{feff}{}".into(),
    ];
    for row in &rows {
        let shown = &row[..row.len().min(200)];
        assert_eq!(session.error_to(row), "bad_request", "{shown}");
    }
    // What no command knows is passed over, however deep it is.
    session.send(publish(&nested("[", "]")).replace("\"data\"", "\"unknown\""));
    assert!(session.next()["published"].is_object());
    session.assert_alive();
    let grown_kib = daemon.memory_kib().saturating_sub(before_kib);
    assert!(grown_kib < 16 * 1024, "{grown_kib} KiB more");
    neighbour.was_well();
}

/// MessagePack by hand.
struct Pack(Vec<u8>);

impl Pack {
    fn map(entries: u8) -> Self {
        Self(vec![0x80 | entries])
    }

    fn text(mut self, text: &str) -> Self {
        assert!(text.len() < 32);
        self.0.push(0xa0 | text.len() as u8);
        self.0.extend(text.as_bytes());
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// A publication with this data.
    fn publish(data: &[u8]) -> Vec<u8> {
        let head = Self::map(2).text("id").raw(&[1]).text("publish").raw(&[0x83]).text("channel").text("messaging:a");
        head.text("event").text("E").text("data").raw(data).0
    }
}

fn next(session: &mut Session) -> Value {
    loop {
        let frame = session.client.frame().expect("the connection is open");
        if frame.first == BINARY {
            return rmp_serde::from_slice(&frame.payload).unwrap();
        }
    }
}

#[test]
fn messagepack_made_to_break() {
    let daemon = Daemon::start(ROOMY);
    let neighbour = Neighbour::of(&daemon);
    let mut session = Session::open_msgpack(&daemon);
    let token = token(&["--user", "mallory"]);
    let long = [&[0xda][..], &(token.len() as u16).to_be_bytes(), token.as_bytes()].concat();
    let connect = Pack::map(2).text("id").raw(&[1]).text("connect").raw(&[0x81]).text("token").raw(&long).0;
    session.client.send_frame(BINARY, &connect);
    assert!(next(&mut session)["connected"].is_object());
    let before_kib = daemon.memory_kib();
    let ping = |id: &[u8]| Pack::map(2).text("id").raw(id).text("ping").raw(&[0x80]).0;
    let nested = |open: &[u8]| [open.repeat(DEEP), vec![1]].concat();
    let rows = [
        nested(&[0x91]),
        vec![0x91; DEEP],
        nested(&[0x81, 0xa1, b'a']),
        Pack::publish(&nested(&[0x91])),
        Pack::publish(&nested(&[0x81, 0xa1, b'a'])),
        vec![0xdf, 0xff, 0xff, 0xff, 0xff],
        vec![0xdd, 0xff, 0xff, 0xff, 0xff],
        vec![0xdb, 0xff, 0xff, 0xff, 0xff],
        vec![0xc6, 0xff, 0xff, 0xff, 0xff],
        Pack::publish(&[0xdf, 0xff, 0xff, 0xff, 0xff]),
        Pack::publish(&[0xdd, 0xff, 0xff, 0xff, 0xff]),
        Pack::publish(&[0xdb, 0xff, 0xff, 0xff, 0xff]),
        Pack::publish(&[0xc6, 0xff, 0xff, 0xff, 0xff]),
        Pack::publish(&[0xc9, 0xff, 0xff, 0xff, 0xff, 1]),
        Pack::publish(&[0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]),
        Pack::publish(&[0xca, 0x7f, 0x80, 0, 0]),
        Pack::publish(&[0xc1]),
        Pack::publish(&[0xa1, 0xff]),
        Pack::publish(&[0x82, 0xa1, b'a', 1, 0xa1, b'a', 2]),
        Pack::publish(&[0x81, 1, 1]),
        Pack::publish(&[]),
        Pack::map(3).text("id").raw(&[1]).text("id").raw(&[2]).text("ping").raw(&[0x80]).0,
        ping(&[0xff]),
        ping(&[0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]),
        ping(&[0xa1, b'1']),
        vec![0x93, 1, 2, 3],
        vec![0xc0],
        vec![0xc1],
    ];
    for row in &rows {
        session.client.send_frame(BINARY, row);
        let answer = next(&mut session);
        assert_eq!(answer["error"]["name"], "bad_request", "{:02x?}: {answer}", &row[..row.len().min(60)]);
    }
    session.client.send_frame(BINARY, &ping(&[9]));
    assert!(next(&mut session)["pong"].is_object());
    let grown_kib = daemon.memory_kib().saturating_sub(before_kib);
    assert!(grown_kib < 16 * 1024, "{grown_kib} KiB more");
    neighbour.was_well();
}

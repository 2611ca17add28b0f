//! Streams that are opened by POST, and frames that come by it.

use crate::listener::Listener;
use crate::server::{Server, config};
use serde_json::Value;
use std::io::Write as _;
use tidings_transports::Limits;

const CONNECT: &str = r#"{"id":1,"connect":{"token":"alice","device":"phone"}}"#;

fn up(server: &Server, connected: &Value, frames: &str) -> Listener {
    let (session, secret) = (connected["session"].as_str().unwrap(), connected["secret"].as_str().unwrap());
    Listener::post(server.address, &format!("Tidings-Session: {session}\r\nTidings-Secret: {secret}\r\n"), frames)
}

#[test]
fn a_client_that_speaks_the_protocol_opens_its_stream_with_it() {
    let server = Server::start(config());
    let frames = format!(
        "\n{CONNECT}\r\n{{\"id\":2,\"subscribe\":{{\"channel\":\"messaging:a\"}}}}\n\n{{\"id\":3,\"ping\":{{}}}}\n"
    );
    let mut stream = Listener::converse(server.address, &frames);
    assert_eq!(stream.status, 200);
    let connected = stream.expect("connected");
    assert_eq!(stream.next().unwrap()["id"], 2);
    assert_eq!(stream.next().unwrap(), serde_json::json!({ "id": 3, "pong": {} }));
    let publish = r#"{"id":4,"publish":{"channel":"messaging:a","event":"E","data":7}}"#;
    let answer = up(&server, &connected, publish);
    assert_eq!((answer.status, answer.header("content-length")), (202, Some("0")));
    let both = [stream.next().unwrap(), stream.next().unwrap()];
    assert!(both.iter().any(|frame| frame["published"]["offset"] == 1), "{both:?}");
    assert!(both.iter().any(|frame| frame["entry"]["data"] == 7), "{both:?}");
    assert_eq!(stream.reading.id, "", "it knows its positions by itself");
}

#[test]
fn a_stream_of_an_address_takes_frames_as_well() {
    let server = Server::start(config());
    let mut stream = Listener::get(server.address, "channel=messaging:a&token=alice", "");
    let connected = stream.expect("connected");
    assert_eq!(up(&server, &connected, r#"{"id":9,"subscribe":{"channel":"messaging:b"}}"#).status, 202);
    while stream.expect("subscribed")["channel"] != "messaging:b" {}
    server.publish("messaging:a", 1);
    stream.entries(1);
    let id = stream.reading.id.clone();
    server.publish("messaging:b", 2);
    assert_eq!(stream.entries(1), [2]);
    assert_eq!(stream.reading.id, id, "what the address does not name is not what it comes back to");
}

#[test]
fn frames_without_their_secret_are_refused_in_one_wording() {
    let server = Server::start(config());
    let (mut alice, mut bob) =
        (Listener::get(server.address, "token=alice", ""), Listener::get(server.address, "token=bob", ""));
    let (alices, bobs) = (alice.expect("connected"), bob.expect("connected"));
    let (session, secret) = (alices["session"].as_str().unwrap(), alices["secret"].as_str().unwrap());
    let others = bobs["secret"].as_str().unwrap();
    let none = "0".repeat(32);
    let mut answers = Vec::new();
    for headers in [
        format!("Tidings-Session: {session}\r\nTidings-Secret: {others}\r\n"),
        format!("Tidings-Session: {none}\r\nTidings-Secret: {secret}\r\n"),
        format!("Tidings-Session: {session}\r\nTidings-Secret: {none}\r\n"),
        format!("Tidings-Session: {session}\r\n"),
        format!("Tidings-Secret: {secret}\r\n"),
        format!("Tidings-Session: x\r\nTidings-Secret: {secret}\r\n"),
        format!("Tidings-Session: {session}\r\nTidings-Session: {session}\r\nTidings-Secret: {secret}\r\n"),
    ] {
        let mut answer = Listener::post(server.address, &headers, r#"{"id":1,"ping":{}}"#);
        assert_eq!(answer.status, 403, "{headers}");
        answers.push(answer.body());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0] && !answer.contains(secret)), "{answers:?}");
    // Nothing of it arrived.
    up(&server, &alices, r#"{"id":2,"ping":{}}"#);
    assert_eq!(alice.next().unwrap()["id"], 2);
    drop(alice);
    server.eventually("the session waits", |engine| engine.stats().parked == 1);
    assert_eq!(up(&server, &alices, r#"{"id":3,"ping":{}}"#).status, 403, "nobody is there to be answered");
}

#[test]
fn the_first_frame_of_a_stream_is_connect_and_is_judged_before_it() {
    let server = Server::start(config());
    for (frames, status, error) in [
        (r#"{"id":1,"connect":{"token":"stranger"}}"#, 401, "unauthorized"),
        (r#"{"id":1,"subscribe":{"channel":"messaging:a"}}"#, 400, "state"),
        (r#"{"id":1,"ping":{}}"#, 400, "bad_request"),
        ("nonsense", 400, "bad_request"),
    ] {
        let mut refused = Listener::converse(server.address, frames);
        assert_eq!((refused.status, refused.error()), (status, error.into()), "{frames}");
    }
    for frames in ["", "\n\n  \n"] {
        let mut refused = Listener::converse(server.address, frames);
        assert_eq!((refused.status, refused.error()), (400, "bad_request".into()), "an empty body");
    }
    let mut neither = Listener::post(server.address, "", CONNECT);
    assert_eq!((neither.status, neither.error()), (400, "bad_request".into()));
    server.eventually("nobody is left", |engine| engine.stats().connections == 0);
}

#[test]
fn bodies_are_bounded_in_kind_size_and_time() {
    let mut limits = Limits::default();
    limits.message_timeout_ms = 300;
    let server = Server::start_with(config(), "", limits);
    let mut stream = Listener::get(server.address, "token=alice", "");
    let connected = stream.expect("connected");
    let (session, secret) = (connected["session"].as_str().unwrap(), connected["secret"].as_str().unwrap());
    let head = |more: &str| {
        format!("POST /sse HTTP/1.1\r\nHost: a\r\nTidings-Session: {session}\r\nTidings-Secret: {secret}\r\n{more}\r\n")
    };
    for kind in ["", "Content-Type: application/x-www-form-urlencoded\r\n", "Content-Type: application/msgpack\r\n"] {
        let request = head(&format!("{kind}Content-Length: 2\r\n")) + "{}";
        let mut refused = Listener::ask(server.address, &request);
        assert_eq!((refused.status, refused.error()), (415, "content_type".into()), "{kind}");
    }
    let json = "Content-Type: text/plain;charset=UTF-8\r\n";
    let bytes_max = server.engine.message_bytes_max();
    let fits = head(&format!("{json}Content-Length: {bytes_max}\r\n")) + &" ".repeat(bytes_max);
    assert_eq!(Listener::ask(server.address, &fits).status, 202);
    let announced = head(&format!("{json}Content-Length: {}\r\n", 1_u64 << 40));
    let mut refused = Listener::ask(server.address, &announced);
    assert_eq!((refused.status, refused.error()), (413, "too_large".into()));
    // Nothing is announced, and it does not end.
    let mut socket = std::net::TcpStream::connect(server.address).unwrap();
    socket.write_all(head(&format!("{json}Transfer-Encoding: chunked\r\n")).as_bytes()).unwrap();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let began = std::time::Instant::now();
    while socket.write_all(chunk.as_bytes()).is_ok() {
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "still read");
    }
    let half = head(&format!("{json}Content-Length: 100\r\n")) + "{";
    let mut late = Listener::ask(server.address, &half);
    assert_eq!((late.status, late.error()), (408, "timeout".into()));
    // And the session knows nothing of any of it.
    assert_eq!(up(&server, &connected, r#"{"id":7,"ping":{}}"#).status, 202);
    assert_eq!(stream.next().unwrap()["id"], 7);
}

#[test]
fn a_flood_of_posts_is_a_flood() {
    let mut few = config();
    few.limits.others_per_minute = 20;
    let server = Server::start(few);
    let mut stream = Listener::get(server.address, "token=alice", "");
    let connected = stream.expect("connected");
    let mut taken = 0;
    while up(&server, &connected, "").status == 202 {
        taken += 1;
        assert!(taken < 100, "still taken");
    }
    assert_eq!(stream.expect("close")["code"], 3502);
}

#[test]
fn the_past_is_asked_for_by_post_and_comes_down_the_stream() {
    let server = Server::start(config());
    for number in 1..=5 {
        server.publish("messaging:a", number);
    }
    let mut stream = Listener::get(server.address, "channel=messaging:a&token=alice", "");
    let connected = stream.expect("connected");
    stream.expect("subscribed");
    let id = stream.reading.id.clone();
    let ask = r#"{"id":9,"history":{"channel":"messaging:a","limit":2}}"#;
    assert_eq!(up(&server, &connected, ask).status, 202);
    let history = stream.expect("history");
    let data: Vec<_> = history["entries"].as_array().unwrap().iter().map(|entry| entry["data"].clone()).collect();
    assert_eq!((data, &history["more"]), (vec![Value::from(4), Value::from(5)], &Value::from(true)));
    let before = format!(r#"{{"epoch":{},"offset":{}}}"#, history["epoch"], history["from"]);
    let ask = format!(r#"{{"id":10,"history":{{"channel":"messaging:a","before":{before}}}}}"#);
    assert_eq!(up(&server, &connected, &ask).status, 202);
    let history = stream.expect("history");
    assert_eq!((&history["entries"][0]["data"], &history["more"]), (&Value::from(1), &Value::from(false)));
    assert_eq!(history["entries"].as_array().unwrap().len(), 3);
    // What was seen of the past moves nobody on.
    assert_eq!(stream.reading.id, id);
    server.publish("messaging:a", 6);
    assert_eq!(stream.entries(1), [6]);
}

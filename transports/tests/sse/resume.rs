//! Coming back: nothing is lost, nothing comes out of order, however the stream was cut, and whatever the next one is.

use crate::listener::{Listener, Reading};
use crate::server::{Server, config};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::thread;

const QUERY: &str = "channel=messaging:a&channel=messaging:b&token=alice";

/// The user is there on another device as well: an inbox in memory lasts as long as somebody is in it.
fn elsewhere(server: &Server) -> tidings::local::Local {
    let local = server.engine.connect_local().unwrap();
    local.send(r#"{"id":1,"connect":{"token":"alice"}}"#);
    server.runtime().block_on(local.receive()).unwrap();
    local
}

#[test]
fn the_last_id_brings_what_followed_it() {
    let server = Server::start(config());
    let _elsewhere = elsewhere(&server);
    let mut first = Listener::get(server.address, QUERY, "");
    first.expect("subscribed");
    first.expect("subscribed");
    for data in 1..=3 {
        server.publish("messaging:a", data);
    }
    assert_eq!(first.entries(3), [1, 2, 3]);
    let id = first.reading.id.clone();
    drop(first);
    server.publish("messaging:a", 4);
    server.publish("messaging:b", 5);
    server.send("alice", 6);
    for (query, header) in [
        (QUERY.to_owned(), format!("Last-Event-ID: {id}\r\n")),
        (format!("{QUERY}&last_event_id={id}"), String::new()),
        (format!("{QUERY}&last_event_id=older"), format!("last-event-id: {id},0000000000000000-9,x\r\n")),
    ] {
        let mut next = Listener::get(server.address, &query, &header);
        // An inbox in memory keeps nothing, and says so.
        let inbox = next.expect("connected")["inbox"].take();
        assert_eq!(next.expect("gap"), json!({ "stream": inbox["stream"], "from": 1, "to": 1, "reason": "expired" }));
        for data in [4, 5] {
            assert_eq!(next.expect("subscribed")["recovered"], "complete", "{query} {header}");
            assert_eq!(next.entries(1), [data], "{query} {header}");
        }
        let places: Vec<_> = next.reading.id.split(',').map(|place| place.split_once('-').unwrap().1).collect();
        assert!(places.iter().zip(["1", "4", "1"]).all(|(place, most)| *place <= most), "{}", next.reading.id);
    }
}

#[test]
fn an_id_that_is_none_of_ours_is_a_gap() {
    let server = Server::start(config());
    server.publish("messaging:a", 1);
    let mut keeps = Listener::get(server.address, QUERY, "");
    keeps.expect("subscribed");
    server.publish("messaging:a", 2);
    assert_eq!(keeps.entries(1), [2]);
    let long = "0123456789abcdef-1,".repeat(700);
    for id in ["nonsense", "0000000000000000-1", "-", "\u{e9}", "id: 1", long.trim_end_matches(',')] {
        let mut next = Listener::get(server.address, QUERY, &format!("Last-Event-ID: {id}\r\n"));
        assert_eq!(next.status, 200, "{id}");
        assert_eq!(next.expect("connected")["inbox"]["recovered"], "gap");
        assert_eq!(next.expect("subscribed")["recovered"], "gap");
        assert_eq!(next.expect("gap")["reason"], "epoch");
        assert_eq!(next.entries(2), [1, 2], "all that is kept: {id}");
        // And it can come back with what it has been told since.
        assert!(next.reading.id.contains("-2"), "{}", next.reading.id);
    }
    // From the future.
    let (epoch, _) = keeps.reading.id.split(',').nth(1).unwrap().split_once('-').unwrap();
    let mut future = Listener::get(server.address, QUERY, &format!("Last-Event-ID: {epoch}-99\r\n"));
    assert_eq!(future.expect("subscribed")["recovered"], "gap");
}

/// What a client of an address has got: the entries of each stream.
#[derive(Default)]
struct Got(HashMap<u64, Vec<u64>>);

impl Got {
    /// Entries may come again after a cut, but none is left out, and none comes late within one stream.
    fn take(&mut self, frames: impl Iterator<Item = Value>) {
        let mut seen: HashMap<u64, u64> = HashMap::new();
        for frame in frames {
            assert!(frame["gap"].is_null(), "{frame}");
            let Some(offset) = frame["entry"]["offset"].as_u64() else { continue };
            let stream = frame["entry"]["stream"].as_u64().unwrap();
            assert!(seen.insert(stream, offset).is_none_or(|before| offset == before + 1), "{frame}");
            let got = self.0.entry(stream).or_default();
            if offset > got.len() as u64 {
                assert_eq!(offset, got.len() as u64 + 1, "nothing is missing: {frame}");
                got.push(frame["entry"]["data"].as_u64().unwrap());
            }
        }
    }
}

/// SplitMix64.
fn roll(state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    usize::try_from((number ^ (number >> 27)) >> 40).unwrap()
}

#[test]
fn a_stream_that_is_cut_anywhere_loses_nothing() {
    const EACH: u64 = 3_000;
    let mut wide = config();
    for namespace in wide.namespaces.values_mut() {
        namespace.history_entries_max = 10_000;
    }
    wide.limits.outbox_bytes_max = 64 * 1024;
    let server = Server::start(wide);
    let mut seed = 7;
    println!("seed {seed}");
    let _elsewhere = elsewhere(&server);
    let mut first = Listener::get(server.address, QUERY, "");
    first.expect("subscribed");
    first.expect("subscribed");
    let mut id = first.reading.id.clone();
    drop(first);
    let (mut got, mut cuts) = (Got::default(), 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for data in 1..=EACH {
                server.publish("messaging:a", data);
                server.publish("messaging:b", data);
                if data % 64 == 0 {
                    thread::sleep(std::time::Duration::from_millis(2));
                }
            }
        });
        while got.0.len() < 2 || got.0.values().any(|got| got.len() < EACH as usize) {
            let mut next = Listener::get(server.address, QUERY, &format!("Last-Event-ID: {id}\r\n"));
            assert_eq!(next.status, 200);
            // The server tells a place at least with each 16 KiB.
            next.read_up_to(roll(&mut seed) % 20_000);
            let Reading { frames, id: told, .. } = std::mem::take(&mut next.reading);
            got.take(frames.into_iter());
            if !told.is_empty() {
                id = told;
            }
            cuts += 1;
        }
    });
    assert!(cuts > 10, "{cuts}");
    assert!(got.0.values().all(|got| *got == (1..=EACH).collect::<Vec<_>>()));
}

#[test]
fn a_session_goes_from_one_transport_to_another() {
    let server = Server::start(config());
    let subscribe = r#"{"id":2,"subscribe":{"channel":"messaging:a"}}"#;
    // Inside the process first, as over WebSocket.
    let local = server.engine.connect_local().unwrap();
    let next = || -> Value { serde_json::from_str(&server.runtime().block_on(local.receive()).unwrap()).unwrap() };
    local.send(r#"{"id":1,"connect":{"token":"alice"}}"#);
    let connected = next()["connected"].take();
    local.send(subscribe);
    let lobby = next()["subscribed"].take();
    server.publish("messaging:a", 1);
    assert_eq!(next()["entry"]["data"], 1);
    server.publish("messaging:a", 2);
    let resume = |offset: u64| {
        let positions = [json!({ "channel": "messaging:a", "epoch": lobby["epoch"], "offset": offset })];
        let (session, secret) = (&connected["session"], &connected["secret"]);
        let resume = json!({ "session": session, "secret": secret, "positions": positions });
        json!({ "id": 1, "connect": { "token": "alice", "resume": resume } }).to_string()
    };
    let mut stream = Listener::converse(server.address, &resume(1));
    assert_eq!(stream.expect("connected")["resumed"], true);
    assert_eq!(stream.entries(1), [2]);
    server.publish("messaging:a", 3);
    assert_eq!(stream.entries(1), [3]);
    // And back, while the stream is still there.
    let local = server.engine.connect_local().unwrap();
    local.send(&resume(2));
    let mut data = Vec::new();
    while data.is_empty() {
        let frame: Value = serde_json::from_str(&server.runtime().block_on(local.receive()).unwrap()).unwrap();
        data.extend(frame["entry"]["data"].as_u64());
    }
    assert_eq!(data, [3]);
    assert_eq!(stream.expect("close")["code"], 3505);
    assert_eq!(stream.next(), None);
}

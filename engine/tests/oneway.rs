//! For transports whose connections go one way: messages that come on another way, and positions that nobody says of which
//! stream they are.

mod common;

use common::store::{Bench, durable, engine_on};
use common::{Frame, answer, config, connect, data, engine, entries, next, offsets, so_far};
use tidings::local::Local;
use tidings::message::Message;
use tidings::{Codec, Engine};
use tidings_proto::id::{Position, Secret, SessionId};

async fn connected(local: &Local, fields: &str) -> Frame {
    local.send(&format!(r#"{{"id":1,"connect":{{"token":"alice"{fields}}}}}"#));
    next(local).await["connected"].take()
}

fn id_and_secret(connected: &Frame) -> (SessionId, Secret) {
    let text = |name: &str| connected[name].as_str().unwrap().to_owned();
    (text("session").parse().unwrap(), text("secret").parse().unwrap())
}

fn position(told: &Frame, offset: u64) -> Position {
    Position { epoch: told["epoch"].as_str().unwrap().parse().unwrap(), offset }
}

async fn subscribed(local: &Local, channel: &str) -> Frame {
    local.send(&format!(r#"{{"id":2,"subscribe":{{"channel":"{channel}"}}}}"#));
    answer(local, 2).await["subscribed"].take()
}

#[tokio::test]
async fn what_comes_another_way_is_answered_on_the_connection() {
    let engine = engine(config());
    let local = engine.connect_local().unwrap();
    let (session, secret) = id_and_secret(&connected(&local, "").await);
    let frames = br#"{"id":2,"subscribe":{"channel":"messaging:lobby"}}
{"id":3,"publish":{"channel":"messaging:lobby","event":"E","data":"hi"}}"#;
    assert!(engine.feed(session, secret, Codec::Json, frames));
    assert_eq!(next(&local).await["subscribed"]["channel"], "messaging:lobby");
    let both = [next(&local).await, next(&local).await];
    assert!(both.iter().any(|frame| frame["published"]["offset"] == 1), "{both:?}");
    assert!(both.iter().any(|frame| frame["entry"]["data"] == "hi"), "{both:?}");
    assert!(engine.feed(session, secret, Codec::Json, b"nonsense"));
    assert_eq!(next(&local).await["error"]["code"], 2000);
}

#[tokio::test]
async fn nothing_is_taken_for_a_session_without_its_secret() {
    let engine = engine(config());
    let (alice, bob) = (engine.connect_local().unwrap(), engine.connect_local().unwrap());
    let (session, secret) = id_and_secret(&connected(&alice, "").await);
    let (other, others) = id_and_secret(&connected(&bob, "").await);
    let ping = br#"{"id":9,"ping":{}}"#;
    for (session, secret) in [(session, others), (other, secret), (SessionId(1), secret), (session, Secret(0))] {
        assert!(!engine.feed(session, secret, Codec::Json, ping));
    }
    assert_eq!((so_far(&alice).await, so_far(&bob).await), (Vec::<Frame>::new(), Vec::new()));
    drop(alice);
    common::eventually("the session waits", || engine.stats().parked == 1).await;
    assert!(!engine.feed(session, secret, Codec::Json, ping), "nobody is there to be answered");
}

fn fill(engine: &Engine, channel: &str, count: usize) {
    for _ in 0..count {
        engine.publish(channel, "E", &data("x")).unwrap();
    }
}

#[tokio::test]
async fn each_stream_takes_the_position_of_its_own_epoch() {
    let engine = engine(config());
    let before = connect(&engine, "alice").await;
    let (one, two) = (subscribed(&before, "messaging:one").await, subscribed(&before, "messaging:two").await);
    fill(&engine, "messaging:one", 5);
    fill(&engine, "messaging:two", 5);
    entries(&before, 10).await;
    let local = engine.connect_local().unwrap();
    local.port().brings(Some(&[position(&two, 4), position(&one, 2)]));
    // Memory's inbox: none of what was brought is of it.
    assert_eq!(connected(&local, "").await["inbox"]["recovered"], "gap");
    assert_eq!(next(&local).await["gap"]["reason"], "epoch");
    assert_eq!(subscribed(&local, "messaging:one").await["recovered"], "complete");
    assert_eq!(offsets(&so_far(&local).await), [3, 4, 5]);
    assert_eq!(subscribed(&local, "messaging:two").await["recovered"], "complete");
    assert_eq!(offsets(&so_far(&local).await), [5]);
    // What it did not bring anything of may have passed it by.
    fill(&engine, "messaging:three", 2);
    connect(&engine, "bob").await;
    assert_eq!(subscribed(&local, "messaging:three").await["recovered"], "gap");
    let told = so_far(&local).await;
    assert_eq!((&told[0]["gap"]["reason"], offsets(&told)), (&"epoch".into(), vec![1, 2]));
    // And from now on it brings nothing.
    local.port().brings(None);
    fill(&engine, "messaging:four", 2);
    assert_eq!(subscribed(&local, "messaging:four").await["recovered"], "none");
    assert_eq!(so_far(&local).await, Vec::<Frame>::new());
}

#[tokio::test]
async fn a_position_that_is_told_comes_before_one_that_is_brought() {
    let engine = engine(config());
    let before = connect(&engine, "alice").await;
    let one = subscribed(&before, "messaging:one").await;
    fill(&engine, "messaging:one", 3);
    let local = engine.connect_local().unwrap();
    local.port().brings(Some(&[position(&one, 2)]));
    connected(&local, "").await;
    let told = common::subscribe_since(&local, "messaging:one", &one["epoch"], 1).await;
    assert_eq!(told["subscribed"]["recovered"], "complete");
    assert_eq!(offsets(&so_far(&local).await), [2, 3]);
}

#[tokio::test]
async fn a_device_with_a_place_in_its_inbox_goes_on_there_whatever_else_it_brings() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let first = engine.connect_local().unwrap();
    let inbox = connected(&first, r#","device":"phone""#).await["inbox"].take();
    for _ in 0..4 {
        engine.send("alice", &Message::new("E", &data("x"))).unwrap();
    }
    entries(&first, 4).await;
    first.send(&format!(r#"{{"ack":{{"stream":{},"offset":1}}}}"#, inbox["stream"]));
    so_far(&first).await;
    for (brought, expected) in
        [(Some(vec![position(&inbox, 3)]), vec![4]), (Some(vec![]), vec![2, 3, 4]), (None, vec![2, 3, 4])]
    {
        let local = engine.connect_local().unwrap();
        local.port().brings(brought.as_deref());
        let told = connected(&local, r#","device":"phone""#).await;
        assert_eq!(told["inbox"]["recovered"], "complete");
        let got = entries(&local, expected.len()).await;
        assert_eq!(got.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), expected, "{brought:?}");
    }
}

//! What the host does to sessions.

mod common;

use common::store::{Bench, durable, engine_on};
use common::{Frame, answer, config, connect_with, data, engine, eventually, next, publish, so_far, subscribe};
use tidings::Engine;
use tidings::error::ErrorKind;
use tidings::local::Local;
use tidings_proto::id::SessionId;

const LOBBY: &str = "messaging:lobby";

async fn arrive(engine: &Engine, user: &str) -> (Local, SessionId, Frame) {
    let (local, mut told) = connect_with(engine, user, "").await;
    let session = told["connected"]["session"].as_str().unwrap().parse().unwrap();
    (local, session, told["connected"].take())
}

async fn comes_back(engine: &Engine, user: &str, held: &Frame) -> Frame {
    let resume = format!(r#","resume":{{"session":{},"secret":{}}}"#, held["session"], held["secret"]);
    connect_with(engine, user, &resume).await.1["connected"]["resumed"].take()
}

#[tokio::test]
async fn a_session_is_subscribed_and_unsubscribed_by_the_host_and_its_client_is_told() {
    for engine in [engine(config()), engine_on(durable(), &Bench::new())] {
        // A guest has no rights of its own, and the host would say no.
        let (guest, session, _) = arrive(&engine, "guest").await;
        assert_eq!(subscribe(&guest, LOBBY).await["error"]["name"], "forbidden");
        assert!(engine.subscribe_session(session, LOBBY).unwrap());
        let told = next(&guest).await;
        assert_eq!((&told["subscribed"]["channel"], &told["id"]), (&LOBBY.into(), &Frame::Null), "{told}");
        assert!(!engine.subscribe_session(session, LOBBY).unwrap());
        engine.publish(LOBBY, "E", &data("hi")).unwrap();
        assert_eq!(next(&guest).await["entry"]["data"], "hi");
        assert_eq!(engine.session(session).unwrap().channels.len(), 1);
        assert!(engine.unsubscribe_session(session, LOBBY).unwrap());
        let told = next(&guest).await;
        assert_eq!((&told["unsubscribed"]["channel"], &told["id"]), (&LOBBY.into(), &Frame::Null), "{told}");
        assert!(!engine.unsubscribe_session(session, LOBBY).unwrap());
        engine.publish(LOBBY, "E", &data("unheard")).unwrap();
        assert_eq!(so_far(&guest).await, [Frame::Null; 0]);
    }
}

#[tokio::test]
async fn what_cannot_be_subscribed_is_told_to_the_host_alone() {
    let mut config = config();
    config.limits.subscriptions_max = 1;
    let engine = engine(config);
    let (alice, session, _) = arrive(&engine, "alice").await;
    let kind = |channel: &str| engine.subscribe_session(session, channel).unwrap_err().kind();
    assert_eq!((kind("lobby"), kind("none:lobby")), (ErrorKind::Input, ErrorKind::Input));
    engine.subscribe_session(session, LOBBY).unwrap();
    assert_eq!(kind("messaging:other"), ErrorKind::Limit);
    let nobody = engine.subscribe_session(SessionId(1), LOBBY).unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::NotFound);
    assert_eq!(engine.unsubscribe_session(SessionId(1), LOBBY).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(so_far(&alice).await.len(), 1);
    drop(alice);
    eventually("it is parked", || engine.stats().parked == 1).await;
    assert_eq!(kind(LOBBY), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_user_who_is_disconnected_can_resume_nothing() {
    let engine = engine(config());
    let (phone, _, phone_held) = arrive(&engine, "alice").await;
    let (desk, _, desk_held) = arrive(&engine, "alice").await;
    let (bob, _, bob_held) = arrive(&engine, "bob").await;
    drop((desk, bob));
    eventually("two are parked", || engine.stats().parked == 2).await;
    assert_eq!(engine.disconnect_user("alice"), 2);
    assert_eq!(next(&phone).await["close"]["code"], 3504);
    assert_eq!(engine.stats().parked, 1);
    assert_eq!(engine.disconnect_user("alice"), 0);
    for held in [&phone_held, &desk_held] {
        assert_eq!(comes_back(&engine, "alice", held).await, false);
    }
    assert_eq!(comes_back(&engine, "bob", &bob_held).await, true);
}

#[tokio::test]
async fn a_session_that_waits_is_ended_too() {
    let engine = engine(config());
    let (alice, session, held) = arrive(&engine, "alice").await;
    drop(alice);
    eventually("it is parked", || engine.stats().parked == 1).await;
    assert!(engine.disconnect_session(session));
    assert!(!engine.disconnect_session(session));
    assert_eq!(engine.stats().parked, 0);
    assert_eq!(comes_back(&engine, "alice", &held).await, false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_lost_while_it_is_disconnected_is_not_parked() {
    let engine = engine(config());
    for _ in 0..200 {
        let (alice, _, held) = arrive(&engine, "alice").await;
        let losing = tokio::spawn(async move { drop(alice) });
        let disconnected = engine.disconnect_user("alice");
        losing.await.unwrap();
        eventually("it is over", || engine.stats().connections == 0).await;
        // Either it was ended, or it had not been there any more when it was looked for; never both.
        let resumed = comes_back(&engine, "alice", &held).await;
        assert_eq!(resumed, disconnected == 0, "{disconnected}");
        engine.disconnect_user("alice");
        eventually("nobody is left", || engine.stats().connections == 0 && engine.stats().parked == 0).await;
    }
}

#[tokio::test]
async fn a_channel_that_the_host_gave_is_judged_anew_when_the_session_comes_back() {
    let engine = engine(config());
    let (guest, session, held) = arrive(&engine, "guest").await;
    for channel in [LOBBY, "messaging:room:open"] {
        engine.subscribe_session(session, channel).unwrap();
    }
    drop(guest);
    eventually("it is parked", || engine.stats().parked == 1).await;
    let resume = format!(r#","resume":{{"session":{},"secret":{}}}"#, held["session"], held["secret"]);
    let (guest, told) = connect_with(&engine, "guest", &resume).await;
    assert_eq!(told["connected"]["resumed"], true);
    let (one, other) = (next(&guest).await, next(&guest).await);
    let names = [&one, &other].map(|frame| frame["subscribed"]["channel"].as_str().unwrap_or("none"));
    assert!(names.contains(&"messaging:room:open") && names.contains(&"none"), "{one} {other}");
    guest.send(&publish(9, LOBBY, "x", ""));
    assert_eq!(answer(&guest, 9).await["error"]["name"], "forbidden");
}

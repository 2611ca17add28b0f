//! The application as its users meet it.

mod common;

use common::Server;
use embed::Clubs;
use serde_json::json;
use tidings::config::Config;

#[tokio::test]
async fn its_own_routes_work_beside_the_engine() {
    let server = Server::start(Config::default(), Clubs::default()).await;
    let hello = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert!(server.http(hello).await.contains("0 people are here"));
    let mut alice = server.connect("alice's word").await;
    assert!(server.http(hello).await.contains("1 people are here"));
    let notify = |user: &str, body: &str| {
        let length = body.len();
        format!(
            "POST /notify/{user} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
    };
    assert!(server.http(&notify("alice", r#"{"title":"Dinner"}"#)).await.ends_with(r#"{"sessions":1}"#));
    assert!(server.http(&notify("bob", "{}")).await.ends_with(r#"{"sessions":0}"#));
    let entry = alice.next().await;
    assert_eq!(
        (&entry["entry"]["event"], &entry["entry"]["data"]["title"]),
        (&json!("notification:new"), &json!("Dinner"))
    );
    let long = format!("\"{}\"", "x".repeat(100_000));
    assert!(server.http(&notify("alice", &long)).await.starts_with("HTTP/1.1 400"));
    assert!(server.http(&notify("alice", "{")).await.starts_with("HTTP/1.1 400"));
    assert!(server.http("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn the_host_decides_who_connects_and_where() {
    let server = Server::start(Config::default(), Clubs::default()).await;
    for token in ["", "alice", "mallory's word", "'s word"] {
        let mut stranger = server.open().await;
        let answer = stranger.ask(json!({"id": 1, "connect": {"token": token}})).await;
        assert_eq!(answer["error"]["name"], "unauthorized", "{answer}");
        stranger.expect_close(3500).await;
    }
    let (mut alice, mut carol) = (server.connect("alice's word").await, server.connect("carol's word").await);
    assert!(alice.subscribe("messaging:chess").await["subscribed"].is_object());
    for channel in ["messaging:rowing", "messaging:none", "realtime:chess"] {
        assert_eq!(alice.subscribe(channel).await["error"]["name"], "forbidden", "{channel}");
    }
    let publish = json!({"id": 3, "publish": {"channel": "messaging:chess", "event": "NEW_MESSAGE", "data": "e4"}});
    assert_eq!(carol.ask(publish.clone()).await["error"]["name"], "forbidden");
    assert_eq!(carol.call(4, "join", json!({"club": "chess"})).await["result"]["club"], "chess");
    assert!(carol.ask(publish).await["published"].is_object());
    assert_eq!(alice.next().await["entry"]["from"], "carol");
}

#[tokio::test]
async fn its_methods_answer() {
    let server = Server::start(Config::default(), Clubs::default()).await;
    let mut alice = server.connect("alice's word").await;
    assert_eq!(alice.call(2, "echo", json!({"a": [1]})).await, json!({"id": 2, "result": {"a": [1]}}));
    assert!(alice.call(3, "time", json!(null)).await["result"]["ms"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!(alice.call(4, "members", json!({"club": "chess"})).await["result"], json!(["alice", "bob"]));
    assert_eq!(alice.call(5, "members", json!({"club": "rowing"})).await["error"]["name"], "forbidden");
    assert_eq!(alice.call(6, "members", json!([])).await["error"]["name"], "bad_request");
    assert_eq!(alice.call(7, "launch", json!(null)).await["error"]["name"], "not_found");
}

//! How connections end.

use serde_json::json;
use std::time::Instant;
use tidings_e2e::client::{Client, Ending};
use tidings_e2e::codec::Codec;
use tidings_e2e::daemon::Daemon;
use tidings_e2e::token;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

#[tokio::test]
async fn a_bad_token_closes_with_3500_in_the_same_words() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let (good, now) = (token::of("alice")?, token::seconds()?);
    let cut = good[..good.len() - 2].to_owned();
    let expired = token::signed(&json!({"sub": "alice", "exp": now - 3_600, "subscribe": ["*"]}))?;
    let nobody = token::signed(&json!({"exp": now + 3_600}))?;
    let mut messages = Vec::new();
    for token in [String::new(), "nonsense".to_owned(), cut, expired, nobody] {
        for codec in Codec::ALL {
            let mut alice = Client::open(&daemon, codec).await?;
            let answer = alice.answer("connect", json!({"token": token})).await?;
            assert_eq!(answer["error"]["code"], 2001, "{answer}");
            messages.push(answer["error"]["message"].clone());
            let Ending { code, reason, told } = alice.ending().await?;
            assert_eq!((code, reason.as_str()), (3500, "unauthorized"));
            assert_eq!(told.unwrap_or_default()["code"], 3500);
        }
    }
    messages.dedup();
    assert_eq!(messages.len(), 1, "{messages:?}");
    Ok(())
}

#[tokio::test]
async fn silence_after_the_handshake_closes_with_3501() -> anyhow::Result<()> {
    let daemon = Daemon::with(&[("TIDINGS_TIMES__CONNECT_TIMEOUT_MS", "300")])?;
    let mut alice = Client::open(&daemon, Codec::Json).await?;
    let start = Instant::now();
    let ending = alice.ending().await?;
    assert_eq!((ending.code, ending.reason.as_str()), (3501, "connect_timeout"));
    assert!(start.elapsed().as_millis() < 5_000, "after {:?}", start.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_token_that_expires_closes_with_3503() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    // Clocks may differ by half a minute, so this one is good for another two seconds.
    let claims = json!({"sub": "alice", "exp": token::seconds()? - 28, "subscribe": ["*"]});
    let mut alice = Client::open(&daemon, Codec::Json).await?;
    alice.done("connect", json!({"token": token::signed(&claims)?}), "connected").await?;
    let ending = alice.ending().await?;
    assert_eq!((ending.code, ending.reason.as_str()), (3503, "token_expired"));
    Ok(())
}

#[tokio::test]
async fn a_server_that_stops_says_when_to_come_back() -> anyhow::Result<()> {
    let mut daemon = Daemon::start()?;
    let mut clients = Vec::new();
    for codec in Codec::ALL {
        clients.push(Client::of(&daemon, "alice", codec).await?);
    }
    daemon.interrupt()?;
    for client in &mut clients {
        let Ending { code, reason, told } = client.ending().await?;
        assert_eq!((code, reason.as_str()), (3001, "shutdown"));
        let told = told.unwrap_or_default();
        assert_eq!((&told["code"], &told["reason"]), (&json!(3001), &json!("shutdown")));
        assert!(told["retry_after_ms"].is_u64(), "{told}");
    }
    drop(clients);
    let status = daemon.stopped()?;
    assert!(status.success(), "{status}");
    Ok(())
}

#[tokio::test]
async fn a_clients_close_is_answered_by_its_own_code() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    for code in [1000, 1001, 3000, 4999] {
        let mut alice = Client::of(&daemon, "alice", Codec::Json).await?;
        let close = CloseFrame { code: code.into(), reason: "bye".into() };
        alice.send_raw(Message::Close(Some(close))).await?;
        assert_eq!(alice.ending().await?.code, code);
    }
    Ok(())
}

#[tokio::test]
async fn messages_against_the_rules_of_websocket_are_answered_by_its_codes() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let mut neighbour = Client::of(&daemon, "neighbour", Codec::Json).await?;

    let mut alice = Client::of(&daemon, "alice", Codec::Json).await?;
    alice.send_raw(Message::text("x".repeat(70_000))).await?;
    assert_eq!(alice.ending().await?.code, 1009);

    let mut alice = Client::of(&daemon, "alice", Codec::Json).await?;
    let bad = Frame::message(&b"{\"ping\":\xc3\x28}"[..], OpCode::Data(Data::Text), true);
    alice.send_raw(Message::Frame(bad)).await?;
    assert_eq!(alice.ending().await?.code, 1007);

    let mut alice = Client::of(&daemon, "alice", Codec::Json).await?;
    let stray = Frame::message(&b"x"[..], OpCode::Data(Data::Continue), true);
    alice.send_raw(Message::Frame(stray)).await?;
    assert_eq!(alice.ending().await?.code, 1002);

    neighbour.quiet().await
}

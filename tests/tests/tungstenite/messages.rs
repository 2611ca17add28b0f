//! Frames, messages and fragments.

use anyhow::ensure;
use serde_json::{Value, json};
use tidings_e2e::client::Client;
use tidings_e2e::codec::Codec;
use tidings_e2e::daemon::Daemon;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Message};

fn publication(id: Option<u64>, n: u64) -> Value {
    let mut frame = json!({"publish": {"channel": "messaging:many", "event": "E", "data": n}});
    if let Some(id) = id {
        frame["id"] = json!(id);
    }
    frame
}

/// A message in `count` fragments of about the same length.
fn fragments(message: &Message, count: usize) -> Vec<Message> {
    let opcode = if message.is_text() { Data::Text } else { Data::Binary };
    let payload = message.clone().into_data();
    let length = payload.len().div_ceil(count);
    let pieces: Vec<_> = payload.chunks(length).map(Bytes::copy_from_slice).collect();
    let last = pieces.len() - 1;
    let frame = |(at, piece)| {
        let opcode = if at == 0 { opcode } else { Data::Continue };
        Message::Frame(Frame::message(piece, OpCode::Data(opcode), at == last))
    };
    pieces.into_iter().enumerate().map(frame).collect()
}

#[tokio::test]
async fn many_frames_in_one_message_are_all_answered() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    for codec in Codec::ALL {
        let mut alice = Client::of(&daemon, "alice", codec).await?;
        let mut bob = Client::of(&daemon, "bob", codec).await?;
        let before = bob.subscribe("messaging:many").await?["offset"].as_u64().unwrap_or_default();
        let frames: Vec<_> = (0..500).map(|n| publication(Some(1_000 + n), n)).collect();
        alice.send(&frames).await?;
        for n in 0..500 {
            let answer = alice.frame().await?;
            assert_eq!((&answer["id"], &answer["published"]["offset"]), (&json!(1_000 + n), &json!(before + n + 1)));
        }
        let entries = bob.entries(500).await?;
        assert!(entries.iter().enumerate().all(|(n, entry)| entry["data"] == n));
    }
    Ok(())
}

#[tokio::test]
async fn a_whole_session_fits_into_one_message() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let token = tidings_e2e::token::of("alice")?;
    for codec in Codec::ALL {
        let channel = format!("messaging:{}", codec.subprotocol());
        let mut alice = Client::open(&daemon, codec).await?;
        // `connected` must have come before anything else is asked.
        alice.send(&[json!({"id": 1, "connect": {"token": token}})]).await?;
        alice.expect("connected").await?;
        alice
            .send(&[
                json!({"id": 2, "subscribe": {"channel": channel}}),
                json!({"publish": {"channel": channel, "event": "E", "data": "unanswered"}}),
                json!({"id": 3, "publish": {"channel": channel, "event": "E", "data": "answered"}}),
                json!({"publish": {"channel": "nowhere", "event": "E"}}),
                json!({"id": 4, "ping": {}}),
                json!({"id": 5, "unsubscribe": {"channel": channel}}),
                json!({"id": 6, "ping": {}}),
            ])
            .await?;
        let mut frames = Vec::new();
        while frames.last().is_none_or(|frame: &Value| frame["id"] != 6) {
            frames.push(alice.frame().await?);
        }
        let answered: Vec<_> = frames.iter().filter_map(|frame| frame["id"].as_u64()).collect();
        assert_eq!(answered, [2, 3, 4, 5, 6]);
        let data: Vec<_> = frames.iter().filter_map(|frame| frame["entry"]["data"].as_str()).collect();
        assert_eq!(data, ["unanswered", "answered"]);
        let without_id: Vec<_> = frames
            .iter()
            .filter(|frame| frame["id"].is_null())
            .filter_map(|frame| frame["error"]["code"].as_u64())
            .collect();
        assert_eq!(without_id, [2000]);
        assert_eq!(frames.len(), 8);
    }
    Ok(())
}

#[tokio::test]
async fn a_bad_frame_does_not_spoil_those_after_it() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let mut alice = Client::of(&daemon, "alice", Codec::Json).await?;
    let lines = "\n{\"id\":10,\"ping\":{}}\r\n\nnonsense\n{\"id\":11,\"fly\":{}}\n{\"id\":12,\"ping\":{},\"pong\":{}}\n{\"id\":13,\"ping\":{}}";
    alice.send_raw(Message::text(lines)).await?;
    assert_eq!(alice.frame().await?, json!({"id": 10, "pong": {}}));
    for id in [Value::Null, json!(11), json!(12)] {
        let answer = alice.frame().await?;
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&id, &json!(2000)), "{answer}");
    }
    assert_eq!(alice.frame().await?, json!({"id": 13, "pong": {}}));
    Ok(())
}

#[tokio::test]
async fn the_kind_of_a_message_tells_its_codec() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let [one, other] = Codec::ALL;
    for (agreed, written) in [(one, other), (other, one)] {
        let mut alice = Client::of(&daemon, "alice", agreed).await?;
        alice.send_raw(written.message(&[json!({"id": 9, "ping": {}})])?).await?;
        assert_eq!(alice.frame().await?, json!({"id": 9, "pong": {}}));
    }
    Ok(())
}

#[tokio::test]
async fn a_message_may_come_in_fragments_with_pings_between_them() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    for codec in Codec::ALL {
        let mut alice = Client::of(&daemon, "alice", codec).await?;
        alice.subscribe("messaging:many").await?;
        let text = "ü🦀".repeat(2_000);
        for count in [2, 3, 100, 1_000] {
            let frame = json!({"id": 40, "publish": {"channel": "messaging:many", "event": "E", "data": text}});
            for (at, fragment) in fragments(&codec.message(&[frame])?, count).into_iter().enumerate() {
                if at % 50 == 1 {
                    let ping = Frame::ping(format!("{at}"));
                    alice.send_raw(Message::Frame(ping)).await?;
                    assert_eq!(alice.pong().await?, format!("{at}").into_bytes());
                }
                alice.send_raw(fragment).await?;
            }
            let mut frames = [alice.frame().await?, alice.frame().await?];
            frames.sort_by_key(|frame| frame["entry"].is_null());
            ensure!(frames[0]["entry"]["data"] == *text, "the entry is another: {}", frames[0]);
            ensure!(frames[1]["published"].is_object(), "{}", frames[1]);
        }
    }
    Ok(())
}

#[tokio::test]
async fn pings_are_answered_with_their_payload() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let mut alice = Client::open(&daemon, Codec::Json).await?;
    // Before `connect` as well as after it.
    alice.send_raw(Message::Ping(Bytes::from_static(b"early"))).await?;
    assert_eq!(alice.pong().await?, b"early");
    assert_eq!(alice.answer("ping", json!({})).await?["pong"], json!({}));
    alice.connect("alice").await?;
    for payload in [Vec::new(), vec![0; 1], vec![255; 125]] {
        alice.send_raw(Message::Ping(payload.clone().into())).await?;
        assert_eq!(alice.pong().await?, payload);
    }
    alice.send_raw(Message::Pong(Bytes::from_static(b"unasked"))).await?;
    alice.send_raw(Message::text("")).await?;
    alice.send_raw(Message::binary(Bytes::new())).await?;
    alice.quiet().await
}

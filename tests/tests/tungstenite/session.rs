//! A session from its first command to its last.

use anyhow::ensure;
use serde_json::{Value, json};
use tidings_e2e::client::Client;
use tidings_e2e::codec::Codec;
use tidings_e2e::daemon::Daemon;
use tidings_e2e::token;

#[tokio::test]
async fn entries_come_in_the_order_in_which_they_were_published() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    for (codec, channel) in Codec::ALL.into_iter().zip(["messaging:lobby", "realtime:lobby"]) {
        let mut alice = Client::open(&daemon, codec).await?;
        let connected = alice.connect("alice").await?;
        assert_eq!(connected["user"], "alice");
        assert_eq!(connected["session"].as_str().map(str::len), Some(32));
        let mut bob = Client::of(&daemon, "bob", codec).await?;
        let subscribed = bob.subscribe(channel).await?;
        assert_eq!((&subscribed["channel"], &subscribed["offset"]), (&json!(channel), &json!(0)));
        assert_eq!(subscribed["recovered"], "none");

        for n in 1..=100 {
            let published = alice.publish(channel, "NEW_MESSAGE", json!({"n": n})).await?;
            let place = json!({"stream": subscribed["stream"], "epoch": subscribed["epoch"], "offset": n,
                "level": "accepted"});
            assert_eq!(published, place);
        }
        let entries = bob.entries(100).await?;
        for (n, entry) in (1_u64..).zip(&entries) {
            assert_eq!(entry["offset"], n);
            assert_eq!(entry["data"], json!({"n": n}));
            assert_eq!((&entry["event"], &entry["from"]), (&json!("NEW_MESSAGE"), &json!("alice")));
            let at = entry["at"].as_u64().unwrap_or_default() / 1_000;
            assert!(at.abs_diff(token::seconds()?) < 60, "{entry}");
        }

        bob.done("unsubscribe", json!({"channel": channel}), "unsubscribed").await?;
        alice.publish(channel, "NEW_MESSAGE", json!(null)).await?;
        bob.quiet().await?;
        alice.quiet().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_publisher_that_is_subscribed_hears_itself() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let mut alice = Client::of(&daemon, "alice", Codec::Json).await?;
    alice.subscribe("messaging:self").await?;
    alice.publish("messaging:self", "E", json!("to me too")).await?;
    let entry = alice.expect("entry").await?;
    assert_eq!(entry["data"], "to me too");
    Ok(())
}

#[tokio::test]
async fn what_is_sent_to_a_user_comes_to_every_device() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let mut inboxes: Vec<Value> = Vec::new();
    let mut devices = Vec::new();
    for (codec, device) in [(Codec::Json, "phone"), (Codec::MessagePack, "laptop"), (Codec::Json, "tablet")] {
        let mut client = Client::open(&daemon, codec).await?;
        let body = json!({"token": token::of("bob")?, "device": device});
        inboxes.push(client.done("connect", body, "connected").await?["inbox"].take());
        devices.push(client);
    }
    assert!(inboxes.iter().all(|inbox| *inbox == inboxes[0]), "{inboxes:?}");

    let mut alice = Client::of(&daemon, "alice", Codec::MessagePack).await?;
    for n in 0..20 {
        let body = json!({"user": "bob", "namespace": "messaging", "event": "message:new", "data": {"n": n}});
        let sent = alice.done("send", body, "sent").await?;
        assert_eq!(sent, json!({"sessions": 3, "level": "accepted"}));
    }
    for device in &mut devices {
        let entries = device.entries(20).await?;
        for (n, entry) in entries.iter().enumerate() {
            assert_eq!(entry["data"], json!({"n": n}));
            assert_eq!((&entry["stream"], &entry["from"]), (&inboxes[0]["stream"], &json!("alice")));
        }
        device.quiet().await?;
    }
    alice.quiet().await?;

    drop(devices.pop());
    drop(devices.pop());
    let body = json!({"user": "nobody", "namespace": "messaging", "event": "E", "data": 1});
    assert_eq!(alice.done("send", body, "sent").await?["sessions"], 0);
    Ok(())
}

#[tokio::test]
async fn a_token_opens_what_it_names_and_nothing_else() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let claims = json!({"sub": "carol", "exp": token::seconds()? + 60,
        "subscribe": ["messaging:team-*"], "publish": ["messaging:team-a"], "send": ["dave"]});
    let mut carol = Client::open(&daemon, Codec::Json).await?;
    carol.done("connect", json!({"token": token::signed(&claims)?}), "connected").await?;
    carol.subscribe("messaging:team-a").await?;
    carol.subscribe("messaging:team-").await?;
    for channel in ["messaging:team", "messaging:TEAM-a", "realtime:team-a", "messaging:lobby"] {
        assert_eq!(carol.refused("subscribe", json!({"channel": channel})).await?, 2003, "{channel}");
    }
    carol.publish("messaging:team-a", "E", json!(1)).await?;
    let other = json!({"channel": "messaging:team-b", "event": "E", "data": 1});
    assert_eq!(carol.refused("publish", other).await?, 2003);
    let mut notice = json!({"user": "dave", "namespace": "messaging", "event": "E", "data": 1});
    carol.done("send", notice.clone(), "sent").await?;
    notice["user"] = json!("dave2");
    assert_eq!(carol.refused("send", notice).await?, 2003);
    // Only the host publishes here, whatever a token says.
    let mut alice = Client::of(&daemon, "alice", Codec::Json).await?;
    let reserved = json!({"channel": "notifications:alice", "event": "E", "data": 1});
    assert_eq!(alice.refused("publish", reserved).await?, 2003);
    Ok(())
}

#[tokio::test]
async fn a_command_that_fails_leaves_the_session_as_it_was() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    for codec in Codec::ALL {
        let mut alice = Client::open(&daemon, codec).await?;
        assert_eq!(alice.refused("subscribe", json!({"channel": "messaging:a"})).await?, 2002);
        alice.connect("alice").await?;
        assert_eq!(alice.refused("connect", json!({"token": token::of("bob")?})).await?, 2002);
        assert_eq!(alice.refused("subscribe", json!({"channel": "no namespace"})).await?, 2000);
        assert_eq!(alice.refused("fly", json!({})).await?, 2000);
        assert_eq!(alice.refused("call", json!({"method": "none", "data": {}})).await?, 2004);
        let large = json!({"channel": "messaging:a", "event": "E", "data": "x".repeat(40_000)});
        assert_eq!(alice.refused("publish", large).await?, 2007);
        let stored = json!({"channel": "messaging:a", "event": "E", "data": 1, "wait": "stored"});
        assert_eq!(alice.refused("publish", stored).await?, 2008);
        alice.subscribe("messaging:a").await?;
        assert_eq!(alice.refused("subscribe", json!({"channel": "messaging:a"})).await?, 2002);
        alice.publish("messaging:a", "E", json!("still here")).await?;
        let entry = alice.expect("entry").await?;
        ensure!(entry["data"] == "still here", "{entry}");
    }
    Ok(())
}

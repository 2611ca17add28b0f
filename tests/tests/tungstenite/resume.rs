//! Coming back from where one was.

use serde_json::{Value, json};
use tidings_e2e::client::Client;
use tidings_e2e::codec::Codec;
use tidings_e2e::daemon::Daemon;

const CHANNEL: &str = "messaging:resume";

async fn publish(client: &mut Client, numbers: std::ops::RangeInclusive<u64>) -> anyhow::Result<()> {
    for n in numbers {
        let published = client.publish(CHANNEL, "E", json!(n)).await?;
        assert_eq!(published["offset"], n);
    }
    Ok(())
}

fn offsets(entries: &[Value]) -> Vec<u64> {
    entries.iter().filter_map(|entry| entry["offset"].as_u64()).collect()
}

#[tokio::test]
async fn what_followed_the_position_comes_and_nothing_else() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    for codec in Codec::ALL {
        let mut alice = Client::of(&daemon, "alice", codec).await?;
        let mut bob = Client::of(&daemon, "bob", codec).await?;
        let subscribed = bob.subscribe(CHANNEL).await?;
        let first = subscribed["offset"].as_u64().unwrap_or_default();
        publish(&mut alice, first + 1..=first + 10).await?;
        let seen = bob.entries(10).await?;
        assert_eq!(offsets(&seen), (first + 1..=first + 10).collect::<Vec<_>>());
        drop(bob.into_stream());
        publish(&mut alice, first + 11..=first + 30).await?;

        let mut bob = Client::of(&daemon, "bob", codec).await?;
        let resumed = bob.resume(CHANNEL, &subscribed["epoch"], first + 10).await?;
        assert_eq!((&resumed["recovered"], &resumed["offset"]), (&json!("complete"), &json!(first + 30)));
        publish(&mut alice, first + 31..=first + 40).await?;
        let seen = bob.entries(30).await?;
        assert_eq!(offsets(&seen), (first + 11..=first + 40).collect::<Vec<_>>());

        // A position stays good when nothing happened since.
        let mut again = Client::of(&daemon, "bob", codec).await?;
        let resumed = again.resume(CHANNEL, &subscribed["epoch"], first + 40).await?;
        assert_eq!(resumed["recovered"], "complete");
        again.quiet().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_the_history_no_longer_has_is_told_as_a_gap() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let mut alice = Client::of(&daemon, "alice", Codec::MessagePack).await?;
    let epoch = alice.subscribe(CHANNEL).await?["epoch"].take();
    alice.done("unsubscribe", json!({"channel": CHANNEL}), "unsubscribed").await?;
    publish(&mut alice, 1..=1_200).await?;
    for codec in Codec::ALL {
        let mut bob = Client::of(&daemon, "bob", codec).await?;
        let resumed = bob.resume(CHANNEL, &epoch, 50).await?;
        assert_eq!(resumed["recovered"], "gap");
        let gap = bob.expect("gap").await?;
        assert_eq!(gap, json!({"stream": resumed["stream"], "from": 51, "to": 200, "reason": "expired"}));
        assert_eq!(offsets(&bob.entries(1_000).await?), (201..=1_200).collect::<Vec<_>>());
        bob.quiet().await?;

        let mut carol = Client::of(&daemon, "carol", codec).await?;
        let resumed = carol.resume(CHANNEL, &epoch, 5_000).await?;
        assert_eq!(resumed["recovered"], "gap");
        assert_eq!(carol.expect("gap").await?["reason"], "future");
    }
    Ok(())
}

#[tokio::test]
async fn after_a_restart_a_gap_tells_that_the_epoch_is_another() -> anyhow::Result<()> {
    for codec in Codec::ALL {
        let daemon = Daemon::start()?;
        let mut alice = Client::of(&daemon, "alice", codec).await?;
        let before = alice.subscribe(CHANNEL).await?;
        publish(&mut alice, 1..=5).await?;
        alice.entries(5).await?;
        drop(daemon);
        assert!(alice.frame().await.is_err(), "the server was killed");

        let daemon = Daemon::start()?;
        let mut bob = Client::of(&daemon, "bob", codec).await?;
        publish(&mut bob, 1..=3).await?;
        let mut alice = Client::of(&daemon, "alice", codec).await?;
        let resumed = alice.resume(CHANNEL, &before["epoch"], 5).await?;
        assert_eq!(resumed["recovered"], "gap");
        assert_ne!(resumed["epoch"], before["epoch"]);
        let gap = alice.expect("gap").await?;
        assert_eq!((&gap["reason"], &gap["stream"]), (&json!("epoch"), &resumed["stream"]));
        let from = gap["to"].as_u64().unwrap_or_default() + 1;
        publish(&mut bob, 4..=6).await?;
        let entries = alice.entries(usize::try_from(7 - from)?).await?;
        assert_eq!(offsets(&entries), (from..=6).collect::<Vec<_>>());
        alice.quiet().await?;
    }
    Ok(())
}

//! What the host sees of channels, inboxes and sessions, and that looking changes nothing.

mod common;

use common::store::{Bench, durable, engine_on};
use common::{answer, config, connect, connect_with, data, engine, entries, eventually, subscribe};
use std::time::Duration;
use tidings::error::ErrorKind;
use tidings::inspect::{Begin, Epoch, GapReason, History, Missing, Position};
use tidings::message::Message;
use tidings::{Engine, Level};
use tidings_proto::id::SessionId;

const LOBBY: &str = "messaging:lobby";
const CHAT: &str = "chat:lobby";

async fn publish(engine: &Engine, channel: &str, texts: std::ops::RangeInclusive<u64>) {
    for text in texts {
        engine.publish(channel, "E", &data(&text.to_string())).unwrap();
    }
    if channel == LOBBY {
        let at = engine.publish_stored(LOBBY, &Message::new("E", &data("barrier"))).await.unwrap();
        assert_eq!(at.level, Level::Stored);
    }
}

fn offsets(history: &History) -> Vec<u64> {
    history.entries.iter().map(|entry| entry.offset).collect()
}

#[tokio::test]
async fn a_channel_s_past_is_paged_through_from_disk_and_from_memory_alike() {
    for channel in [LOBBY, CHAT] {
        let engine = engine_on(durable(), &Bench::new());
        let last = if channel == LOBBY { 24 } else { 25 };
        publish(&engine, channel, 1..=last).await;
        let newest = engine.history(channel, Begin::Newest, 10).await.unwrap();
        assert_eq!(offsets(&newest), (16..=25).collect::<Vec<_>>(), "{channel}");
        assert_eq!((newest.from, newest.first, newest.next), (16, 1, newest.position));
        let older = engine.history(channel, Begin::Before(newest.from), 10).await.unwrap();
        assert_eq!(offsets(&older), (6..=15).collect::<Vec<_>>());
        let oldest = engine.history(channel, Begin::Before(older.from), 10).await.unwrap();
        assert_eq!((offsets(&oldest), oldest.from), ((1..=5).collect(), 1));
        // Forward, each from where the one before it ended.
        let epoch = newest.position.unwrap().epoch;
        let mut at = Position { epoch, offset: 0 };
        let mut all = Vec::new();
        loop {
            let page = engine.history(channel, Begin::Since(at), 10).await.unwrap();
            assert_eq!(page.missing, []);
            all.extend(offsets(&page));
            at = page.next.unwrap();
            if page.entries.is_empty() {
                break;
            }
        }
        assert_eq!(all, (1..=25).collect::<Vec<_>>());
        let other = Begin::Since(Position { epoch: Epoch(1), offset: 3 });
        let page = engine.history(channel, other, 100).await.unwrap();
        assert_eq!(page.missing, [Missing { from: 1, to: 0, reason: GapReason::Epoch }]);
        assert_eq!(page.entries.len(), 25);
        assert_eq!(engine.history(channel, Begin::Behind(99), 1).await.unwrap().missing[0].reason, GapReason::Future);
    }
}

#[tokio::test]
async fn large_entries_come_in_smaller_pages_and_one_at_least() {
    let mut config = durable();
    config.limits.message_bytes_max = 2_000_000;
    config.namespaces.get_mut("messaging").unwrap().data_bytes_max = 120_000;
    config.namespaces.get_mut("chat").unwrap().data_bytes_max = 2_000_000;
    config.namespaces.get_mut("chat").unwrap().history_bytes_max = 20_000_000;
    config.namespaces.get_mut("chat").unwrap().queue_sends = false;
    let engine = engine_on(config, &Bench::new());
    for (channel, bytes) in [(LOBBY, 115_000), (CHAT, 1_500_000)] {
        for _ in 0..11 {
            engine.publish(channel, "E", &data(&"x".repeat(bytes))).unwrap();
        }
        publish(&engine, channel, 12..=12).await;
        for back in [true, false] {
            let (mut seen, mut pages, mut at) = (Vec::new(), 0, if back { u64::MAX } else { 0 });
            loop {
                let begin = if back { Begin::Before(at) } else { Begin::Behind(at) };
                let page = engine.history(channel, begin, 1_000).await.unwrap();
                if page.entries.is_empty() {
                    break;
                }
                assert_eq!(page.missing, []);
                pages += 1;
                seen.extend(offsets(&page));
                at = if back { page.from } else { page.next.unwrap().offset };
            }
            seen.sort_unstable();
            assert_eq!(seen, (1..=seen.len() as u64).collect::<Vec<_>>(), "{channel} {back}");
            assert!(seen.len() >= 12 && pages >= 2, "{channel} {back}: {pages} pages of {}", seen.len());
        }
    }
}

#[tokio::test]
async fn to_look_takes_no_place_and_what_nobody_knows_is_empty() {
    let mut config = durable();
    config.limits.channels_max = 1;
    let engine = engine_on(config, &Bench::new());
    for number in 0..10 {
        for namespace in ["messaging", "chat"] {
            let channel = format!("{namespace}:{number}");
            let seen = engine.channel(&channel).await.unwrap();
            assert_eq!((seen.members, seen.first), (0, 1));
            assert_eq!(seen.position.map(|position| position.offset), (namespace == "messaging").then_some(0));
            let begin = Begin::Since(Position { epoch: Epoch(1), offset: 3 });
            let page = engine.history(&channel, begin, 10).await.unwrap();
            assert_eq!((page.entries.len(), page.missing[0].reason), (0, GapReason::Epoch));
        }
        engine.inbox(&number.to_string()).await.unwrap();
    }
    assert_eq!((engine.stats().channels, engine.stats().users), (0, 0));
    // The epoch that was told of a channel in which nothing has happened yet is the one that it begins with.
    let told = engine.channel(LOBBY).await.unwrap().position.unwrap();
    publish(&engine, LOBBY, 1..=1).await;
    assert_eq!(engine.channel(LOBBY).await.unwrap().position.unwrap(), Position { offset: 2, ..told });
    for name in ["lobby", "none:lobby", "messaging:*"] {
        assert_eq!(engine.channel(name).await.unwrap_err().kind(), ErrorKind::Input, "{name}");
        assert_eq!(engine.history(name, Begin::Newest, 1).await.unwrap_err().kind(), ErrorKind::Input);
    }
    assert_eq!(engine.inbox("").await.unwrap_err().kind(), ErrorKind::Input);
}

#[tokio::test]
async fn what_is_not_stored_is_in_no_history() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    publish(&engine, LOBBY, 1..=2).await;
    bench.hold_syncs();
    engine.publish(LOBBY, "E", &data("unstored")).unwrap();
    eventually("the sync has begun", || bench.is_syncing()).await;
    let page = engine.history(LOBBY, Begin::Newest, 10).await.unwrap();
    assert_eq!((offsets(&page), engine.channel(LOBBY).await.unwrap().position), (vec![1, 2, 3], page.position));
    bench.release_syncs();
    publish(&engine, LOBBY, 4..=4).await;
    assert_eq!(engine.history(LOBBY, Begin::Newest, 10).await.unwrap().entries.len(), 6);
    // A disk that cannot be read is no empty history.
    bench.fail_opens(true);
    bench.fail_reads(true);
    assert_eq!(engine.history(LOBBY, Begin::Newest, 10).await.unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(engine.inbox("nobody").await.unwrap_err().kind(), ErrorKind::Store);
    bench.fail_opens(false);
    bench.fail_reads(false);
    eventually("the store is open again", || engine.is_storing()).await;
    assert_eq!(engine.history(LOBBY, Begin::Newest, 10).await.unwrap().entries.len(), 6);
}

#[tokio::test]
async fn what_the_history_keeps_no_longer_is_told() {
    let mut config = durable();
    config.namespaces.get_mut("messaging").unwrap().stored.entries_max = 5;
    config.namespaces.get_mut("chat").unwrap().history_entries_max = 5;
    let engine = engine_on(config, &Bench::new());
    for channel in [LOBBY, CHAT] {
        publish(&engine, channel, 1..=20).await;
        let last = engine.channel(channel).await.unwrap().position.unwrap().offset;
        let first = || async { engine.channel(channel).await.unwrap().first };
        while first().await != last - 4 {
            tokio::task::yield_now().await;
        }
        let page = engine.history(channel, Begin::Behind(3), 100).await.unwrap();
        assert_eq!(page.missing, [Missing { from: 4, to: last - 5, reason: GapReason::Expired }], "{channel}");
        assert_eq!(offsets(&page), (last - 4..=last).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_inbox_tells_what_waits_for_whom() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    let none = engine.inbox("alice").await.unwrap();
    assert_eq!((none.depth, none.bytes, none.oldest, none.devices.len()), (0, 0, None, 0));
    for text in ["one", "two", "three"] {
        engine.send_stored("alice", &Message::new("E", &data(text))).await.unwrap();
    }
    let all = engine.inbox("alice").await.unwrap();
    assert_eq!((all.depth, all.oldest.map(|(offset, _)| offset), all.position.unwrap().offset), (3, Some(1), 3));
    let (phone, told) = connect_with(&engine, "alice", r#","device":"phone""#).await;
    entries(&phone, 3).await;
    let stream = &told["connected"]["inbox"]["stream"];
    phone.send(&format!(r#"{{"ack":{{"stream":{stream},"offset":2}}}}{}{{"id":7,"ping":{{}}}}"#, '\n'));
    answer(&phone, 7).await;
    let rest = engine.inbox("alice").await.unwrap();
    assert_eq!((rest.depth, rest.oldest.map(|(offset, _)| offset)), (1, Some(3)));
    assert!(rest.bytes > 0 && rest.bytes < all.bytes, "{rest:?}");
    assert_eq!((&*rest.devices[0].name, rest.devices[0].delivered, rest.devices[0].read), ("phone", 2, 0));
    // The same where the inbox is on disk alone.
    drop(phone);
    engine.shutdown(Duration::from_secs(5)).await;
    let again = engine_on(durable(), &bench);
    let on_disk = again.inbox("alice").await.unwrap();
    assert_eq!((on_disk.depth, on_disk.bytes, on_disk.oldest), (rest.depth, rest.bytes, rest.oldest));
    assert_eq!((on_disk.devices[0].delivered, again.stats().users), (2, 0));
}

#[tokio::test]
async fn without_a_store_nothing_waits() {
    let engine = engine(config());
    let _phone = connect(&engine, "alice").await;
    engine.send("alice", &Message::new("E", &data("1"))).unwrap();
    let inbox = engine.inbox("alice").await.unwrap();
    assert_eq!((inbox.depth, inbox.position.unwrap().offset), (0, 1));
}

#[tokio::test]
async fn sessions_are_seen_connected_and_parked() {
    let engine = engine(config());
    let (phone, told) = connect_with(&engine, "alice", r#","device":"phone""#).await;
    let session: SessionId = told["connected"]["session"].as_str().unwrap().parse().unwrap();
    let desk = connect(&engine, "alice").await;
    subscribe(&phone, LOBBY).await;
    let view = engine.session(session).unwrap();
    assert_eq!((&*view.user, view.device.as_deref(), view.connected), ("alice", Some("phone"), true));
    assert_eq!(*view.channels, [LOBBY.into()]);
    assert_eq!((engine.sessions("alice").len(), engine.sessions("bob").len()), (2, 0));
    drop(phone);
    eventually("it is parked", || engine.stats().parked == 1).await;
    let view = engine.session(session).unwrap();
    assert_eq!((view.connected, view.device.as_deref(), view.channels.len()), (false, None, 1));
    let states: Vec<_> = engine.sessions("alice").iter().map(|view| view.connected).collect();
    assert_eq!(states.iter().filter(|connected| **connected).count(), 1, "{states:?}");
    assert_eq!(states.len(), 2);
    drop(desk);
    assert!(engine.session(SessionId(1)).is_none());
}

#[tokio::test]
async fn what_is_sent_follows_the_namespace_that_it_names() {
    let mut config = durable();
    config.namespaces.get_mut("realtime").unwrap().queue_sends = false;
    config.namespaces.get_mut("chat").unwrap().data_bytes_max = 10;
    let engine = engine_on(config, &Bench::new());
    let text = data("longer than ten bytes");
    let message = Message::new("E", &text);
    let kind = |namespace| engine.send("alice", &message.namespace(namespace)).unwrap_err().kind();
    assert_eq!((kind("chat"), kind("none")), (ErrorKind::TooLarge, ErrorKind::Input));
    engine.send("alice", &message.namespace("realtime")).unwrap();
    assert_eq!(engine.inbox("alice").await.unwrap().depth, 0);
    let error = engine.send_stored("alice", &message.namespace("realtime")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input);
    let sent = engine.send_stored("alice", &message.namespace("messaging")).await.unwrap();
    assert_eq!((sent.level, engine.inbox("alice").await.unwrap().depth), (Level::Stored, 1));
    let many = engine.send_to_each_stored(&["alice", "bob", "carol"], &message).await.unwrap();
    assert_eq!((many.sent, many.full.len(), engine.inbox("carol").await.unwrap().depth), (3, 0, 1));
    engine.send_to_each(&["alice", "bob"], &message.namespace("realtime")).unwrap();
    assert_eq!(engine.inbox("bob").await.unwrap().depth, 1);
}

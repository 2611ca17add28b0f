//! What a client sees of the past: pages from memory and from the disk, by right, and never more than its connection has
//! room for.

mod common;

use common::store::{Bench, durable, engine_on};
use common::{Frame, STORED, answer, config, connect, data, engine, eventually, next, publish, subscribe};
use serde_json::json;
use tidings::local::Local;
use tidings::message::Message;
use tidings::{Data, Engine};

const LOBBY: &str = "messaging:lobby";
const CHAT: &str = "chat:lobby";

async fn ask(local: &Local, body: Frame) -> Frame {
    local.send(&json!({ "id": 70, "history": body }).to_string());
    answer(local, 70).await
}

async fn history(local: &Local, body: Frame) -> Frame {
    let mut answer = ask(local, body).await;
    assert!(answer["history"].is_object(), "{answer}");
    answer["history"].take()
}

fn offsets(history: &Frame) -> Vec<u64> {
    history["entries"].as_array().unwrap().iter().map(|entry| entry["offset"].as_u64().unwrap()).collect()
}

fn at(history: &Frame, edge: &str) -> Frame {
    json!({ "epoch": history["epoch"], "offset": history[edge] })
}

/// Publishes so many, and waits until all are stored.
async fn fill(engine: &Engine, channel: &str, count: u64) {
    for text in 1..=count {
        engine.publish(channel, "E", &data(&text.to_string())).unwrap();
    }
    eventually("all are shown", || engine.stats().published >= count).await;
    if channel == LOBBY {
        engine.publish_stored(LOBBY, &Message::new("LAST", &data("last"))).await.unwrap();
    }
}

#[tokio::test]
async fn pages_meet_without_hole_and_overlap_from_disk_and_from_memory() {
    for channel in [LOBBY, CHAT] {
        let engine = engine_on(durable(), &Bench::new());
        let last = if channel == LOBBY { 24 } else { 25 };
        fill(&engine, channel, last).await;
        let alice = connect(&engine, "alice").await;
        let newest = history(&alice, json!({ "channel": channel, "limit": 10 })).await;
        assert_eq!(offsets(&newest), (16..=25).collect::<Vec<_>>(), "{channel}");
        assert_eq!(newest["channel"], channel);
        assert_eq!(
            [&newest["offset"], &newest["first"], &newest["from"], &newest["to"], &newest["more"]],
            [&json!(25), &json!(1), &json!(16), &json!(25), &json!(true)]
        );
        let first = &newest["entries"][0];
        assert_eq!((&first["event"], &first["data"]), (&json!("E"), &json!("16")));
        assert!(first["at"].is_u64() && first["stream"].is_null() && first["from"].is_null(), "{first}");
        // Back to the beginning.
        let (mut page, mut all) = (newest, Vec::new());
        loop {
            all.splice(..0, offsets(&page));
            if page["more"] == false {
                break;
            }
            page = history(&alice, json!({ "channel": channel, "limit": 10, "before": at(&page, "from") })).await;
        }
        assert_eq!(all, (1..=25).collect::<Vec<_>>());
        // And forward.
        let mut position = json!({ "epoch": page["epoch"], "offset": 0 });
        all.clear();
        loop {
            let page = history(&alice, json!({ "channel": channel, "limit": 7, "since": position })).await;
            assert!(page["gaps"].is_null(), "{page}");
            all.extend(offsets(&page));
            position = at(&page, "to");
            if page["more"] == false {
                break;
            }
        }
        assert_eq!(all, (1..=25).collect::<Vec<_>>());
        let rest = history(&alice, json!({ "channel": channel, "since": position })).await;
        assert_eq!((offsets(&rest), &rest["from"], &rest["more"]), (vec![], &json!(26), &json!(false)));
    }
}

#[tokio::test]
async fn what_is_gone_is_told_with_its_reason() {
    let mut config = durable();
    config.namespaces.get_mut("chat").unwrap().history_entries_max = 4;
    let engine = engine_on(config, &Bench::new());
    fill(&engine, CHAT, 10).await;
    let alice = connect(&engine, "alice").await;
    let newest = history(&alice, json!({ "channel": CHAT })).await;
    assert_eq!((offsets(&newest), &newest["first"]), (vec![7, 8, 9, 10], &json!(7)));
    let epoch = &newest["epoch"];
    let other = "00000000000000ff";
    for (body, expected, gap) in [
        (json!({ "since": { "epoch": epoch, "offset": 2 } }), vec![7, 8, 9, 10], json!([3, 6, "expired"])),
        (json!({ "since": { "epoch": other, "offset": 2 } }), vec![7, 8, 9, 10], json!([1, 6, "epoch"])),
        (json!({ "since": { "epoch": epoch, "offset": 99 } }), vec![7, 8, 9, 10], json!([7, 6, "future"])),
        (json!({ "before": { "epoch": other, "offset": 9 } }), vec![], json!([1, 0, "epoch"])),
    ] {
        let mut asked = json!({ "channel": CHAT });
        asked.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let page = history(&alice, asked).await;
        let told = &page["gaps"][0];
        assert_eq!((offsets(&page), json!([told["from"], told["to"], told["reason"]])), (expected, gap), "{body}");
    }
    // Of a channel that nobody has used nothing is known, and it is not made for the look.
    let none = history(&alice, json!({ "channel": "chat:none" })).await;
    assert!(none["epoch"].is_null() && none["gaps"].is_null() && none["more"] == false, "{none}");
    let lost = history(&alice, json!({ "channel": "chat:none", "since": { "epoch": other, "offset": 3 } })).await;
    assert_eq!(lost["gaps"], json!([{ "from": 1, "to": 0, "reason": "epoch" }]));
    assert_eq!(engine.stats().channels, 1);
}

#[tokio::test]
async fn one_s_own_inbox_is_seen_whoever_has_acknowledged_what() {
    let engine = engine_on(durable(), &Bench::new());
    let alice = connect(&engine, "alice").await;
    for text in ["1", "2", "3"] {
        alice.send(&format!(
            r#"{{"id":5,"send":{{"user":"bob","namespace":"messaging","event":"E","data":"{text}"{STORED}}}}}"#
        ));
        assert_eq!(answer(&alice, 5).await["sent"]["level"], "stored");
    }
    let bob = connect(&engine, "bob").await;
    let page = history(&bob, json!({ "inbox": true, "limit": 2 })).await;
    assert_eq!((offsets(&page), &page["inbox"], &page["more"]), (vec![2, 3], &json!(true), &json!(true)));
    assert_eq!((&page["channel"], &page["entries"][0]["from"]), (&Frame::Null, &json!("alice")));
    let own = history(&alice, json!({ "inbox": true })).await;
    assert_eq!(offsets(&own), [0_u64; 0]);
    // Without a store an inbox keeps nothing.
    let engine = common::engine(config());
    let bob = connect(&engine, "bob").await;
    engine.send("bob", &Message::new("E", &data("x"))).unwrap();
    let page = history(&bob, json!({ "inbox": true })).await;
    assert_eq!((offsets(&page), &page["offset"], &page["first"]), (vec![], &json!(1), &json!(2)));
}

#[tokio::test]
async fn the_rights_are_those_of_subscribing() {
    let engine = engine(config());
    let guest = connect(&engine, "guest").await;
    assert_eq!(ask(&guest, json!({ "channel": "messaging:shut" })).await["error"]["name"], "forbidden");
    assert_eq!(history(&guest, json!({ "channel": "messaging:x:open" })).await["entries"], json!([]));
    assert_eq!(ask(&guest, json!({ "channel": "nowhere:a" })).await["error"]["name"], "bad_request");
    // What is told of a channel without the right is the same whether it exists or not.
    fill(&engine, "messaging:full", 3).await;
    let [one, two] = ["messaging:full", "messaging:empty"].map(|channel| json!({ "channel": channel }));
    assert_eq!(ask(&guest, one).await, ask(&guest, two).await);
}

#[tokio::test]
async fn each_counts_as_a_message() {
    let mut config = durable();
    config.limits.messages_per_minute = 5;
    let engine = engine_on(config, &Bench::new());
    let alice = connect(&engine, "alice").await;
    for channel in [CHAT, LOBBY, CHAT, LOBBY, CHAT] {
        history(&alice, json!({ "channel": channel })).await;
    }
    let refused = ask(&alice, json!({ "channel": LOBBY })).await;
    assert_eq!(refused["error"]["name"], "rate_limited");
    assert!(refused["error"]["retry_after_ms"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn an_answer_has_its_most_and_one_entry_at_least() {
    for channel in [LOBBY, CHAT] {
        let mut config = durable();
        config.limits.history_page_bytes_max = 10_000;
        config.limits.history_page_entries_max = 12;
        let engine = engine_on(config, &Bench::new());
        let alice = connect(&engine, "alice").await;
        for at in 0..40 {
            let text = "x".repeat(if at < 20 { 1_000 } else { 20_000 });
            alice.send(&publish(9, channel, &text, if channel == LOBBY { STORED } else { "" }));
            assert!(answer(&alice, 9).await["published"].is_object());
        }
        let newest = history(&alice, json!({ "channel": channel, "limit": 1_000 })).await;
        assert_eq!(offsets(&newest), [40], "{channel}: larger than a page, so alone");
        let epoch = &newest["epoch"];
        let since = |offset: u64| json!({ "channel": channel, "since": { "epoch": epoch, "offset": offset } });
        let small = history(&alice, since(0)).await;
        let count = offsets(&small).len();
        assert!((8..=9).contains(&count), "{channel}: {count} of about 1,070 bytes each");
        assert!(small["entries"].to_string().len() <= 10_000 + 12, "{channel}");
        let small = history(&alice, json!({ "channel": channel, "before": { "epoch": epoch, "offset": 21 } })).await;
        assert_eq!(offsets(&small).last(), Some(&20));
        // Where sizes differ, the newest that fit are found by halves.
        assert!((4..=9).contains(&offsets(&small).len()), "{channel}: {small}");
    }
    let mut config = config();
    config.limits.history_page_entries_max = 12;
    let engine = engine(config);
    fill(&engine, "messaging:a", 30).await;
    let alice = connect(&engine, "alice").await;
    assert_eq!(offsets(&history(&alice, json!({ "channel": "messaging:a", "limit": 1_000 })).await).len(), 12);
}

/// A value whose JSON is five times its MessagePack.
fn nothings(count: usize) -> Vec<u8> {
    let mut packed = vec![0xdc];
    packed.extend_from_slice(&u16::try_from(count).unwrap().to_be_bytes());
    packed.resize(3 + count, 0xc0);
    packed
}

#[tokio::test]
async fn an_answer_is_measured_as_it_is_written() {
    let mut config = durable();
    config.limits.history_page_bytes_max = 20_000;
    let engine = engine_on(config, &Bench::new());
    let alice = connect(&engine, "alice").await;
    for _ in 0..8 {
        let mut frame = vec![0x82, 0xa2, b'i', b'd', 0x09, 0xa7];
        frame.extend_from_slice(b"publish");
        frame.extend_from_slice(&[0x83, 0xa7]);
        frame.extend_from_slice(b"channel");
        frame.push(0xaa);
        frame.extend_from_slice(CHAT.as_bytes());
        frame.extend_from_slice(&[0xa5]);
        frame.extend_from_slice(b"event");
        frame.extend_from_slice(&[0xa1, b'E', 0xa4]);
        frame.extend_from_slice(b"data");
        frame.extend_from_slice(&nothings(1_500));
        alice.port().batch().message(tidings::Codec::Msgpack, &frame);
        assert!(answer(&alice, 9).await["published"].is_object());
    }
    // All eight are 12,000 bytes; in JSON each is 7,500.
    let page = history(&alice, json!({ "channel": CHAT })).await;
    assert_eq!((offsets(&page), &page["more"]), (vec![7, 8], &json!(true)));
}

#[tokio::test]
async fn who_does_not_read_is_told_to_and_loses_nothing() {
    for channel in [LOBBY, CHAT] {
        let mut config = durable();
        config.limits.outbox_bytes_max = 64 * 1024;
        config.limits.history_page_bytes_max = 32 * 1024;
        config.limits.history_waiting_max = 3;
        let bench = Bench::new();
        let engine = engine_on(config, &bench);
        let big = Data::new(&"x".repeat(8_000)).unwrap();
        for _ in 0..20 {
            engine.publish(channel, "E", &big).unwrap();
        }
        if channel == LOBBY {
            engine.publish_stored(LOBBY, &Message::new("E", &big)).await.unwrap();
        }
        let alice = connect(&engine, "alice").await;
        // Nothing is read meanwhile: the pipe and the outbox fill.
        for id in 100..160 {
            alice.send(&format!(r#"{{"id":{id},"history":{{"channel":"{channel}"}}}}"#));
        }
        let (mut pages, mut busy) = (0, 0);
        for _ in 100..160 {
            let frame = next(&alice).await;
            if frame["history"].is_object() {
                assert!((3..=4).contains(&offsets(&frame["history"]).len()));
                pages += 1;
            } else {
                let error = &frame["error"];
                assert_eq!((&error["name"], &error["retry"]), (&json!("busy"), &json!(true)), "{frame}");
                assert!(error["retry_after_ms"].as_u64().unwrap() > 0);
                busy += 1;
            }
        }
        assert!(pages >= 1 && busy > 10, "{channel}: {pages} pages, {busy} refused");
        let again = history(&alice, json!({ "channel": channel, "limit": 1 })).await;
        assert_eq!(offsets(&again).len(), 1, "the session goes on");
    }
}

#[tokio::test]
async fn a_disk_that_cannot_be_read_is_an_error_and_no_end() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    fill(&engine, LOBBY, 5).await;
    let alice = connect(&engine, "alice").await;
    bench.fail_opens(true);
    bench.fail_reads(true);
    let failed = ask(&alice, json!({ "channel": LOBBY })).await;
    assert_eq!((&failed["error"]["name"], &failed["error"]["retry"]), (&json!("unavailable"), &json!(true)));
    bench.fail_reads(false);
    bench.fail_opens(false);
    let begun = std::time::Instant::now();
    loop {
        let answer = ask(&alice, json!({ "channel": LOBBY })).await;
        if answer["history"].is_object() {
            assert_eq!(offsets(&answer["history"]), [1, 2, 3, 4, 5, 6]);
            break;
        }
        assert_eq!(answer["error"]["name"], "unavailable");
        assert!(begun.elapsed().as_secs() < 10, "the store opens again");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_is_on_its_way_to_the_disk_is_in_no_history() {
    let bench = Bench::new();
    let engine = engine_on(durable(), &bench);
    fill(&engine, LOBBY, 2).await;
    let alice = connect(&engine, "alice").await;
    subscribe(&alice, LOBBY).await;
    bench.hold_syncs();
    alice.send(&publish(9, LOBBY, "4", ""));
    assert_eq!(answer(&alice, 9).await["published"]["offset"], 4);
    eventually("it waits for its barrier", || bench.is_syncing()).await;
    let page = history(&alice, json!({ "channel": LOBBY })).await;
    assert_eq!((offsets(&page), &page["offset"]), (vec![1, 2, 3], &json!(3)));
    bench.release_syncs();
    assert_eq!(next(&alice).await["entry"]["offset"], 4);
    let page = history(&alice, json!({ "channel": LOBBY })).await;
    assert_eq!(offsets(&page), [1, 2, 3, 4]);
}

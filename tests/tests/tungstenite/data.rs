//! The two codecs carry the same.

use serde_json::{Value, json};
use tidings_e2e::client::Client;
use tidings_e2e::codec::Codec;
use tidings_e2e::daemon::Daemon;

/// Values that both codecs have.
fn values() -> Vec<Value> {
    let mut deep = json!("bottom");
    for _ in 0..60 {
        deep = json!([deep]);
    }
    vec![
        json!(null),
        json!(true),
        json!({}),
        json!([]),
        json!(""),
        json!("grüße, 世界, 🦀, \u{0}\u{1f}\u{7f}\u{2028}, \"quoted\\\", </script>"),
        json!([0, 1, -1, 127, 128, -32, -33, 255, 256, 65_535, 65_536, 4_294_967_295_u64, 4_294_967_296_u64]),
        json!([u64::MAX, i64::MIN, i64::MAX, 9_007_199_254_740_993_u64]),
        json!([1.0, -1.0, 0.1, 1e300, -1e-300, 5e-324, 1.797_693_134_862_315_7e308]),
        json!({"z": 1, "a": {"": [{"k": null}]}, "ключ": "значение", "\"": "\n"}),
        json!("x".repeat(30_000)),
        json!((0..2_000).collect::<Vec<_>>()),
        deep,
    ]
}

#[tokio::test]
async fn both_codecs_hear_the_same_whoever_publishes() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    for codec in Codec::ALL {
        let channel = format!("messaging:{}", codec.subprotocol());
        let mut publisher = Client::of(&daemon, "alice", codec).await?;
        let mut json = Client::of(&daemon, "bob", Codec::Json).await?;
        let mut msgpack = Client::of(&daemon, "carol", Codec::MessagePack).await?;
        assert_eq!(json.subscribe(&channel).await?, msgpack.subscribe(&channel).await?);
        for value in values() {
            publisher.publish(&channel, "E", value.clone()).await?;
            let one = json.expect("entry").await?;
            let other = msgpack.expect("entry").await?;
            assert_eq!(one["data"], value);
            assert_eq!(one, other);
        }
        // From the history as well.
        let mut late =
            [Client::of(&daemon, "dave", Codec::Json).await?, Client::of(&daemon, "eve", Codec::MessagePack).await?];
        let epoch = publisher.subscribe(&channel).await?["epoch"].take();
        for late in &mut late {
            late.resume(&channel, &epoch, 0).await?;
            let entries = late.entries(values().len()).await?;
            let data: Vec<_> = entries.into_iter().map(|mut entry| entry["data"].take()).collect();
            assert_eq!(data, values());
        }
    }
    Ok(())
}

#[tokio::test]
async fn data_that_one_codec_lacks_is_refused() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let mut alice = Client::of(&daemon, "alice", Codec::Json).await?;
    alice.subscribe("messaging:data").await?;
    for data in ["1e999", r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, r#""\ud800""#, &"[".repeat(65)] {
        let closed = format!("{data}{}", "]".repeat(data.chars().filter(|one| *one == '[').count()));
        let frame = format!(r#"{{"id":77,"publish":{{"channel":"messaging:data","event":"E","data":{closed}}}}}"#);
        alice.send_raw(frame.into()).await?;
        let answer = alice.frame().await?;
        assert_eq!(answer["error"]["code"], 2000, "{data}: {answer}");
    }
    alice.quiet().await
}

//! The HTTP API as a host mounts it, on a store that fails when it is told to.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use serde_json::{Value, json};
use std::sync::Arc;
use tidings::{
    Engine,
    config::{Config, OverflowName},
    host::{Admission, ConnectAsk, Denial, Host},
};
use tidings_store::{faulty::FaultyStore, memory::MemoryStore, store::Store};
use tidings_transports::{Api, ApiKey, ApiKeys, ApiLimits, Origins};

const KEY: &str = "a-key-of-at-least-thirty-two-bytes";

struct Names;

impl Host for Names {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        Ok(Admission::new(ask.token))
    }
}

struct Bench {
    engine: Engine,
    store: Arc<FaultyStore<MemoryStore>>,
    api: Api,
}

fn bench(change: impl FnOnce(&mut Config), limits: ApiLimits) -> Bench {
    let store = Arc::new(FaultyStore::new(MemoryStore::default()));
    let mut config = Config::stored("unused");
    config.store.path = None;
    change(&mut config);
    let opened = Arc::clone(&store);
    let engine = Engine::start_with_store(config, Names, move || {
        opened.reopen();
        Ok(Arc::clone(&opened) as Arc<dyn Store>)
    });
    let engine = engine.unwrap();
    let keys: ApiKeys = [ApiKey::new("test", KEY.as_bytes()).unwrap()].into_iter().collect();
    let api = Api::new(engine.clone(), keys, Origins::default(), limits);
    Bench { engine, store, api }
}

impl Bench {
    async fn post(&self, path: &str, body: &Value) -> (u16, Value, bool) {
        let request = Request::post(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {KEY}"))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        let answer = self.api.handle(request).await;
        let (status, retry) = (answer.status().as_u16(), answer.headers().contains_key("retry-after"));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap(), retry)
    }
}

fn stored(data: &Value) -> Value {
    json!({"channel": "messaging:a", "event": "E", "data": data, "wait": "stored", "idempotency_key": data.to_string()})
}

#[tokio::test]
async fn stored_is_unavailable_when_the_store_fails_and_can_be_tried_again() {
    let bench = bench(|_| {}, ApiLimits::default());
    assert_eq!(bench.post("/publish", &stored(&json!(1))).await.0, 200);
    bench.store.fail_next_sync();
    let (status, body, retry) = bench.post("/publish", &stored(&json!(2))).await;
    assert_eq!((status, &body["error"]["name"], retry), (503, &json!("unavailable"), true), "{body}");
    bench.store.fail_next_sync();
    let batch = json!({"publications": [stored(&json!(3)), {"channel": "realtime:a", "event": "E"}]});
    let mut tries = 0;
    let results = loop {
        // The store opens afresh by itself.
        let (status, body, _) = bench.post("/publish/batch", &batch).await;
        assert_eq!(status, 200);
        tries += 1;
        if body["results"][0]["published"].is_object() {
            break body;
        }
        assert_eq!(body["results"][0]["error"]["name"], "unavailable", "{body}");
        assert!(body["results"][1]["published"].is_object() && tries < 10_000, "{body}");
        tokio::task::yield_now().await;
    };
    assert!(tries > 1, "{results}");
    let users = json!({"users": ["alice", "bob"], "event": "E", "wait": "stored"});
    bench.store.fail_next_sync();
    assert_eq!(bench.post("/send", &users).await.0, 503);
}

#[tokio::test]
async fn limits_are_told_by_name() {
    let mut limits = ApiLimits::default();
    (limits.batch_max, limits.users_max, limits.body_bytes_max) = (1, 2, 500);
    let bench = bench(
        |config| {
            config.store.inbox.entries_max = 1;
            config.store.inbox.overflow = OverflowName::Refuse;
        },
        limits,
    );
    let one = json!({"channel": "messaging:a", "event": "E"});
    let (status, body, _) = bench.post("/publish/batch", &json!({"publications": [one, one]})).await;
    assert!(status == 422 && body["error"]["message"].as_str().unwrap().starts_with("api.batch_max"), "{body}");
    let (status, body, _) = bench.post("/send", &json!({"users": ["a", "b", "c"], "event": "E"})).await;
    assert!(status == 422 && body["error"]["message"].as_str().unwrap().starts_with("api.users_max"), "{body}");
    assert_eq!(bench.post("/publish", &stored(&json!("x".repeat(500)))).await.0, 413);
    let alice = json!({"users": ["alice"], "event": "E", "wait": "stored"});
    assert_eq!(bench.post("/send", &alice).await.0, 200);
    let (status, body, _) = bench.post("/send", &alice).await;
    assert_eq!((status, &body["error"]["name"]), (409, &json!("limit")), "{body}");
    let (status, body, _) = bench.post("/send", &json!({"users": ["alice", "bob"], "event": "E"})).await;
    assert_eq!((status, body), (200, json!({"users": 1, "level": "accepted", "full": ["alice"]})));
}

#[tokio::test]
async fn what_is_not_of_the_form_is_refused_whole_and_by_name() {
    let bench = bench(|_| {}, ApiLimits::default());
    let cases = [
        (json!({"channel": "messaging:a", "event": "E", "chanel": 1}), 400, "chanel"),
        (json!({"channel": "messaging:a"}), 400, "event"),
        (json!({"channel": "messaging:a", "event": "E E"}), 400, "event"),
        (json!({"channel": "messaging:a", "event": "E", "wait": "forever"}), 400, "forever"),
        (json!({"channel": "messaging:a", "event": "E", "idempotency_key": ""}), 400, "idempotency"),
        (json!({"channel": "messaging:a", "event": "E", "idempotency_key": "ä".repeat(128)}), 422, "idempotency"),
        (json!({"channel": "realtime:a", "event": "E", "wait": "stored"}), 422, "durable"),
        (json!([1]), 400, "body"),
        (json!(null), 400, "body"),
    ];
    for (body, status, told) in cases {
        let (got, answer, _) = bench.post("/publish", &body).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(got == status && message.contains(told), "{body}: {got} {answer}");
    }
    let good = json!({"channel": "messaging:a", "event": "E"});
    let batch = json!({"publications": [good, {"channel": "a", "event": "E"}]});
    assert_eq!(bench.post("/publish/batch", &batch).await.0, 400);
    assert_eq!(bench.engine.stats().published, 0);
    let many = json!({"users": ["a", "b"], "event": "E", "idempotency_key": "k"});
    assert_eq!(bench.post("/send", &many).await.0, 422);
}

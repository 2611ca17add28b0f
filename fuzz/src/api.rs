//! Calls of the HTTP API: each has an answer of the documented form, and none is a fault of the server's.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response};
use serde_json::Value;
use std::cell::RefCell;
use std::sync::Arc;
use tidings::Engine;
use tidings::config::Config;
use tidings::host::{Admission, ConnectAsk, Denial, Host};
use tidings_store::memory::MemoryStore;
use tidings_store::store::Store;
use tidings_transports::{Api, ApiKey, ApiKeys, ApiLimits, Origins};
use tokio::runtime::{Builder, Runtime};

const KEY: &str = "a-key-of-at-least-thirty-two-bytes";
const ORIGIN: &str = "https://app.example";

/// After so many calls the server is another one, so that what it keeps stays small.
const CALLS_MAX: usize = 2_000;

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    static SERVER: RefCell<Option<(Api, usize)>> = const { RefCell::new(None) };
}

struct Names;

impl Host for Names {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        Ok(Admission::new(ask.token))
    }
}

/// A line with the method and the address, and a body.
pub fn run(bytes: &[u8]) {
    let (line, body) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len()));
    let Some((method, path)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(' ')) else { return };
    let body = body.get(1..).unwrap_or_default();
    let address = format!("/api/v1{path}");
    let request = Request::builder()
        .method(method)
        .uri(&address)
        .header("authorization", format!("Bearer {KEY}"))
        .header("content-type", "application/json")
        .header("origin", ORIGIN)
        .body(Full::new(Bytes::copy_from_slice(body)));
    // What is no request of HTTP does not come so far.
    let Ok(request) = request else { return };
    if !Api::serves(request.uri().path()) {
        return;
    }
    let (answer, answered) = RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let answer = server().handle(request).await;
            let (head, body) = answer.into_parts();
            let body = body.collect().await.expect("it is in memory").to_bytes();
            (Response::from_parts(head, ()), body)
        })
    });
    look(method, &answer, &answered);
}

/// The server of this thread.
fn server() -> Api {
    SERVER.with_borrow_mut(|server| {
        let (api, calls) = server.take().filter(|(_, calls)| *calls < CALLS_MAX).unwrap_or_else(|| (start(), 0));
        server.insert((api, calls + 1)).0.clone()
    })
}

fn start() -> Api {
    let store = MemoryStore::default();
    let mut config = Config::stored("nowhere");
    config.store.path = None;
    config.limits.channels_max = 50;
    let engine = Engine::start_with_store(config, Names, move || Ok(Arc::new(store.clone()) as Arc<dyn Store>));
    let keys: ApiKeys = [ApiKey::new("fuzz", KEY.as_bytes()).expect("a long key")].into_iter().collect();
    let origins = ORIGIN.parse::<Origins>().expect("an origin");
    Api::new(engine.expect("it starts in memory"), keys, origins, ApiLimits::default())
}

fn look(method: &str, answer: &Response<()>, body: &[u8]) {
    let status = answer.status().as_u16();
    if method == "OPTIONS" && body.is_empty() {
        assert!(matches!(status, 204), "{status}");
        return;
    }
    let body: Value = serde_json::from_slice(body).expect("an answer is JSON");
    assert!(matches!(status, 200 | 400 | 404 | 405 | 409 | 413 | 422), "{status}: {body}");
    assert_eq!(answer.headers()["access-control-allow-origin"], ORIGIN);
    let error = &body["error"];
    assert_eq!(error.is_object(), status != 200, "{status}: {body}");
    if status != 200 {
        let (code, message) = (error["code"].as_u64(), error["message"].as_str());
        assert!(code.is_some_and(|code| (2_000..3_000).contains(&code)), "{body}");
        assert!(message.is_some_and(|text| !text.is_empty() && text.len() < 320), "{body}");
        assert_eq!(error["retry"], false, "{body}");
    }
}

//! What the engine's tests share.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod store;

use std::time::{Duration, Instant};
use tidings::config::Config;
use tidings::host::{Admission, CallAsk, ConnectAsk, Denial, Host, PublishAsk, SubscribeAsk, WatchAsk};
use tidings::local::Local;
use tidings::{Code, Data, Engine, Grants, Pattern};
use tokio::time::{sleep, timeout};

/// Takes the token for the user's name. Users whose name begins with `guest` have no rights of their own; for them
/// channels that end in `:open` are allowed after a moment, those that end in `:stuck` are never answered, and those
/// that end in `:boom` make the handler panic.
pub(crate) struct Names;

async fn judge(channel: &str) -> Result<(), Denial> {
    sleep(Duration::from_millis(5)).await;
    if channel.ends_with(":stuck") {
        std::future::pending::<()>().await;
    }
    assert!(!channel.ends_with(":boom"), "planted");
    if channel.ends_with(":open") { Ok(()) } else { Err(Denial::forbidden()) }
}

impl Host for Names {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        if ask.token.is_empty() {
            return Err(Denial::unauthorized());
        }
        let admission = Admission::new(ask.token.clone());
        Ok(if ask.token.starts_with("guest") { admission } else { admission.grants(Grants::all()) })
    }

    async fn subscribe(&self, ask: SubscribeAsk) -> Result<(), Denial> {
        judge(&ask.channel).await
    }

    async fn publish(&self, ask: PublishAsk) -> Result<(), Denial> {
        judge(&ask.channel).await
    }

    /// Everybody may watch those whose name begins with `friend`.
    async fn watch(&self, ask: WatchAsk) -> Result<Vec<String>, Denial> {
        sleep(Duration::from_millis(5)).await;
        Ok(ask.users.into_iter().filter(|user| user.starts_with("friend")).collect())
    }

    async fn call(&self, ask: CallAsk) -> Result<Data, Denial> {
        match ask.method.as_str() {
            "echo" => Ok(ask.data),
            _ => Err(Denial::new(Code::NotFound, "no such method")),
        }
    }
}

/// A configuration for tests: no limit on messages.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.limits.messages_per_minute = 0;
    config.limits.others_per_minute = 0;
    config
}

pub(crate) fn engine(config: Config) -> Engine {
    Engine::start(config, Names).unwrap()
}

/// The next frame, or a failure if none comes.
pub(crate) async fn next(local: &Local) -> serde_json::Value {
    let line = timeout(Duration::from_secs(10), local.receive()).await.expect("a frame in time");
    serde_json::from_str(&line.expect("the connection is open")).unwrap()
}

/// Connects a user.
pub(crate) async fn connect(engine: &Engine, user: &str) -> Local {
    let local = engine.connect_local().unwrap();
    local.send(&format!(r#"{{"id":1,"connect":{{"token":"{user}"}}}}"#));
    let answer = next(&local).await;
    assert_eq!(answer["connected"]["user"], user, "{answer}");
    local
}

/// Subscribes and returns the answer.
pub(crate) async fn subscribe(local: &Local, channel: &str) -> serde_json::Value {
    local.send(&format!(r#"{{"id":2,"subscribe":{{"channel":"{channel}"}}}}"#));
    next(local).await
}

pub(crate) fn data(text: &str) -> Data {
    Data::new(text).unwrap()
}

pub(crate) fn pattern(text: &str) -> Pattern {
    Pattern::new(text)
}

/// A frame of the server.
pub(crate) type Frame = serde_json::Value;

/// Waits until something is so, and fails if it does not come to be.
pub(crate) async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "it did not come to be: {what}");
        sleep(Duration::from_millis(1)).await;
    }
}

/// Connects with these further fields, and returns the answer.
pub(crate) async fn connect_with(engine: &Engine, user: &str, fields: &str) -> (Local, Frame) {
    let local = engine.connect_local().unwrap();
    local.send(&format!(r#"{{"id":1,"connect":{{"token":"{user}"{fields}}}}}"#));
    let answer = next(&local).await;
    (local, answer)
}

/// The next frames up to the one with this id, which is the last.
pub(crate) async fn up_to_id(local: &Local, id: u64) -> Vec<Frame> {
    let mut frames = Vec::new();
    loop {
        frames.push(next(local).await);
        if frames.last().is_some_and(|frame| frame["id"] == id) {
            return frames;
        }
    }
}

/// The answer with this id; what comes before it is passed over.
pub(crate) async fn answer(local: &Local, id: u64) -> Frame {
    up_to_id(local, id).await.pop().unwrap()
}

/// Everything that was sent to the client before this call: asks for a pong and takes what comes before it.
pub(crate) async fn so_far(local: &Local) -> Vec<Frame> {
    local.send(r#"{"id":987654,"ping":{}}"#);
    let mut frames = up_to_id(local, 987_654).await;
    frames.pop();
    frames
}

/// A publication in `channel` with further fields.
pub(crate) fn publish(id: u64, channel: &str, data: &str, fields: &str) -> String {
    format!(r#"{{"id":{id},"publish":{{"channel":"{channel}","event":"E","data":"{data}"{fields}}}}}"#)
}

pub(crate) const STORED: &str = r#","wait":"stored""#;

/// Subscribes from a position, and returns the answer.
pub(crate) async fn subscribe_since(local: &Local, channel: &str, epoch: &Frame, offset: u64) -> Frame {
    local.send(&format!(
        r#"{{"id":2,"subscribe":{{"channel":"{channel}","since":{{"epoch":{epoch},"offset":{offset}}}}}}}"#
    ));
    answer(local, 2).await
}

/// The offsets of the entries among frames.
pub(crate) fn offsets(frames: &[Frame]) -> Vec<u64> {
    frames.iter().filter_map(|frame| frame["entry"]["offset"].as_u64()).collect()
}

/// The next `count` entries as (offset, data); other frames are passed over, but for gaps, which fail.
pub(crate) async fn entries(local: &Local, count: usize) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    while found.len() < count {
        let frame = next(local).await;
        assert!(frame["gap"].is_null(), "{frame}");
        if let Some(offset) = frame["entry"]["offset"].as_u64() {
            found.push((offset, frame["entry"]["data"].as_str().unwrap_or_default().to_owned()));
        }
    }
    found
}

/// SplitMix64, so that a run can be repeated.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % sides
    }
}

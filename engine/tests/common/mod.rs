//! What the engine's tests share.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::time::Duration;
use tidings::config::Config;
use tidings::host::{Admission, CallAsk, ConnectAsk, Denial, Host, PublishAsk, SubscribeAsk};
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

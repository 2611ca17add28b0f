//! A host that calls the engine from its answers, one that never answers, and links that misbehave.

mod common;

use common::{config, connect, data, next, subscribe};
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tidings::host::{Admission, CallAsk, ConnectAsk, Denial, Host};
use tidings::link::{Link, WireForm};
use tidings::{Codec, Data, Engine, Grants};
use tokio::time::{sleep, timeout};

/// Uses the engine at once, before its first `.await`.
struct Busy(Arc<OnceLock<Engine>>);

impl Host for Busy {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        if let Some(engine) = self.0.get() {
            engine.publish("messaging:news", "JOINED", &data("x")).unwrap();
            engine.broadcast_to_user(&ask.token, "ALSO_YOU", &data("x")).unwrap();
        }
        Ok(Admission::new(ask.token).grants(Grants::all()))
    }

    async fn call(&self, ask: CallAsk) -> Result<Data, Denial> {
        match ask.method.as_str() {
            "leave" => {
                self.0.get().unwrap().disconnect_user(&ask.user);
                Ok(Data::null())
            }
            _ => std::future::pending().await,
        }
    }
}

fn busy(mut config: tidings::config::Config) -> Engine {
    config.times.question_timeout_ms = 50;
    let place = Arc::new(OnceLock::new());
    let engine = Engine::start(config, Busy(Arc::clone(&place))).unwrap();
    assert!(place.set(engine.clone()).is_ok());
    engine
}

#[tokio::test]
async fn a_host_may_call_the_engine_from_its_answers() {
    let engine = busy(config());
    let alice = connect(&engine, "alice").await;
    subscribe(&alice, "messaging:news").await;
    let _bob = connect(&engine, "bob").await;
    assert_eq!(next(&alice).await["entry"]["event"], "JOINED");
    alice.send(r#"{"id":5,"call":{"method":"leave"}}"#);
    assert_eq!(next(&alice).await["close"]["code"], 3504);
    timeout(Duration::from_secs(5), sleep(Duration::from_millis(200))).await.expect("the clock goes on");
}

#[tokio::test]
async fn a_command_may_follow_connect_in_the_same_message() {
    let engine = busy(config());
    let alice = engine.connect_local().unwrap();
    alice.send(
        "{\"id\":1,\"connect\":{\"token\":\"alice\"}}\n{\"id\":2,\"subscribe\":{\"channel\":\"messaging:news\"}}",
    );
    assert_eq!(next(&alice).await["id"], 1);
    assert_eq!(next(&alice).await["subscribed"]["offset"], 1);
}

#[tokio::test]
async fn questions_that_nobody_answers_leave_no_task() {
    let engine = busy(config());
    let alice = connect(&engine, "alice").await;
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    for round in 0..5 {
        for id in 0..10 {
            alice.send(&format!(r#"{{"id":{id},"call":{{"method":"never"}}}}"#));
        }
        for _ in 0..10 {
            assert_eq!(next(&alice).await["error"]["name"], "timeout", "round {round}");
        }
    }
    for _ in 0..100 {
        if alive() <= before {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{} tasks are left", alive() - before);
}

#[tokio::test]
async fn many_channels_may_be_resumed_in_one_message() {
    let mut config = config();
    config.limits.outbox_bytes_max = 64 * 1024;
    config.limits.message_bytes_max = 64 * 1024;
    let engine = busy(config);
    let alice = connect(&engine, "alice").await;
    let (big, small) = (Data::new(&"x".repeat(3_000)).unwrap(), Data::new(&"x".repeat(200)).unwrap());
    let mut frames = String::new();
    for room in 0..60 {
        let entries = if room == 0 { 300 } else { 10 };
        let mut epoch = None;
        for _ in 0..entries {
            let data = if room == 0 { &big } else { &small };
            let at = engine.publish(&format!("messaging:{room}"), "E", data).unwrap();
            epoch = Some(at.position.epoch);
        }
        let epoch = epoch.unwrap();
        frames += &format!(
            "{{\"id\":{room},\"subscribe\":{{\"channel\":\"messaging:{room}\",\"since\":{{\"epoch\":\"{epoch}\",\"offset\":0}}}}}}\n"
        );
    }
    alice.send(&frames);
    let (mut answers, mut entries) = (0, 0);
    while answers < 60 || entries < 300 + 59 * 10 {
        let frame = next(&alice).await;
        assert!(frame["close"].is_null(), "{frame}");
        answers += usize::from(frame["subscribed"].is_object());
        entries += usize::from(frame["entry"].is_object());
    }
}

/// A link whose first write after the handshake panics, or one that counts lines.
struct Odd {
    panics: bool,
    got: Mutex<Vec<u8>>,
}

impl Link for Odd {
    fn form(&self) -> WireForm {
        WireForm::JsonLines
    }

    fn try_write_vectored(&self, frames: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.iter().copied()).collect();
        assert!(!(self.panics && String::from_utf8_lossy(&bytes).contains("entry")), "planted");
        self.got.lock().unwrap().extend_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn poll_writable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn finish(&self) {}

    fn abort(&self) {}
}

#[tokio::test]
async fn a_link_that_panics_loses_its_own_connection_alone() {
    let engine = busy(config());
    let mut links = Vec::new();
    let ports: Vec<_> = (0..13)
        .map(|at| {
            let link = Arc::new(Odd { panics: at == 3, got: Mutex::default() });
            links.push(Arc::clone(&link));
            let port = engine.open(link).unwrap();
            let connect = format!(r#"{{"id":1,"connect":{{"token":"user{at}"}}}}"#);
            port.batch().message(Codec::Json, connect.as_bytes());
            port.batch().message(Codec::Json, br#"{"id":2,"subscribe":{"channel":"realtime:a"}}"#);
            port
        })
        .collect();
    for _ in 0..2 {
        engine.publish("realtime:a", "E", &data("x")).unwrap();
        sleep(Duration::from_millis(50)).await;
    }
    for (at, link) in links.iter().enumerate() {
        let got = String::from_utf8_lossy(&link.got.lock().unwrap()).matches(r#"{"entry""#).count();
        assert_eq!(got, if at == 3 { 0 } else { 2 }, "connection {at}");
    }
    assert!(ports[3].is_over());
}

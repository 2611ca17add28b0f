//! Row 25 of what may go wrong: a host whose answer never comes, comes late, or panics.

mod common;

use common::{Client, PATIENCE, Server};
use serde_json::json;
use std::future::pending;
use std::time::{Duration, Instant};
use tidings::config::Config;
use tidings::host::{Admission, CallAsk, ConnectAsk, Denial, Host, PublishAsk, SubscribeAsk};
use tidings::{Data, Grants};
use tokio::time::{sleep, timeout};

const DEADLINE: Duration = Duration::from_secs(1);

/// Does what the token, the channel or the method says.
struct Moody;

async fn act(word: &str) {
    if word.contains("stuck") {
        pending::<()>().await;
    }
    if word.contains("late") {
        sleep(2 * DEADLINE).await;
    }
    if word.contains("slow") {
        sleep(DEADLINE / 2).await;
    }
    assert!(!word.contains("boom"), "planted");
    if word.contains("bang") {
        tokio::task::yield_now().await;
        panic!("planted, after an await");
    }
}

impl Host for Moody {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        act(&ask.token).await;
        let admission = Admission::new(ask.token.clone());
        Ok(if ask.token == "good" { admission.grants(Grants::all()) } else { admission })
    }

    async fn subscribe(&self, ask: SubscribeAsk) -> Result<(), Denial> {
        act(&ask.channel).await;
        Ok(())
    }

    async fn publish(&self, ask: PublishAsk) -> Result<(), Denial> {
        act(&ask.channel).await;
        Ok(())
    }

    async fn call(&self, ask: CallAsk) -> Result<Data, Denial> {
        act(&ask.method).await;
        Ok(ask.data)
    }
}

async fn server() -> Server {
    let mut config = Config::default();
    config.times.question_timeout_ms = u64::try_from(DEADLINE.as_millis()).unwrap();
    config.limits.messages_per_minute = 0;
    Server::start(config, Moody).await
}

async fn assert_answers(client: &mut Client) {
    let began = Instant::now();
    assert_eq!(client.call(90, "echo", json!(1)).await, json!({"id": 90, "result": 1}));
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_a_no_at_the_deadline() {
    let server = server().await;
    let mut neighbour = server.connect("good").await;
    for token in ["stuck", "late"] {
        let mut client = server.open().await;
        let began = Instant::now();
        let answer = client.ask(json!({"id": 1, "connect": {"token": token}})).await;
        assert_eq!(answer["error"]["name"], "timeout", "{answer}");
        assert!(began.elapsed() >= DEADLINE && began.elapsed() < DEADLINE + Duration::from_secs(2));
        // It may come back: nobody said no to it.
        client.expect_close(3005).await;
    }
    let mut client = server.connect("somebody").await;
    for word in ["stuck", "late"] {
        let channel = format!("messaging:{word}");
        assert_eq!(client.subscribe(&channel).await["error"]["name"], "timeout");
        let publish = json!({"id": 3, "publish": {"channel": channel, "event": "E", "data": 1}});
        assert_eq!(client.ask(publish).await["error"]["name"], "timeout");
        assert_eq!(client.call(4, word, json!(1)).await["error"]["name"], "timeout");
        assert_answers(&mut client).await;
    }
    // Answers that came late changed nothing: the client is not in the channel.
    sleep(2 * DEADLINE).await;
    let stats = server.engine.publish("messaging:late", "E", &Data::new(&1).unwrap()).map(|_| server.engine.stats());
    assert_eq!(stats.unwrap().delivered, 0);
    assert_answers(&mut neighbour).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_what_was_asked_and_nothing_else() {
    let server = server().await;
    let mut neighbour = server.connect("good").await;
    for token in ["boom", "bang"] {
        let mut client = server.open().await;
        let answer = client.ask(json!({"id": 1, "connect": {"token": token}})).await;
        assert_eq!(answer["error"]["name"], "internal", "{answer}");
        client.expect_close(3005).await;
    }
    let mut client = server.connect("somebody").await;
    for word in ["boom", "bang"] {
        assert_eq!(client.subscribe(&format!("messaging:{word}")).await["error"]["name"], "internal");
        let answer = client.call(4, word, json!(1)).await;
        assert_eq!(answer["error"]["name"], "internal", "{answer}");
        assert!(!answer.to_string().contains("planted"), "{answer}");
        assert_answers(&mut client).await;
    }
    assert_answers(&mut neighbour).await;
    let gone = async {
        while server.engine.stats().connections > 2 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("those that were closed are gone, the others are there");
    assert_eq!(server.engine.stats().connections, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_answer_keeps_nobody_else_waiting() {
    let server = server().await;
    let mut neighbour = server.connect("good").await;
    let mut waiting = Vec::new();
    for _ in 0..16 {
        let mut client = server.connect("somebody").await;
        client.send(json!({"id": 5, "call": {"method": "slow", "data": 1}})).await;
        // The same session's other calls do not wait for it either.
        client.send(json!({"id": 6, "call": {"method": "echo", "data": 2}})).await;
        waiting.push(client);
    }
    assert_answers(&mut neighbour).await;
    for client in &mut waiting {
        assert_eq!(client.next().await, json!({"id": 6, "result": 2}));
    }
    for client in &mut waiting {
        assert_eq!(client.next().await, json!({"id": 5, "result": 1}));
    }
    // Commands that have an order keep it: what is published after a slow subscription arrives.
    let mut client = server.connect("somebody").await;
    client.send(json!({"id": 7, "subscribe": {"channel": "messaging:slow"}})).await;
    client.send(json!({"id": 8, "publish": {"channel": "messaging:slow", "event": "E", "data": 3}})).await;
    assert!(client.next().await["subscribed"].is_object());
    let rest = [client.next().await, client.next().await];
    assert!(rest.iter().any(|frame| frame["published"].is_object()), "{rest:?}");
    assert!(rest.iter().any(|frame| frame["entry"]["data"] == 3), "{rest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_without_answers_are_bounded() {
    let server = server().await;
    let mut client = server.connect("somebody").await;
    for id in 0..100 {
        client.send(json!({"id": 100 + id, "call": {"method": "stuck", "data": 1}})).await;
    }
    let mut names = std::collections::BTreeMap::new();
    for _ in 0..100 {
        let answer = client.next().await;
        *names.entry(answer["error"]["name"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(names, [("limit".to_owned(), 84), ("timeout".to_owned(), 16)].into());
    assert_answers(&mut client).await;
}

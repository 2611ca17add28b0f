//! Sessions over a real Unix socket.

use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use tidings::config::Config;
use tidings::host::{Admission, ConnectAsk, Denial, Host};
use tidings::{Data, Engine, Grants};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

struct Names;

impl Host for Names {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        Ok(Admission::new(ask.token).grants(Grants::all()))
    }
}

struct Server {
    engine: Engine,
    folder: TempDir,
}

impl Server {
    fn start(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("s")).unwrap();
        let engine = Engine::start(config, Names).unwrap();
        tokio::spawn(unix_json::serve(listener, engine.clone()));
        Self { engine, folder }
    }

    async fn open(&self) -> Client {
        Client(BufReader::new(UnixStream::connect(self.folder.path().join("s")).await.unwrap()))
    }

    async fn connect(&self, user: &str) -> Client {
        let mut client = self.open().await;
        client.send(&json!({"id": 1, "connect": {"token": user}}).to_string()).await;
        assert_eq!(client.next().await["connected"]["user"], user);
        client
    }
}

struct Client(BufReader<UnixStream>);

impl Client {
    async fn send(&mut self, line: &str) {
        self.raw(line.as_bytes()).await;
        self.raw(b"\n").await;
    }

    async fn raw(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
    }

    /// The next line; `null` at the end.
    async fn next(&mut self) -> Value {
        let mut line = String::new();
        timeout(PATIENCE, self.0.read_line(&mut line)).await.expect("a line in time").unwrap();
        if line.is_empty() { Value::Null } else { serde_json::from_str(&line).unwrap() }
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.limits.messages_per_minute = 0;
    config.limits.others_per_minute = 0;
    config
}

#[tokio::test]
async fn what_one_publishes_the_other_gets() {
    let server = Server::start(config());
    let (mut alice, mut bob) = (server.connect("alice").await, server.connect("bob").await);
    alice.send(r#"{"id":2,"subscribe":{"channel":"messaging:lobby"}}"#).await;
    assert_eq!(alice.next().await["subscribed"]["channel"], "messaging:lobby");
    bob.send(r#"{"id":2,"publish":{"channel":"messaging:lobby","event":"NEW_MESSAGE","data":{"text":"hi"}}}"#).await;
    assert_eq!(bob.next().await["published"]["offset"], 1);
    let entry = alice.next().await;
    assert_eq!((&entry["entry"]["data"], &entry["entry"]["from"]), (&json!({"text": "hi"}), &json!("bob")));
    assert_eq!(server.engine.broadcast_to_user("alice", "E", &Data::new(&1).unwrap()).unwrap(), 1);
    assert_eq!(alice.next().await["entry"]["data"], 1);
}

#[tokio::test]
async fn lines_may_come_in_pieces_and_many_at_once() {
    let server = Server::start(config());
    let mut client = server.open().await;
    for byte in b"{\"id\":1,\"connect\":{\"token\":\"alice\"}}\n" {
        client.raw(&[*byte]).await;
    }
    assert_eq!(client.next().await["connected"]["user"], "alice");
    let many: String = (10..1_000).map(|id| format!("{{\"id\":{id},\"ping\":{{}}}}\n")).collect();
    client.raw(many.as_bytes()).await;
    for id in 10..1_000 {
        assert_eq!(client.next().await, json!({"id": id, "pong": {}}));
    }
}

#[tokio::test]
async fn a_line_that_is_too_long_ends_the_connection() {
    let mut config = config();
    config.limits.message_bytes_max = 40_000;
    let server = Server::start(config);
    let mut neighbour = server.connect("bob").await;
    let mut client = server.connect("mallory").await;
    client.raw(&vec![b' '; 40_000]).await;
    client.send(r#"{"id":2,"ping":{}}"#).await;
    assert_eq!(client.next().await, json!({"close": {"code": 1009, "reason": "message_too_long"}}));
    assert_eq!(client.next().await, Value::Null);
    neighbour.send(r#"{"id":2,"ping":{}}"#).await;
    assert_eq!(neighbour.next().await["id"], 2);
}

#[tokio::test]
async fn what_is_no_frame_is_an_error() {
    let server = Server::start(config());
    let mut client = server.connect("mallory").await;
    let rows: [&[u8]; 5] = [
        b"nonsense",
        b"{",
        b"\xff\xfe",
        b"{\"id\":2,\"publish\":{\"channel\":\"messaging:a\",\"event\":\"E\",\"data\":\"\xff\"}}",
        b"{\"id\":2,\"publish\":{\"channel\":\"messaging:a\",\"event\":\"E\",\"data\":\"\xed\xa0\x80\"}}",
    ];
    for row in rows {
        client.raw(&[row, b"\n"].concat()).await;
        let answer = client.next().await;
        assert_eq!(answer["error"]["name"], "bad_request", "{:?}: {answer}", String::from_utf8_lossy(row));
    }
}

#[tokio::test]
async fn who_does_not_read_is_closed_and_who_vanishes_is_forgotten() {
    let mut config = config();
    config.limits.outbox_bytes_max = 64 * 1024;
    config.times.slow_timeout_ms = 300;
    let server = Server::start(config);
    let mut client = server.connect("mallory").await;
    client.send(r#"{"id":2,"subscribe":{"channel":"messaging:a"}}"#).await;
    client.next().await;
    let data = Data::new(&"x".repeat(10_000)).unwrap();
    for _ in 0..200 {
        server.engine.publish("messaging:a", "E", &data).unwrap();
    }
    let gone = async {
        while server.engine.stats().connections > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("it is let go");
    assert_eq!(server.engine.stats().slow, 1);
    drop(client);
    drop(server.connect("bob").await);
    timeout(PATIENCE, async {
        while server.engine.sessions_of("bob") > 0 {
            tokio::task::yield_now().await
        }
    })
    .await
    .expect("it is forgotten");
}

#[tokio::test]
async fn a_shutdown_is_told() {
    let server = Server::start(config());
    let mut client = server.connect("alice").await;
    let engine = server.engine.clone();
    let stopping = tokio::spawn(async move { engine.shutdown(PATIENCE).await });
    let close = client.next().await;
    assert_eq!(close["close"]["code"], 3001, "{close}");
    assert_eq!(client.next().await, Value::Null);
    drop(client);
    assert_eq!(stopping.await.unwrap(), 0);
}

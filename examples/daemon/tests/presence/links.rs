//! Lines that die without a word, and clients that say goodbye.

use crate::support::SECRET;
use crate::support::daemon::Daemon;
use crate::support::session::Session;
use futures_util::{SinkExt as _, StreamExt as _};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

const PING_MS: u64 = 3_000;
const PONG_MS: u64 = 1_500;
const GRACE_MS: u64 = 2_000;

/// What a busy machine may add: the looks of the clock, a tick, and a thousand changes read by a test in one thread.
const SLACK_MS: u64 = 4_000;

fn settings() -> String {
    format!(
        "[times]\nping_interval_ms = {PING_MS}\npong_timeout_ms = {PONG_MS}\n[presence]\ngrace_ms = {GRACE_MS}\n\
         watched_users_max = 5000\n[limits]\nmessages_per_minute = 0\nothers_per_minute = 0\n"
    )
}

fn token(user: &str) -> String {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({ "sub": user, "exp": now_s + 600, "watch": ["*"], "subscribe": ["*"] });
    encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

type Socket = WebSocketStream<TcpStream>;

async fn next(socket: &mut Socket) -> Option<Value> {
    loop {
        match socket.next().await? {
            Ok(Message::Text(text)) => return serde_json::from_str(text.as_str()).ok(),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

async fn connect(daemon: &Daemon, user: &str) -> Socket {
    let stream = TcpStream::connect(daemon.address).await.unwrap();
    let (mut socket, _) = client_async(daemon.url(), stream).await.unwrap();
    socket.send(Message::text(json!({ "id": 1, "connect": { "token": token(user) } }).to_string())).await.unwrap();
    let answer = next(&mut socket).await.unwrap();
    assert_eq!(answer["connected"]["user"], user, "{answer}");
    socket
}

/// Reads, and so answers pings, until it is told to fall silent: then it holds the socket, and reads nothing.
async fn live(mut socket: Socket, mut silent: Option<watch::Receiver<bool>>) {
    loop {
        match &mut silent {
            None if next(&mut socket).await.is_none() => return,
            None => {}
            Some(silent) => {
                tokio::select! {
                    _ = silent.changed() => std::future::pending::<()>().await,
                    frame = next(&mut socket) => if frame.is_none() { return },
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_five_thousand_devices_a_thousand_dead_ones_are_offline_and_no_other_is_touched() {
    const DEVICES: usize = 5_000;
    const DEAD: usize = 1_000;
    let daemon = Daemon::start(&settings());
    let (silence, silent) = watch::channel(false);
    // Every fifth will die.
    let users: Vec<String> = (0..DEVICES).map(|at| format!("user-{at}")).collect();
    for (at, user) in users.iter().enumerate() {
        let socket = connect(&daemon, user).await;
        let silent = (at % (DEVICES / DEAD) == 0).then(|| silent.clone());
        tokio::spawn(live(socket, silent));
    }
    let mut watcher = connect(&daemon, "watcher").await;
    for chunk in users.chunks(1_000) {
        watcher.send(Message::text(json!({ "id": 2, "watch": { "users": chunk } }).to_string())).await.unwrap();
    }
    let mut states = BTreeMap::new();
    while states.len() < DEVICES || states.values().any(|status| status != "online") {
        let frame = timeout(Duration::from_secs(30), next(&mut watcher)).await.unwrap().unwrap();
        assert!(frame["error"].is_null(), "{frame}");
        if let Some(user) = frame["status"]["user"].as_str() {
            states.insert(user.to_owned(), frame["status"]["status"].as_str().unwrap().to_owned());
        }
    }

    let began = Instant::now();
    silence.send(true).unwrap();
    let mut offline = BTreeSet::new();
    let (mut first_ms, mut last_ms) = (0, 0);
    let quiet = PING_MS + PONG_MS + GRACE_MS + SLACK_MS;
    while began.elapsed() < Duration::from_millis(quiet) {
        let Ok(frame) = timeout(Duration::from_millis(200), next(&mut watcher)).await else { continue };
        let frame = frame.unwrap();
        let status = &frame["status"];
        let Some(user) = status["user"].as_str() else { continue };
        if status["status"] == "online" && offline.is_empty() && began.elapsed() < Duration::from_millis(GRACE_MS) {
            // Who was asked about before a tick is told again with it.
            continue;
        }
        assert_eq!((status["status"].as_str(), status["reason"].as_str()), (Some("offline"), Some("lost")), "{frame}");
        assert!(offline.insert(user.to_owned()), "{user} twice");
        last_ms = began.elapsed().as_millis() as u64;
        if first_ms == 0 {
            first_ms = last_ms;
        }
    }
    println!("{} offline, the first after {first_ms} ms, the last after {last_ms} ms", offline.len());
    let expected: BTreeSet<String> = users.iter().step_by(DEVICES / DEAD).cloned().collect();
    assert_eq!(offline.len(), DEAD);
    assert!(offline == expected, "others were touched");
    assert!(first_ms >= GRACE_MS, "the first after {first_ms} ms");
    daemon.wait_for_figure("tidings_connections", |connections| connections == (DEVICES - DEAD + 1) as u64);
}

#[test]
fn a_goodbye_is_leaving_and_a_page_that_is_loaded_anew_is_not() {
    // The watcher of this test answers no pings.
    let daemon = Daemon::start(&format!("[presence]\ngrace_ms = {GRACE_MS}\n"));
    let mut watcher = Session::connect(&daemon, "watcher");
    watcher.ask(&json!({ "id": 2, "watch": { "users": ["alice"] } }));
    assert_eq!(watcher.next()["status"]["reason"], "never");
    for (close, reason) in [(&[3_u8, 232][..], "left"), (&[][..], "left"), (&[3, 233][..], "lost")] {
        let mut alice = Session::connect(&daemon, "alice");
        assert_eq!(watcher.next()["status"]["status"], "online");
        let began = Instant::now();
        alice.client.send_frame(0x88, close);
        let told = watcher.next();
        assert_eq!(
            (&told["status"]["status"], &told["status"]["reason"]),
            (&json!("offline"), &json!(reason)),
            "{told}"
        );
        let waited = began.elapsed() >= Duration::from_millis(GRACE_MS);
        assert_eq!(waited, reason == "lost", "{:?}", began.elapsed());
        if reason == "lost" {
            let (since, seen) =
                (told["status"]["since"].as_u64().unwrap(), told["status"]["last_seen"].as_u64().unwrap());
            assert!((GRACE_MS - 50..GRACE_MS + 2_000).contains(&(since - seen)), "{told}");
        }
    }
}

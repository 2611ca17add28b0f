//! Server-sent events: with curl, and beside WebSocket.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use tidings_e2e::client::Client;
use tidings_e2e::codec::Codec;
use tidings_e2e::daemon::Daemon;
use tidings_e2e::events::Events;
use tidings_e2e::random::{Random, seed};
use tidings_e2e::token;

const CHANNEL: &str = "messaging:lobby";
const PATIENCE: Duration = Duration::from_secs(20);

/// `curl -N`, line by line.
struct Curl {
    child: Child,
    lines: Receiver<String>,
}

impl Curl {
    fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new("curl");
        command.arg("-sN").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().context("curl is not installed")?;
        let output = child.stdout.take().context("its output was asked for")?;
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// The next line that begins so, without its beginning.
    fn line(&self, beginning: &str) -> anyhow::Result<String> {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).with_context(|| format!("no line {beginning:?}"))?;
            if let Some(rest) = line.strip_prefix(beginning) {
                return Ok(rest.to_owned());
            }
        }
    }
}

impl Drop for Curl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn curl_alone_listens_and_comes_back() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let url = format!("http://{}/sse", daemon.address());
    let query = format!("{url}?channel={CHANNEL}&token={}", token::of("alice")?);
    let curl = Curl::start(&[&query])?;
    ensure!(curl.line("data: ")?.contains("\"connected\""));
    ensure!(curl.line("data: ")?.contains("\"subscribed\""));
    let mut bob = Client::of(&daemon, "bob", Codec::MessagePack).await?;
    bob.publish(CHANNEL, "NEW_MESSAGE", json!({"text": "one\ntwo"})).await?;
    // The one that stands alone, behind the answers.
    curl.line("id: ")?;
    let id = curl.line("id: ")?;
    let entry: Value = serde_json::from_str(&curl.line("data: ")?)?;
    assert_eq!((&entry["entry"]["data"], &entry["entry"]["from"]), (&json!({"text": "one\ntwo"}), &json!("bob")));
    drop(curl);
    bob.publish(CHANNEL, "NEW_MESSAGE", json!(2)).await?;
    let back = Curl::start(&["-H", &format!("Last-Event-ID: {id}"), &query])?;
    ensure!(back.line("data: ")?.contains("\"connected\""));
    while !back.line("data: ")?.contains("\"recovered\":\"complete\"") {}
    let entry: Value = serde_json::from_str(&back.line("data: ")?)?;
    assert_eq!((&entry["entry"]["data"], &entry["entry"]["offset"]), (&json!(2), &json!(2)));

    // And sends, with the session's secret.
    let token = token::of("carol")?;
    let open = json!({"id": 1, "connect": {"token": token}}).to_string();
    let json_up = "Content-Type: application/json";
    let stream = Curl::start(&["-H", "Accept: text/event-stream", "-H", json_up, "-d", &open, &url])?;
    let connected: Value = serde_json::from_str(&stream.line("data: ")?)?;
    let told = |name: &str| connected["connected"][name].as_str().unwrap_or_default().to_owned();
    let frame = json!({"id": 2, "publish": {"channel": CHANNEL, "event": "E", "data": 3}}).to_string();
    let (session, secret) =
        (format!("Tidings-Session: {}", told("session")), format!("Tidings-Secret: {}", told("secret")));
    let up = Curl::start(&["-w", "%{http_code}\n", "-H", &session, "-H", &secret, "-H", json_up, "-d", &frame, &url])?;
    assert_eq!(up.line("")?, "202");
    ensure!(stream.line("data: ")?.contains("\"published\""));
    let entry: Value = serde_json::from_str(&back.line("data: ")?)?;
    assert_eq!((&entry["entry"]["data"], &entry["entry"]["from"]), (&json!(3), &json!("carol")));
    Ok(())
}

/// What a client has of the channel, wherever it got it.
struct Reader {
    epoch: Value,
    up_to: u64,
    stream: Value,
}

impl Reader {
    /// Takes what came on one connection: what follows the position that it was opened with, and nothing else.
    fn take(&mut self, frames: impl IntoIterator<Item = Value>) -> anyhow::Result<()> {
        for frame in frames {
            if frame["subscribed"]["channel"] == CHANNEL {
                ensure!(frame["subscribed"]["recovered"] == "complete", "{frame}");
                self.stream = frame["subscribed"]["stream"].clone();
            }
            ensure!(frame["gap"].is_null() || frame["gap"]["stream"] != self.stream, "{frame}");
            if let Some(offset) = frame["entry"]["offset"].as_u64() {
                ensure!(offset == self.up_to + 1, "{frame} came after {}", self.up_to);
                ensure!(frame["entry"]["data"] == offset, "{frame}");
                self.up_to = offset;
            }
        }
        Ok(())
    }
}

/// Three ways in; the client leaves in the middle of whatever comes and takes another.
#[tokio::test]
async fn a_client_that_goes_from_one_transport_to_another_misses_nothing_and_gets_nothing_twice() -> anyhow::Result<()>
{
    const TOTAL: u64 = 4_000;
    let seed = seed("events");
    let mut random = Random::new(seed);
    let daemon = Daemon::with(&[("TIDINGS_NAMESPACES__MESSAGING__HISTORY_ENTRIES_MAX", "10000")])?;
    let token = token::of("alice")?;
    let mut first = Client::of(&daemon, "alice", Codec::Json).await?;
    let subscribed = first.subscribe(CHANNEL).await?;
    drop(first);
    let mut publisher = Client::of(&daemon, "bob", Codec::Json).await?;
    let publishing = tokio::spawn(async move {
        for n in 1..=TOTAL {
            publisher.publish(CHANNEL, "E", json!(n)).await?;
        }
        anyhow::Ok(())
    });
    let mut reader = Reader { epoch: subscribed["epoch"].clone(), up_to: 0, stream: Value::Null };
    let mut ways = [0_u64; 3];
    while reader.up_to < TOTAL {
        let (epoch, up_to) = (reader.epoch.clone(), reader.up_to);
        let since = json!({"epoch": epoch, "offset": up_to});
        let way = random.between(0, 3) as usize;
        ways[way] += 1;
        let bytes = random.between(0, 20_000) as usize;
        let frames = match way {
            0 => {
                let mut client = Client::of(&daemon, "alice", Codec::MessagePack).await?;
                let subscribed = client.resume(CHANNEL, &epoch, up_to).await?;
                let mut frames = vec![json!({"subscribed": subscribed})];
                for _ in 0..random.between(0, 150) {
                    match tokio::time::timeout(Duration::from_millis(100), client.frame()).await {
                        Ok(frame) => frames.push(frame?),
                        Err(_) => break,
                    }
                }
                frames
            }
            1 => {
                let connect = json!({"id": 1, "connect": {"token": token}});
                let subscribe = json!({"id": 2, "subscribe": {"channel": CHANNEL, "since": since}});
                Events::converse(&daemon, &format!("{connect}\n{subscribe}\n")).await?.within(bytes).await?
            }
            _ => {
                let id = format!("{}-{up_to}", epoch.as_str().context("an epoch")?);
                Events::listen(&daemon, &format!("channel={CHANNEL}"), &token, &id).await?.within(bytes).await?
            }
        };
        reader.take(frames).with_context(|| format!("way {way}, seed {seed}"))?;
    }
    publishing.await??;
    ensure!(ways.iter().all(|count| *count > 0), "{ways:?}, seed {seed}");
    Ok(())
}

#[tokio::test]
async fn a_session_goes_on_over_events_and_back_over_websocket() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let mut socket = Client::open(&daemon, Codec::Json).await?;
    let connected = socket.connect("alice").await?;
    let subscribed = socket.subscribe(CHANNEL).await?;
    let mut bob = Client::of(&daemon, "bob", Codec::Json).await?;
    bob.publish(CHANNEL, "E", json!(1)).await?;
    assert_eq!(socket.expect("entry").await?["data"], 1);
    drop(socket);
    bob.publish(CHANNEL, "E", json!(2)).await?;
    let token = token::of("alice")?;
    let resume = |offset: u64| {
        let positions = [json!({"channel": CHANNEL, "epoch": subscribed["epoch"], "offset": offset})];
        let (session, secret) = (&connected["session"], &connected["secret"]);
        json!({"token": token, "resume": {"session": session, "secret": secret, "positions": positions}})
    };
    let mut events = Events::converse(&daemon, &json!({"id": 1, "connect": resume(1)}).to_string()).await?;
    let told = events.expect("connected").await?;
    assert_eq!((&told["resumed"], &told["session"]), (&json!(true), &connected["session"]));
    assert_eq!(events.expect("entry").await?["data"], 2);
    bob.publish(CHANNEL, "E", json!(3)).await?;
    assert_eq!(events.expect("entry").await?["data"], 3);
    let mut back = Client::open(&daemon, Codec::MessagePack).await?;
    let told = back.done("connect", resume(2), "connected").await?;
    assert_eq!((&told["resumed"], &told["session"]), (&json!(true), &connected["session"]));
    assert_eq!(back.expect("subscribed").await?["recovered"], "complete");
    assert_eq!(back.expect("entry").await?["data"], 3);
    assert_eq!(events.expect("close").await?["code"], 3505);
    assert_eq!(events.next().await?, None);
    Ok(())
}

#[tokio::test]
async fn a_device_that_can_send_nothing_acknowledges_when_it_comes_back() -> anyhow::Result<()> {
    let daemon = Daemon::start()?;
    let token = token::of("alice")?;
    let mut phone = Events::listen(&daemon, "device=phone", &token, "").await?;
    phone.expect("connected").await?;
    let mut bob = Client::of(&daemon, "bob", Codec::Json).await?;
    let send = |n: u64| json!({"user": "alice", "namespace": "messaging", "event": "E", "data": n, "wait": "stored"});
    for n in 1..=3 {
        bob.done("send", send(n), "sent").await?;
    }
    for n in 1..=3 {
        assert_eq!(phone.expect("entry").await?["data"], n);
    }
    let id = phone.id.clone();
    drop(phone);
    bob.done("send", send(4), "sent").await?;
    // Without a word of what it has, it gets all that it has not acknowledged.
    let mut anew = Events::listen(&daemon, "device=phone", &token, "").await?;
    for n in 1..=4 {
        assert_eq!(anew.expect("entry").await?["data"], n);
    }
    drop(anew);
    let mut back = Events::listen(&daemon, "device=phone", &token, &id).await?;
    assert_eq!(back.expect("connected").await?["inbox"]["delivered"], 3);
    assert_eq!(back.expect("entry").await?["data"], 4);
    drop(back);
    // That it has the first three it has said by coming back with them.
    let mut later = Events::listen(&daemon, "device=phone", &token, "").await?;
    assert_eq!(later.expect("connected").await?["inbox"]["delivered"], 3);
    assert_eq!(later.expect("entry").await?["data"], 4);
    Ok(())
}

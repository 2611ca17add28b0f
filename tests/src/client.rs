//! A client: tokio-tungstenite and little more.

use crate::codec::Codec;
use crate::daemon::Daemon;
use crate::token;
use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};

/// How long anything may take that ought to come at once.
const PATIENCE: Duration = Duration::from_secs(15);

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The WebSocket close frame's code; 1005 where it had none.
    pub code: u16,
    /// The WebSocket close frame's reason.
    pub reason: String,
    /// What the `close` frame of the protocol said before, if there was one.
    pub told: Option<Value>,
}

/// One connection.
#[derive(Debug)]
pub struct Client {
    socket: WebSocketStream<TcpStream>,
    codec: Codec,
    /// Frames that came before an answer that was waited for.
    passed: VecDeque<Value>,
    /// Frames of the last message that were not looked at yet.
    unread: VecDeque<Value>,
    last_id: u64,
}

impl Client {
    /// Opens a connection and says nothing.
    ///
    /// # Errors
    /// When the handshake fails.
    pub async fn open(daemon: &Daemon, codec: Codec) -> anyhow::Result<Self> {
        Self::over(TcpStream::connect(daemon.address()).await?, daemon, codec).await
    }

    /// The same over a TCP connection with settings of its own.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn over(stream: TcpStream, daemon: &Daemon, codec: Codec) -> anyhow::Result<Self> {
        stream.set_nodelay(true)?;
        let request = request(daemon, codec)?;
        let (socket, response) = in_time("a handshake", tokio_tungstenite::client_async(request, stream)).await??;
        let chosen = response.headers().get("sec-websocket-protocol").and_then(|name| name.to_str().ok());
        ensure!(chosen == Some(codec.subprotocol()), "the server chose {chosen:?}");
        Ok(Self { socket, codec, passed: VecDeque::new(), unread: VecDeque::new(), last_id: 0 })
    }

    /// Opens a connection and connects as `user`, with the right to everything.
    ///
    /// # Errors
    /// When the server does not let it in.
    pub async fn of(daemon: &Daemon, user: &str, codec: Codec) -> anyhow::Result<Self> {
        let mut client = Self::open(daemon, codec).await?;
        client.connect(user).await?;
        Ok(client)
    }

    /// Connects as `user`. Returns what `connected` holds.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn connect(&mut self, user: &str) -> anyhow::Result<Value> {
        self.done("connect", json!({"token": token::of(user)?}), "connected").await
    }

    /// Subscribes from now on. Returns what `subscribed` holds.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn subscribe(&mut self, channel: &str) -> anyhow::Result<Value> {
        self.done("subscribe", json!({"channel": channel}), "subscribed").await
    }

    /// Subscribes from a position on. Returns what `subscribed` holds.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn resume(&mut self, channel: &str, epoch: &Value, offset: u64) -> anyhow::Result<Value> {
        let since = json!({"epoch": epoch, "offset": offset});
        self.done("subscribe", json!({"channel": channel, "since": since}), "subscribed").await
    }

    /// Publishes and waits for the answer. Returns what `published` holds.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn publish(&mut self, channel: &str, event: &str, data: Value) -> anyhow::Result<Value> {
        self.done("publish", json!({"channel": channel, "event": event, "data": data}), "published").await
    }

    /// Gives a command and wants the answer called `answer`. Returns what that holds.
    ///
    /// # Errors
    /// When another answer comes.
    pub async fn done(&mut self, command: &str, body: Value, answer: &str) -> anyhow::Result<Value> {
        let mut frame = self.answer(command, body).await?;
        let Some(told) = frame.get_mut(answer) else { bail!("{command} was answered by {frame}") };
        Ok(told.take())
    }

    /// Gives a command and wants it refused. Returns the error's code.
    ///
    /// # Errors
    /// When it is not refused.
    pub async fn refused(&mut self, command: &str, body: Value) -> anyhow::Result<u64> {
        let frame = self.answer(command, body).await?;
        frame["error"]["code"].as_u64().with_context(|| format!("{command} was answered by {frame}"))
    }

    /// Gives a command and waits for the frame that answers it. What comes before stays to be read.
    ///
    /// # Errors
    /// When the connection ends first.
    pub async fn answer(&mut self, command: &str, body: Value) -> anyhow::Result<Value> {
        self.last_id += 1;
        let id = self.last_id;
        let mut frame = json!({"id": id});
        frame[command] = body;
        self.send(&[frame]).await?;
        loop {
            let frame = self.arrival().await?;
            if frame["id"] == id {
                return Ok(frame);
            }
            self.passed.push_back(frame);
        }
    }

    /// Sends frames in one message.
    ///
    /// # Errors
    /// When the connection ended.
    pub async fn send(&mut self, frames: &[Value]) -> anyhow::Result<()> {
        self.send_raw(self.codec.message(frames)?).await
    }

    /// Sends a message or a frame of WebSocket as it is.
    ///
    /// # Errors
    /// When the connection ended.
    pub async fn send_raw(&mut self, message: Message) -> anyhow::Result<()> {
        Ok(in_time("sending", self.socket.send(message)).await??)
    }

    /// The next frame. The server's pings are passed over.
    ///
    /// # Errors
    /// When none comes, or the connection ends.
    pub async fn frame(&mut self) -> anyhow::Result<Value> {
        match self.passed.pop_front() {
            Some(frame) => Ok(frame),
            None => self.arrival().await,
        }
    }

    /// What the next frame holds, which must be called `name`.
    ///
    /// # Errors
    /// When it is another.
    pub async fn expect(&mut self, name: &str) -> anyhow::Result<Value> {
        let mut frame = self.frame().await?;
        let Some(held) = frame.get_mut(name) else { bail!("{frame} came where {name} should have come") };
        Ok(held.take())
    }

    /// The next `count` entries, each of which must follow the one before.
    ///
    /// # Errors
    /// When something else comes.
    pub async fn entries(&mut self, count: usize) -> anyhow::Result<Vec<Value>> {
        let mut entries: Vec<Value> = Vec::with_capacity(count);
        for _ in 0..count {
            let entry = self.expect("entry").await?;
            if let Some(last) = entries.last() {
                ensure!(entry["stream"] == last["stream"], "{entry} is of another stream than {last}");
                let follows = entry["offset"].as_u64() == last["offset"].as_u64().map(|offset| offset + 1);
                ensure!(follows, "{entry} came after {last}");
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Sends to `user` again and again until that many sessions of the user are there.
    ///
    /// # Errors
    /// When that does not come to be.
    pub async fn wait_for_sessions(&mut self, user: &str, sessions: u64) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let body = json!({"user": user, "namespace": "realtime", "event": "there", "data": null});
            let there = self.done("send", body, "sent").await?["sessions"].take();
            if there == sessions {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{user} has {there} sessions, not {sessions}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Makes sure that nothing came that nobody looked at, up to an answer that the server gives now.
    ///
    /// # Errors
    /// When something did.
    pub async fn quiet(&mut self) -> anyhow::Result<()> {
        self.done("ping", json!({}), "pong").await?;
        ensure!(self.passed.is_empty(), "{:?} came, and nothing should have", self.passed);
        Ok(())
    }

    /// Takes what came before the last answer.
    pub fn passed(&mut self) -> impl Iterator<Item = Value> {
        self.passed.drain(..)
    }

    /// Reads on until the connection ends, and tells how.
    ///
    /// # Errors
    /// When it does not end, or without a close frame.
    pub async fn ending(&mut self) -> anyhow::Result<Ending> {
        let mut told = self.passed.drain(..).chain(self.unread.drain(..)).find_map(closing);
        loop {
            match self.message().await? {
                Message::Close(frame) => {
                    let (code, reason) = frame
                        .map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.as_str().to_owned()));
                    return Ok(Ending { code, reason, told });
                }
                message if message.is_text() || message.is_binary() => {
                    let frames = self.codec.frames(&message)?;
                    told = told.or(frames.into_iter().find_map(closing));
                }
                _ => {}
            }
        }
    }

    /// The payload of the next pong.
    ///
    /// # Errors
    /// When something else comes.
    pub async fn pong(&mut self) -> anyhow::Result<Vec<u8>> {
        match self.message().await? {
            Message::Pong(payload) => Ok(payload.to_vec()),
            message => bail!("{message:?} came where a pong should have come"),
        }
    }

    /// The TCP connection, for its settings.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        self.socket.get_ref()
    }

    /// Gives up the connection without a word.
    #[must_use]
    pub fn into_stream(self) -> TcpStream {
        self.socket.into_inner()
    }

    async fn arrival(&mut self) -> anyhow::Result<Value> {
        loop {
            if let Some(frame) = self.unread.pop_front() {
                return Ok(frame);
            }
            match self.message().await? {
                Message::Ping(_) | Message::Pong(_) => {}
                message @ Message::Close(_) => bail!("the server closed: {message:?}"),
                message => {
                    let frames = self.codec.frames(&message)?;
                    self.unread.extend(frames.into_iter().filter(|frame| frame.get("ping").is_none()));
                }
            }
        }
    }

    async fn message(&mut self) -> anyhow::Result<Message> {
        match in_time("a message of the server", self.socket.next()).await? {
            Some(message) => Ok(message?),
            None => Err(Error::ConnectionClosed.into()),
        }
    }
}

fn closing(mut frame: Value) -> Option<Value> {
    frame.get_mut("close").map(Value::take)
}

/// The request with which a client of `codec` begins.
///
/// # Errors
/// None; the address is always a good one.
pub fn request(daemon: &Daemon, codec: Codec) -> anyhow::Result<Request> {
    let mut request = daemon.url().into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(codec.subprotocol()));
    Ok(request)
}

/// Waits for what ought to come soon.
///
/// # Errors
/// When it does not.
pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> anyhow::Result<T> {
    timeout(PATIENCE, future).await.with_context(|| format!("{what} did not come in {PATIENCE:?}"))
}

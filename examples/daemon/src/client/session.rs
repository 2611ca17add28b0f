//! One connection.

use super::address::Address;
use super::commands::{Command, Connect, Numbered};
use super::frames::{Close, Connected, Failure, Frame};
use super::trust::NoTls;
use crate::out::plain;
use futures_util::{SinkExt as _, StreamExt as _};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// For connecting, the handshake included, and for the answer to a command.
const PATIENCE: Duration = Duration::from_secs(10);

/// The code of a `connect` that is not well-formed. After it the connection stays open, for another one.
const BAD_REQUEST: u16 = 2000;

/// More than any server sends in one message.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What the server's time between two pings may be late by.
const PING_GRACE: Duration = Duration::from_secs(15);

/// What a WebSocket is spoken over: with TLS or without.
trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// An open session.
pub(crate) struct Session {
    socket: WebSocketStream<Box<dyn Line>>,
    waiting: VecDeque<(Frame, String)>,
    told: Option<Close>,
    silence_max: Duration,
    id: u64,
}

/// How a connection ended, or why there was none.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It broke, or could not be made.
    Lost(String),
    /// Its certificate is not one that is believed, for this reason.
    Untrusted(String),
    /// The server said why.
    Closed(Close),
    /// The server said no to `connect`, and no more than that.
    Denied(Failure),
    /// The server answered the handshake with another status.
    Refused {
        /// The status.
        status: u16,
        /// What it said.
        body: String,
    },
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(cause) => f.write_str(cause),
            Self::Untrusted(why) => write!(
                f,
                "the server's certificate is not believed: {why}; is the address the one that it was made for, and its \
                 authority known to this system or named by --ca FILE?"
            ),
            Self::Closed(Close { code, reason, .. }) => {
                write!(f, "the server closed the connection: {} ({code})", plain(reason))?;
                match code {
                    3500 => f.write_str("; the token is not valid: another secret, expired, or not whole"),
                    3502 => f.write_str("; too much came from this client"),
                    3503 => f.write_str("; make a new token"),
                    _ => Ok(()),
                }
            }
            Self::Denied(Failure { code, name, message, .. }) => {
                write!(f, "the server refused to connect: {} ({code}): {}", plain(name), plain(message))
            }
            Self::Refused { status, body } => {
                write!(f, "the server refused the connection with HTTP status {status}: {}", plain(body.trim()))
            }
        }
    }
}

impl From<NoTls> for Ended {
    fn from(none: NoTls) -> Self {
        match none {
            NoTls::Untrusted(why) => Self::Untrusted(why),
            NoTls::Lost(cause) => Self::Lost(cause),
        }
    }
}

impl Ended {
    /// Whether the same attempt may succeed later: never when the server says no, or when the address is wrong.
    pub(crate) const fn may_come_back(&self) -> bool {
        match self {
            Self::Lost(_) => true,
            Self::Closed(close) => close.code < 3500,
            Self::Denied(_) | Self::Untrusted(_) => false,
            Self::Refused { status, .. } => *status >= 500 || *status == 429,
        }
    }

    /// When the server wants to see us again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Closed(Close { retry_after_ms: Some(ms), .. }) => Some(Duration::from_millis(*ms)),
            _ => None,
        }
    }
}

impl Session {
    /// Connects and says who is there.
    pub(crate) async fn open(address: &Address, connect: Connect<'_>) -> Result<(Self, Connected), Ended> {
        let silent = |_| Ended::Lost(format!("no answer from {} within {} s", address.authority, PATIENCE.as_secs()));
        let socket = timeout(PATIENCE, shake_hands(address)).await.map_err(silent)??;
        let mut session = Self { socket, waiting: VecDeque::new(), told: None, silence_max: PATIENCE, id: 0 };
        session.command(&Command::Connect(connect)).await?;
        loop {
            let (frame, _) = session.next().await?;
            if let Some(connected) = frame.connected {
                session.silence_max = 2 * Duration::from_millis(connected.ping_ms) + PING_GRACE;
                return Ok((session, connected));
            }
            // Another error is followed by a close that says what to do.
            if let Some(failure) = frame.error.filter(|failure| failure.code == BAD_REQUEST) {
                session.close().await;
                return Err(Ended::Denied(failure));
            }
        }
    }

    /// Sends a command and returns the id that its answer will have.
    pub(crate) async fn command(&mut self, command: &Command<'_>) -> Result<u64, Ended> {
        self.id += 1;
        self.write(Numbered { id: Some(self.id), command }).await?;
        Ok(self.id)
    }

    /// Sends a command that has no answer.
    pub(crate) async fn tell(&mut self, command: &Command<'_>) -> Result<(), Ended> {
        self.write(Numbered { id: None, command }).await
    }

    async fn write(&mut self, numbered: Numbered<'_>) -> Result<(), Ended> {
        let text = serde_json::to_string(&numbered).expect("a command holds nothing that JSON can't");
        match timeout(PATIENCE, self.socket.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            // What the server said before it closed tells more than that it has closed.
            Ok(Err(error)) => Err(self.last_words().await.unwrap_or_else(|| lost(&error))),
            Err(_) => Err(Ended::Lost("the server does not read what it is sent".into())),
        }
    }

    async fn last_words(&mut self) -> Option<Ended> {
        loop {
            match self.next().await {
                Ok(_) => {}
                Err(Ended::Lost(_)) => return None,
                Err(ended) => return Some(ended),
            }
        }
    }

    /// The next frame, read and as it came. May be dropped midway.
    pub(crate) async fn next(&mut self) -> Result<(Frame, String), Ended> {
        loop {
            if let Some(frame) = self.waiting.pop_front() {
                return Ok(frame);
            }
            let silent = |_| Ended::Lost("nothing was heard from the server for too long".into());
            match timeout(self.silence_max, self.socket.next()).await.map_err(silent)? {
                Some(Ok(Message::Text(text))) => self.take(&text)?,
                Some(Ok(Message::Close(close))) => {
                    let close = close.map(|close| Close {
                        code: close.code.into(),
                        reason: close.reason.to_string(),
                        retry_after_ms: None,
                    });
                    return Err(self.told.take().or(close).map_or_else(gone, Ended::Closed));
                }
                // Pings are answered by the library.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(self.told.take().map_or_else(|| lost(&error), Ended::Closed)),
                None => return Err(self.told.take().map_or_else(gone, Ended::Closed)),
            }
        }
    }

    fn take(&mut self, text: &str) -> Result<(), Ended> {
        for line in text.lines().filter(|line| !line.is_empty()) {
            let frame: Frame = serde_json::from_str(line)
                .map_err(|error| Ended::Lost(format!("the server sent what is no frame: {error}")))?;
            if let Some(close) = &frame.close {
                self.told = Some(close.clone());
            }
            self.waiting.push_back((frame, line.to_owned()));
        }
        Ok(())
    }

    /// Closes in order, as far as the server takes part.
    pub(crate) async fn close(mut self) {
        let _ = timeout(Duration::from_secs(2), async {
            self.socket.close(None).await?;
            while self.socket.next().await.is_some_and(|message| message.is_ok()) {}
            Ok::<_, Error>(())
        })
        .await;
    }
}

async fn shake_hands(address: &Address) -> Result<WebSocketStream<Box<dyn Line>>, Ended> {
    let tcp = TcpStream::connect(&address.authority).await.map_err(|error| {
        Ended::Lost(format!("can't reach a server at {}: {error}; `tidingsd` starts one", address.authority))
    })?;
    // Commands are small and somebody waits for each. It fails only when the connection is gone.
    let _ = tcp.set_nodelay(true);
    let line: Box<dyn Line> = match &address.trust {
        Some(trust) => Box::new(trust.connect(&address.host, tcp).await?),
        None => Box::new(tcp),
    };
    let mut request = address.url.as_str().into_client_request().map_err(|error| lost(&error))?;
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("tidings.v1.json"));
    let config =
        WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX)).max_frame_size(Some(MESSAGE_BYTES_MAX));
    match client_async_with_config(request, line, Some(config)).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(Ended::Refused {
            status: response.status().as_u16(),
            body: String::from_utf8_lossy(response.body().as_deref().unwrap_or_default()).into_owned(),
        }),
        Err(error) => Err(lost(&error)),
    }
}

fn lost(error: &Error) -> Ended {
    Ended::Lost(format!("the connection was lost: {error}"))
}

fn gone() -> Ended {
    Ended::Lost("the server has gone without a word".into())
}

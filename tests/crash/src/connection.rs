//! A connection whose two directions are apart, so that publications are under way while their answers come.

use anyhow::{Context, bail};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;
use tidings_e2e::codec::Codec;
use tidings_e2e::token;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// How long an answer may take that ought to come soon. Longer than any queue of a healthy daemon.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who connects, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who<'a> {
    /// The user.
    pub(crate) user: &'a str,
    /// The device, if it has a name.
    pub(crate) device: Option<&'a str>,
    /// The codec.
    pub(crate) codec: Codec,
}

/// The way there.
#[derive(Debug)]
pub(crate) struct Writer {
    sink: SplitSink<WebSocketStream<TcpStream>, Message>,
    codec: Codec,
}

impl Writer {
    /// Sends frames in one message.
    ///
    /// # Errors
    /// When the connection has ended.
    pub(crate) async fn send(&mut self, frames: &[Value]) -> anyhow::Result<()> {
        Ok(self.sink.send(self.codec.message(frames)?).await?)
    }
}

/// The way back.
#[derive(Debug)]
pub(crate) struct Reader {
    stream: SplitStream<WebSocketStream<TcpStream>>,
    codec: Codec,
    unread: VecDeque<Value>,
}

impl Reader {
    /// The next frame; the server's pings are passed over. Waits for as long as it takes.
    ///
    /// # Errors
    /// When the connection has ended, with the server's reason if it told one.
    pub(crate) async fn frame(&mut self) -> anyhow::Result<Value> {
        loop {
            if let Some(frame) = self.unread.pop_front() {
                if let Some(close) = frame.get("close") {
                    bail!("the daemon closed: {close}");
                }
                return Ok(frame);
            }
            match self.stream.next().await.context("the connection ended")?? {
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(frame) => bail!("the daemon closed: {frame:?}"),
                message => {
                    let frames = self.codec.frames(&message)?;
                    self.unread.extend(frames.into_iter().filter(|frame| frame.get("ping").is_none()));
                }
            }
        }
    }

    /// The next frame, which ought to come soon.
    ///
    /// # Errors
    /// As [`Reader::frame`], and when it does not come.
    pub(crate) async fn soon(&mut self, what: &str) -> anyhow::Result<Value> {
        timeout(PATIENCE, self.frame()).await.with_context(|| format!("{what} did not come in {PATIENCE:?}"))?
    }

    /// What the next frame holds, which must be called `name`.
    ///
    /// # Errors
    /// When it is another.
    pub(crate) async fn expect(&mut self, name: &str) -> anyhow::Result<Value> {
        let mut frame = self.soon(name).await?;
        let Some(held) = frame.get_mut(name) else { bail!("{frame} came where {name} should have come") };
        Ok(held.take())
    }
}

/// Opens a connection and connects. Returns both directions and what `connected` holds.
///
/// # Errors
/// When the daemon does not let it in.
pub(crate) async fn open(address: SocketAddr, who: Who<'_>) -> anyhow::Result<(Writer, Reader, Value)> {
    timeout(PATIENCE, open_at_last(address, who)).await.context("a connection took too long")?
}

async fn open_at_last(address: SocketAddr, who: Who<'_>) -> anyhow::Result<(Writer, Reader, Value)> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut request = format!("ws://{address}/ws").into_client_request()?;
    let subprotocol = HeaderValue::from_static(who.codec.subprotocol());
    request.headers_mut().insert("sec-websocket-protocol", subprotocol);
    let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    let (sink, stream) = socket.split();
    let mut writer = Writer { sink, codec: who.codec };
    let mut reader = Reader { stream, codec: who.codec, unread: VecDeque::new() };
    let mut connect = json!({"token": token::of(who.user)?});
    if let Some(device) = who.device {
        connect["device"] = device.into();
    }
    writer.send(&[json!({"id": 0, "connect": connect})]).await?;
    let connected = reader.expect("connected").await?;
    Ok((writer, reader, connected))
}

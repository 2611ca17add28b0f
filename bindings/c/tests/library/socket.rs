//! A WebSocket client that we did not write.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

/// How long anything may take that ought to come at once.
const PATIENCE: Duration = Duration::from_secs(15);

/// One connection.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    waiting: Vec<Value>,
    last_id: u64,
}

impl Client {
    /// Opens a connection to a port of this machine.
    pub(crate) async fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let request = format!("ws://127.0.0.1:{port}/ws").into_client_request().unwrap();
        let (socket, _) = client_async(request, stream).await.unwrap();
        Self { socket, waiting: Vec::new(), last_id: 0 }
    }

    /// The next frame, or the end.
    pub(crate) async fn frame(&mut self) -> Option<Value> {
        loop {
            if !self.waiting.is_empty() {
                return Some(self.waiting.remove(0));
            }
            let message = timeout(PATIENCE, self.socket.next()).await.expect("a frame comes in time")?;
            let Ok(Message::Text(text)) = message else { continue };
            self.waiting.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
    }

    /// The next frame of this name.
    pub(crate) async fn expect(&mut self, name: &str) -> Value {
        loop {
            let mut frame = self.frame().await.unwrap_or_else(|| panic!("the connection ended before `{name}`"));
            if frame.get(name).is_some() {
                return frame[name].take();
            }
        }
    }

    /// Says a command and returns the frame with its answer. What comes before is passed over.
    pub(crate) async fn ask(&mut self, command: &str, body: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let text = json!({"id": id, command: body}).to_string();
        self.socket.send(Message::text(text)).await.unwrap();
        loop {
            let frame =
                self.frame().await.unwrap_or_else(|| panic!("the connection ended before the answer to {command}"));
            if frame["id"] == id {
                return frame;
            }
        }
    }

    /// Ends the connection without a word.
    pub(crate) fn cut(self) {
        drop(self.socket.into_inner());
    }
}

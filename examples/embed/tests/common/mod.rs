//! The application on a port of its own, and a client that we did not write.
#![allow(dead_code, reason = "each test file uses its own part")]

use embed::router;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tidings::Engine;
use tidings::config::Config;
use tidings::host::Host;
use tidings_transports::Origins;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Server {
    pub(crate) engine: Engine,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) async fn start(config: Config, host: impl Host) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let engine = Engine::start(config, host).unwrap();
        let app = router(engine.clone(), Origins::default());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { engine, address }
    }

    /// Sends a request and returns the whole answer.
    pub(crate) async fn http(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    }

    /// A connection on which nothing was said yet.
    pub(crate) async fn open(&self) -> Client {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("ws://{}/ws", self.address).into_client_request().unwrap();
        let (socket, response) = client_async(request, stream).await.unwrap();
        assert_eq!(response.status(), 101);
        Client(socket)
    }

    /// A connected user.
    pub(crate) async fn connect(&self, token: &str) -> Client {
        let mut client = self.open().await;
        let answer = client.ask(json!({"id": 1, "connect": {"token": token}})).await;
        assert!(answer["connected"].is_object(), "{answer}");
        client
    }
}

pub(crate) struct Client(WebSocketStream<TcpStream>);

impl Client {
    pub(crate) async fn send(&mut self, command: Value) {
        self.0.send(Message::text(command.to_string())).await.unwrap();
    }

    /// The next frame of the protocol.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("a frame in time");
            match message.expect("the connection is open").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).expect("one frame"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) async fn ask(&mut self, command: Value) -> Value {
        self.send(command).await;
        self.next().await
    }

    pub(crate) async fn call(&mut self, id: u64, method: &str, data: Value) -> Value {
        self.ask(json!({"id": id, "call": {"method": method, "data": data}})).await
    }

    pub(crate) async fn subscribe(&mut self, channel: &str) -> Value {
        self.ask(json!({"id": 2, "subscribe": {"channel": channel}})).await
    }

    /// The close of the protocol, and then that of the WebSocket.
    pub(crate) async fn expect_close(&mut self, code: u16) {
        let close = self.next().await;
        assert_eq!(close["close"]["code"], code, "{close}");
        let message = timeout(PATIENCE, self.0.next()).await.expect("a close in time");
        let Some(Ok(Message::Close(Some(frame)))) = message else { panic!("{message:?}") };
        assert_eq!(u16::from(frame.code), code);
    }
}

//! A client that speaks the protocol, rightly or not.

use super::client::{Client, upgrade_request};
use super::daemon::Daemon;
use super::tool::token;
use serde_json::{Value, json};

/// A WebSocket connection in JSON.
pub(crate) struct Session {
    pub(crate) client: Client,
}

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

impl Session {
    /// A connection on which nothing was said yet.
    pub(crate) fn open(daemon: &Daemon) -> Self {
        Self { client: Client::upgrade(daemon.address, "/ws") }
    }

    /// The same in MessagePack.
    pub(crate) fn open_msgpack(daemon: &Daemon) -> Self {
        let mut client = Client::connect(daemon.address);
        client.send(upgrade_request("/ws", "Sec-WebSocket-Protocol: tidings.v1.msgpack\r\n").as_bytes());
        let response = client.response();
        assert_eq!(response.status, 101, "{response:?}");
        Self { client }
    }

    /// A connected user with all rights.
    pub(crate) fn connect(daemon: &Daemon, user: &str) -> Self {
        Self::connect_with(daemon, &token(&["--user", user]))
    }

    /// A connected user with this token.
    pub(crate) fn connect_with(daemon: &Daemon, token: &str) -> Self {
        let mut session = Self::open(daemon);
        let answer = session.ask(&json!({"id": 1, "connect": {"token": token}}));
        assert!(answer["connected"].is_object(), "{answer}");
        session
    }

    /// The same, subscribed to a channel.
    pub(crate) fn subscribe(daemon: &Daemon, user: &str, channel: &str) -> Self {
        let mut session = Self::connect(daemon, user);
        let answer = session.ask(&json!({"id": 2, "subscribe": {"channel": channel}}));
        assert!(answer["subscribed"].is_object(), "{answer}");
        session
    }

    pub(crate) fn send(&mut self, text: impl ToString) {
        self.client.send_frame(TEXT, text.to_string().as_bytes());
    }

    /// Sends one command and returns the next frame.
    #[track_caller]
    pub(crate) fn ask(&mut self, command: &Value) -> Value {
        self.send(command);
        self.next()
    }

    /// The next frame that is not a ping.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Value {
        loop {
            let frame = self.client.frame().expect("the connection is open");
            match frame.first {
                TEXT => {
                    let value: Value = serde_json::from_slice(&frame.payload).expect("one frame of JSON");
                    if value.get("ping").is_none() {
                        return value;
                    }
                }
                PING | PONG => {}
                _ => panic!("{frame:?}"),
            }
        }
    }

    /// The name of the error that answers this text; the session is as alive afterwards as before.
    #[track_caller]
    pub(crate) fn error_to(&mut self, text: impl ToString) -> String {
        let text = text.to_string();
        self.send(&text);
        let answer = self.next();
        let shown: String = text.chars().take(200).collect();
        answer["error"]["name"].as_str().unwrap_or_else(|| panic!("{shown} was answered {answer}")).to_owned()
    }

    /// The connection answers.
    #[track_caller]
    pub(crate) fn assert_alive(&mut self) {
        let answer = self.ask(&json!({"id": 99, "ping": {}}));
        assert_eq!(answer, json!({"id": 99, "pong": {}}));
    }

    /// Waits for the protocol's close and the WebSocket's, and returns the first, passing over all that comes before.
    #[track_caller]
    pub(crate) fn expect_close(&mut self, code: u16) -> Value {
        let mut before = 0;
        loop {
            let frame = self.client.frame();
            let frame = frame.unwrap_or_else(|| panic!("a close comes first; {before} other frames came"));
            before += 1;
            match frame.first {
                TEXT => {
                    let value: Value = serde_json::from_slice(&frame.payload).expect("one frame of JSON");
                    if let Some(close) = value.get("close") {
                        assert_eq!(close["code"], code, "{close}");
                        self.client.expect_close(code);
                        return close.clone();
                    }
                }
                0x88 => panic!("closed without a word: {frame:?}"),
                _ => {}
            }
        }
    }
}

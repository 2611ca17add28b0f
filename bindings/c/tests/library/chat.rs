//! The chat server in `examples/chat.c`, driven by real clients.

use crate::compiler::{Program, SANITIZED};
use crate::socket::Client;
use serde_json::json;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Stdio};

const CHESS: &str = "messaging:chess";

struct Chat {
    child: Child,
    output: BufReader<ChildStdout>,
    port: u16,
    _program: Program,
}

impl Chat {
    fn start() -> Self {
        let program = Program::compile("examples/chat.c", &SANITIZED);
        let mut command = program.with(&["127.0.0.1:0"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("listening on port ").expect("it says where").parse().unwrap();
        Self { child, output, port, _program: program }
    }

    async fn join(&self, token: &str) -> Client {
        let mut client = Client::open(self.port).await;
        let answer = client.ask("connect", json!({"token": token})).await;
        assert!(answer["connected"].is_object(), "{answer}");
        client
    }

    fn stop(mut self) -> String {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {rest}");
        rest
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        // It has ended already, where all went well.
        let _ = self.child.kill();
    }
}

#[tokio::test]
async fn people_chat_in_their_rooms() {
    let chat = Chat::start();
    let mut alice = chat.join("alice:wonderland").await;
    let mut bob = chat.join("bob:builder").await;
    assert_eq!(alice.expect("entry").await["event"], "notification:new");
    for client in [&mut alice, &mut bob] {
        assert!(client.ask("subscribe", json!({"channel": CHESS})).await["subscribed"].is_object());
    }
    let publication = json!({"channel": CHESS, "event": "NEW_MESSAGE", "data": {"text": "e4"}});
    assert_eq!(alice.ask("publish", publication.clone()).await["published"]["offset"], 1);
    let entry = bob.expect("entry").await;
    assert_eq!((&entry["data"]["text"], &entry["from"]), (&json!("e4"), &json!("alice")));
    assert_eq!(bob.ask("call", json!({"method": "rooms"})).await["result"], json!([CHESS]));
    assert_eq!(bob.ask("call", json!({"method": "fly"})).await["error"]["code"], 2004);

    let mut carol = chat.join("carol:christmas").await;
    let refused = carol.ask("subscribe", json!({"channel": CHESS})).await;
    assert_eq!(
        (&refused["error"]["code"], &refused["error"]["message"]),
        (&json!(2003), &json!("you are not in this room"))
    );
    assert_eq!(carol.ask("publish", publication).await["error"]["code"], 2003);
    // Nobody is asked whether users may be watched here: a plain no, at once.
    assert_eq!(carol.ask("watch", json!({"users": ["alice"]})).await["error"]["code"], 2003);
    let mut mallory = Client::open(chat.port).await;
    assert_eq!(mallory.ask("connect", json!({"token": "mallory"})).await["error"]["code"], 2001);
    for client in [alice, bob, carol, mallory] {
        client.cut();
    }
    assert_eq!(chat.stop(), "stopped, 0 left\n");
}

#[tokio::test]
async fn who_loses_a_connection_goes_on_where_it_was() {
    let chat = Chat::start();
    let mut alice = chat.join("alice:wonderland").await;
    let mut bob = Client::open(chat.port).await;
    let connected = bob.ask("connect", json!({"token": "bob:builder"})).await["connected"].take();
    let subscribed = bob.ask("subscribe", json!({"channel": CHESS})).await["subscribed"].take();
    bob.cut();
    for number in 1..=3 {
        alice.ask("publish", json!({"channel": CHESS, "event": "NEW_MESSAGE", "data": number})).await;
    }
    let mut bob = Client::open(chat.port).await;
    let positions = [json!({"channel": CHESS, "epoch": subscribed["epoch"], "offset": subscribed["offset"]})];
    let resume = json!({"session": connected["session"], "secret": connected["secret"], "positions": positions});
    let again = bob.ask("connect", json!({"token": "bob:builder", "resume": resume})).await["connected"].take();
    assert_eq!((&again["resumed"], &again["session"]), (&json!(true), &connected["session"]));
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let entry = bob.expect("entry").await;
        if entry["event"] == "NEW_MESSAGE" {
            seen.push(entry["data"].clone());
        }
    }
    assert_eq!(seen, [1, 2, 3]);
    alice.cut();
    bob.cut();
    chat.stop();
}

/// Clients are told to come back, and the server does not wait for those that do not go.
#[tokio::test]
async fn a_stop_tells_everybody() {
    let chat = Chat::start();
    let mut alice = chat.join("alice:wonderland").await;
    let port = chat.port;
    let stopped = tokio::task::spawn_blocking(move || chat.stop());
    assert_eq!(alice.expect("close").await["code"], 3001);
    while alice.frame().await.is_some() {}
    assert_eq!(stopped.await.unwrap(), "stopped, 0 left\n");
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

//! An issuer that publishes what a test says, and counts who asks.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The rows of the known answers.
pub(crate) fn known() -> Vec<Value> {
    let known: Value = serde_json::from_str(include_str!("../known_answers/tokens.json")).unwrap();
    known["tokens"].as_array().unwrap().clone()
}

/// A token of this algorithm.
pub(crate) fn token_of(algorithm: &str) -> String {
    let rows = known();
    let row = rows.iter().find(|row| row["algorithm"] == algorithm).unwrap();
    row["token"].as_str().unwrap().to_owned()
}

/// A token under a key that nobody has.
pub(crate) fn unknown(n: usize) -> String {
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = encode(json!({"alg": "RS256", "kid": format!("nobody-{n}")}));
    let claims = encode(json!({"sub": "mallory", "exp": 253_402_300_000_u64, "aud": "tidings"}));
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([7; 256]))
}

/// What is answered.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: String,
    body: String,
}

impl Answer {
    pub(crate) fn body_of(body: &str) -> Self {
        Self { status: 200, headers: String::new(), body: body.to_owned() }
    }

    /// The public keys of these rows, each once.
    pub(crate) fn keys(rows: &[Value]) -> Self {
        let mut keys: Vec<Value> = rows.iter().filter_map(|row| row.get("jwk").cloned()).collect();
        keys.dedup();
        Self::body_of(&json!({ "keys": keys }).to_string())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::body_of("").with_status(status)
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::status(302).header("Location", to)
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers += &format!("{name}: {value}\r\n");
        self
    }

    pub(crate) fn body(&self) -> &str {
        &self.body
    }
}

struct Inner {
    answers: Mutex<HashMap<String, Answer>>,
    requests: AtomicUsize,
    held: watch::Sender<bool>,
}

/// The server. It ends with the test's runtime.
pub(crate) struct Issuer {
    port: u16,
    inner: Arc<Inner>,
}

impl Issuer {
    /// A server that gives this answer at `/keys`.
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers = Mutex::new(HashMap::from([("/keys".to_owned(), answer)]));
        let inner = Arc::new(Inner { answers, requests: AtomicUsize::new(0), held: watch::Sender::new(false) });
        let serving = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inner = Arc::clone(&serving);
                tokio::spawn(async move { serve(stream, &inner).await });
            }
        });
        Self { port, inner }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn answer(&self, answer: Answer) {
        self.at("/keys", answer);
    }

    pub(crate) fn at(&self, path: &str, answer: Answer) {
        self.inner.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// Requests that came.
    pub(crate) fn requests(&self) -> usize {
        self.inner.requests.load(Ordering::SeqCst)
    }

    /// Answers nobody until [`Issuer::release`].
    pub(crate) fn hold(&self) {
        self.inner.held.send_replace(true);
    }

    pub(crate) fn release(&self) {
        self.inner.held.send_replace(false);
    }
}

async fn serve(mut stream: TcpStream, inner: &Inner) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut chunk = [0; 1_024];
        match stream.read(&mut chunk).await {
            Ok(read) if read > 0 => request.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
    inner.requests.fetch_add(1, Ordering::SeqCst);
    let mut held = inner.held.subscribe();
    held.wait_for(|held| !held).await.unwrap();
    let path = String::from_utf8(request).unwrap().split(' ').nth(1).unwrap().to_owned();
    let answer = inner.answers.lock().unwrap().get(&path).cloned().unwrap_or_else(|| Answer::status(404));
    let Answer { status, headers, body } = answer;
    let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
}

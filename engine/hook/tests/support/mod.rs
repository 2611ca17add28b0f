//! An application that answers as a test says, and sessions of an engine that asks it.
#![allow(dead_code, reason = "each test file uses its own part")]

use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::LOCATION;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings::Engine;
use tidings::config::Config;
use tidings::host::{Admission, ConnectAsk, Denial, Host};
use tidings::local::Local;
use tidings_hook::{Hook, Hooked, Options, Secret};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// What a test waits for at most.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What the application does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Answers with this status and body.
    Answer(u16, String),
    /// Answers after a while.
    Slow(Duration, String),
    /// Sends another address.
    Moved(String),
    /// Says nothing.
    Silence,
    /// Begins an answer and never ends it.
    Half,
    /// Sends without an end.
    Endless,
    /// Ends the connection.
    Hangup,
}

impl Reply {
    pub(crate) fn ok(body: &Value) -> Self {
        Self::Answer(200, body.to_string())
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    pub(crate) body: Value,
}

type Handler = dyn Fn(&Value) -> Reply + Send + Sync;

/// An application on a port of its own.
pub(crate) struct App {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    handler: Mutex<Arc<Handler>>,
    asked: Mutex<Vec<Asked>>,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl App {
    pub(crate) async fn start(handler: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/tidings?key=in-the-query", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            handler: Mutex::new(Arc::new(handler)),
            asked: Mutex::default(),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            loop {
                let socket = listener.accept().await.unwrap().0;
                let shared = Arc::clone(&serving);
                let service = service_fn(move |request| answer(Arc::clone(&shared), request));
                tokio::spawn(async move {
                    // Clients that give up are part of the tests.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { url, shared }
    }

    /// Answers differently from now on.
    pub(crate) fn now(&self, handler: impl Fn(&Value) -> Reply + Send + Sync + 'static) {
        *self.shared.handler.lock().unwrap() = Arc::new(handler);
    }

    /// What was asked since this was called last.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.shared.asked.lock().unwrap())
    }

    /// Most requests that were there at a time.
    pub(crate) fn most(&self) -> usize {
        self.shared.most.load(Ordering::SeqCst)
    }

    /// Options that lead here, with little patience.
    pub(crate) fn options(&self) -> Options {
        let mut options = Options::new(self.url.clone(), Secret::new(SECRET).unwrap());
        options.allow_http = true;
        options.timeout_ms = 300;
        options.deadline_ms = 3_000;
        options.bounds.failures_max = 1_000;
        options
    }
}

struct Counted(Arc<Shared>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

type Answer = Result<Response<BoxBody<Bytes, Infallible>>, std::io::Error>;

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Answer {
    let now = shared.now.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most.fetch_max(now, Ordering::SeqCst);
    let _counted = Counted(Arc::clone(&shared));
    let (Parts { headers, .. }, body) = request.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    shared.asked.lock().unwrap().push(Asked { headers, bytes, body: body.clone() });
    let handler = Arc::clone(&*shared.handler.lock().unwrap());
    let full = |text: String| Full::new(Bytes::from(text)).boxed();
    let response = match handler(&body) {
        Reply::Answer(status, text) => Response::builder().status(status).body(full(text)),
        Reply::Slow(after, text) => {
            tokio::time::sleep(after).await;
            Response::builder().body(full(text))
        }
        Reply::Moved(to) => Response::builder().status(307).header(LOCATION, to).body(full(r#"{"allow":true}"#.into())),
        Reply::Silence => std::future::pending().await,
        Reply::Half => Response::builder().body(stream(1)),
        Reply::Endless => Response::builder().body(stream(usize::MAX)),
        Reply::Hangup => return Err(std::io::ErrorKind::ConnectionReset.into()),
    };
    Ok(response.unwrap())
}

/// So many pieces of an answer, and then silence.
fn stream(pieces: usize) -> BoxBody<Bytes, Infallible> {
    let mut left = pieces;
    let stream = futures_util::stream::poll_fn(move |_| {
        if left == 0 {
            return std::task::Poll::Pending;
        }
        left -= 1;
        let piece = if pieces == 1 { Bytes::from_static(b"{\"allow\":true") } else { Bytes::from(vec![b' '; 16_384]) };
        std::task::Poll::Ready(Some(Ok(Frame::data(piece))))
    });
    StreamBody::new(stream).boxed()
}

/// Lets everybody in under the name that the token is, without rights.
pub(crate) struct Names;

impl Host for Names {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        Ok(Admission::new(ask.token))
    }
}

/// An engine whose questions go to an application.
pub(crate) fn engine(options: Options) -> (Engine, Hook) {
    let mut config = Config::default();
    config.limits.messages_per_minute = 0;
    config.limits.others_per_minute = 0;
    let hook = Hook::new(options).unwrap();
    (Engine::start(config, Hooked::new(hook.clone(), Names)).unwrap(), hook)
}

/// One session.
pub(crate) struct Session(Local);

impl Session {
    pub(crate) fn open(engine: &Engine) -> Self {
        Self(engine.connect_local().unwrap())
    }

    /// A session of this user's.
    pub(crate) async fn of(engine: &Engine, user: &str) -> Self {
        let session = Self::open(engine);
        let answer = session.ask(json!({"connect": {"token": user}})).await;
        assert!(answer["connected"].is_object(), "{answer}");
        session
    }

    pub(crate) async fn next(&self) -> Option<Value> {
        let frames = timeout(PATIENCE, self.0.receive()).await.expect("a frame in time")?;
        Some(serde_json::from_str(frames.lines().next().unwrap()).unwrap())
    }

    /// Gives a command and returns what comes next.
    pub(crate) async fn ask(&self, mut command: Value) -> Value {
        command["id"] = json!(7);
        self.0.send(&command.to_string());
        self.next().await.unwrap()
    }

    /// The code of the error that a question to subscribe ends with; 0 for none.
    pub(crate) async fn subscribe(&self, channel: &str) -> u64 {
        let answer = self.ask(json!({"subscribe": {"channel": channel}})).await;
        if answer["subscribed"].is_object() { 0 } else { answer["error"]["code"].as_u64().unwrap() }
    }
}

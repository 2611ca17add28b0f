//! WebSocket in front of an engine.

use super::{handshake::Handshake, serving::Serving, socket::WebSocket, upgrade::Upgrade};
use crate::{
    limits::Limits,
    origin::Origins,
    peer::Peer,
    visitors::{Newcomer, Visitors, whole_seconds},
};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};
use std::{sync::Arc, time::Duration};
use tidings::{Code, Engine};
use tidings_proto::wire::WireForm;

const JSON: &str = "tidings.v1.json";
const MSGPACK: &str = "tidings.v1.msgpack";

const BEGINS_TOO_OFTEN: &str = "This address begins too many connections; wait as long as Retry-After says.\n";
const FAILED_TOO_OFTEN: &str =
    "This address brought too many tokens that are not good; wait as long as Retry-After says.\n";

/// When a client that found no room should come back, in seconds.
const RETRY_AFTER_SECONDS: &str = "5";

/// Turns upgrade requests into sessions of an engine.
///
/// It works in every server built on hyper 1, axum among them: hand it the request as it came from the server and
/// send what it returns.
#[derive(Debug, Clone)]
pub struct Gateway {
    engine: Engine,
    handshake: Handshake,
    limits: Arc<Limits>,
    visitors: Visitors,
}

impl Gateway {
    /// A gateway for the pages of these origins. `limits.message_bytes_max` is taken from the engine.
    #[must_use]
    pub fn new(engine: Engine, origins: Origins, mut limits: Limits) -> Self {
        limits.message_bytes_max = engine.message_bytes_max();
        let handshake = Handshake::new(origins).with_subprotocols(&[MSGPACK, JSON]);
        Self { engine, handshake, limits: Arc::new(limits), visitors: Visitors::default() }
    }

    /// The same, with this book of visitors: one that others share.
    #[must_use]
    pub fn with_visitors(mut self, visitors: Visitors) -> Self {
        self.visitors = visitors;
        self
    }

    /// Answers an upgrade request. The session begins by itself when the answer was sent.
    pub fn handle<B>(&self, request: &mut Request<B>) -> Response<Full<Bytes>> {
        if !self.engine.has_room() {
            metrics::counter!("tidings_ws_rejections_total", "reason" => "full").increment(1);
            return full();
        }
        let address = request.extensions().get::<Peer>().map(Peer::address);
        if let Some(Err(wait)) = address.map(|address| self.visitors.may_prove(address)) {
            metrics::counter!("tidings_ws_rejections_total", "reason" => "failed_auths").increment(1);
            return come_back(FAILED_TOO_OFTEN, wait);
        }
        if let Some(Err(wait)) = address.map(|address| self.visitors.begin(address)) {
            metrics::counter!("tidings_ws_rejections_total", "reason" => "too_often").increment(1);
            return come_back(BEGINS_TOO_OFTEN, wait);
        }
        let accepted = match self.handshake.accept(request) {
            Ok(accepted) => accepted,
            Err(rejection) => {
                rejection.count();
                return rejection.response();
            }
        };
        let form = match accepted.subprotocol {
            Some(MSGPACK) => WireForm::WebSocketMsgpack,
            _ => WireForm::WebSocketJson,
        };
        let (engine, limits, upgrade) = (self.engine.clone(), Arc::clone(&self.limits), accepted.upgrade);
        let newcomer = address.and_then(|address| self.visitors.newcomer(address));
        tokio::spawn(async move {
            // Boxed, because a task is as large as the most it ever holds, and this is over when the session begins.
            let Some(mut serving) = Box::pin(begin(engine, upgrade, form, limits, newcomer)).await else { return };
            serving.run().await;
        });
        accepted.response
    }
}

/// Waits for the connection and opens a session on it. `None` when there is none, or no room.
async fn begin(
    engine: Engine,
    upgrade: Upgrade,
    form: WireForm,
    limits: Arc<Limits>,
    newcomer: Option<Box<Newcomer>>,
) -> Option<Serving> {
    // A peer that is gone before its WebSocket began is no matter of ours.
    let connection = upgrade.await.ok()?;
    if !engine.has_room() {
        let mut socket = WebSocket::new(connection, limits);
        let code = if engine.is_stopping() { Code::Shutdown } else { Code::Overloaded };
        // It goes away either way.
        let _ = socket.close(code.number(), code.name()).await;
        return None;
    }
    Serving::open(&engine, connection, form, limits, newcomer).ok()
}

/// The answer to an address that comes, or fails, too often.
fn come_back(text: &'static str, wait: Duration) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The answer when there is no room for one more connection.
fn full() -> Response<Full<Bytes>> {
    let text = "The server takes no more connections now; come back in a few seconds.\n";
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

//! Server-sent events in front of an engine.

use super::{
    answers::{COME_BACK_MS, Refusal, accepted, come_back},
    ask::Ask,
    opening::Opening,
    places::Places,
    serving::{Serving, Times},
};
use crate::{
    cors::Cors, limits::Limits, origin::Origins, peer::Peer, seat::Seat, takeover::TakeOver, visitors::Visitors,
};
use bytes::{Buf, Bytes};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Body,
    header::{ACCEPT, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue},
};
use std::{
    error::Error,
    fmt::Write,
    str::FromStr,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tidings::{Codec, Engine};
use tokio::time::timeout;

/// The session that a POST is for, and what proves that it may.
const SESSION: HeaderName = HeaderName::from_static("tidings-session");
const SECRET: HeaderName = HeaderName::from_static("tidings-secret");

const METHODS: &str = "GET, POST";
const HEADERS: &str = "Authorization, Content-Type, Last-Event-ID, Tidings-Session, Tidings-Secret";

/// The head of a stream, but for what each has of its own. Nothing on the way may keep, change or wait with any of it.
const HEAD: &str = "HTTP/1.1 200 OK\r\n\
    Content-Type: text/event-stream; charset=utf-8\r\n\
    Cache-Control: no-cache, no-store, no-transform\r\n\
    X-Accel-Buffering: no\r\n\
    X-Content-Type-Options: nosniff\r\n\
    Connection: close\r\n";

/// Turns requests for server-sent events into sessions of an engine.
///
/// It works in [`crate::serve`] alone, whose sockets it takes over; behind another server it answers 501. Hand it every
/// request for its address, whatever the method, and send what it returns:
///
/// - `GET`: a stream of the channels that the query names, for `curl -N` and a browser's bare `EventSource`. The token stands in
///   `Authorization: Bearer` or in the query. `Last-Event-ID` resumes.
/// - `POST` with `Accept: text/event-stream`: a stream for a client that speaks the protocol; its first frames are the body.
/// - `POST` with `Tidings-Session` and `Tidings-Secret`: frames of a session that is connected, whichever its transport.
/// - `OPTIONS`: what a browser asks before it lets a page send the others.
///
/// ```no_run
/// # async fn example(engine: tidings::Engine) -> Result<(), Box<dyn std::error::Error>> {
/// use hyper::{Request, body::Incoming, service::service_fn};
/// use std::{convert::Infallible, sync::Arc};
/// use tidings_transports::{Limits, Origins, Sse, serve};
/// use tokio::{net::TcpListener, sync::watch};
///
/// let sse = Sse::new(engine, Origins::default(), Limits::default());
/// let service = service_fn(move |mut request: Request<Incoming>| {
///     let sse = sse.clone();
///     async move { Ok::<_, Infallible>(sse.handle(&mut request).await) }
/// });
/// let (_stop, stopped) = watch::channel(false);
/// serve(TcpListener::bind("127.0.0.1:8080").await?, Arc::new(Limits::default()), service, stopped).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Sse {
    engine: Engine,
    cors: Cors,
    limits: Arc<Limits>,
    visitors: Visitors,
}

impl Sse {
    /// A gateway for the pages of these origins. `limits.message_bytes_max` is taken from the engine.
    #[must_use]
    pub fn new(engine: Engine, origins: Origins, mut limits: Limits) -> Self {
        limits.message_bytes_max = engine.message_bytes_max();
        let cors = Cors::new(origins, METHODS, HEADERS);
        Self { engine, cors, limits: Arc::new(limits), visitors: Visitors::default() }
    }

    /// The same, with this book of visitors: one that others share.
    #[must_use]
    pub fn with_visitors(mut self, visitors: Visitors) -> Self {
        self.visitors = visitors;
        self
    }

    /// Answers a request. Where that is a stream, it begins by itself when the answer was given back.
    pub async fn handle<B>(&self, request: &mut Request<B>) -> Response<Full<Bytes>>
    where
        B: Body + Send + Unpin,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        if request.method() == Method::OPTIONS {
            return self.cors.preflight(request.headers());
        }
        if !self.cors.allows(request.headers()) {
            metrics::counter!("tidings_sse_rejections_total", "status" => "403").increment(1);
            return self.cors.refusal(request.headers());
        }
        let address = request.extensions().get::<Peer>().map(Peer::address);
        let may_prove = address.map_or(Ok(()), |address| self.visitors.may_prove(address));
        let answered = match (may_prove, request.method()) {
            (Err(wait), _) => Err(Refusal::failed_too_often(wait)),
            (_, &Method::GET) => self.listen(request).await,
            (_, &Method::POST) => self.post(request).await,
            _ => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method", "send GET or POST")),
        };
        if let (Some(address), Err(refusal)) = (address, &answered)
            && refusal.is_unproven
        {
            self.visitors.failed(address);
        }
        let mut answer = answered.unwrap_or_else(Refusal::answer);
        self.cors.admit(request.headers(), answer.headers_mut());
        answer
    }

    /// A stream of what the address names.
    async fn listen<B>(&self, request: &Request<B>) -> Result<Response<Full<Bytes>>, Refusal> {
        if self.engine.is_stopping() {
            return Ok(come_back(COME_BACK_MS));
        }
        self.greet(request)?;
        let way = Way::of(request)?;
        let ask = Ask::read(request.uri().query(), request.headers())?;
        let mut opening = Opening::begin(&self.engine)?;
        let places = opening.listen(&ask).await?;
        self.open(way, opening, Some(places), request.headers())
    }

    /// Frames: the first ones of a stream, or more for a session that has one.
    async fn post<B>(&self, request: &mut Request<B>) -> Result<Response<Full<Bytes>>, Refusal>
    where
        B: Body + Send + Unpin,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let headers = request.headers();
        let is_up = headers.contains_key(SESSION) || headers.contains_key(SECRET);
        if !is_up && !wants_a_stream(headers) {
            let text = "to open a stream, send Accept: text/event-stream; to send frames of a session that has one, send \
                        the session and the secret that `connected` told, in Tidings-Session and Tidings-Secret";
            return Err(Refusal::bad(text));
        }
        if !holds_text(headers) {
            let text = "send frames as Content-Type: application/json, one a line";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type", text));
        }
        if is_up {
            let frames = self.body(request.body_mut()).await?;
            return self.feed(request.headers(), &frames);
        }
        self.greet(request)?;
        let way = Way::of(request)?;
        let frames = self.body(request.body_mut()).await?;
        if self.engine.is_stopping() {
            return Ok(come_back(COME_BACK_MS));
        }
        let mut opening = Opening::begin(&self.engine)?;
        opening.converse(&frames).await?;
        self.open(way, opening, None, request.headers())
    }

    /// Counts a stream that an address begins.
    fn greet<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let Some(peer) = request.extensions().get::<Peer>() else { return Ok(()) };
        self.visitors.begin(peer.address()).map_err(Refusal::too_often)
    }

    /// All of a body, within the limits.
    async fn body<B>(&self, body: &mut B) -> Result<Bytes, Refusal>
    where
        B: Body + Send + Unpin,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let bytes_max = self.limits.message_bytes_max;
        let too_large = || {
            let text = format!("message_bytes_max: a body has at most {bytes_max} bytes");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", text)
        };
        if body.size_hint().lower() > bytes_max as u64 {
            return Err(too_large());
        }
        let patience = Duration::from_millis(self.limits.message_timeout_ms);
        match timeout(patience, Limited::new(body, bytes_max).collect()).await {
            Ok(Ok(body)) => {
                let mut body = body.aggregate();
                Ok(body.copy_to_bytes(body.remaining()))
            }
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(Refusal::bad("the body could not be read to its end")),
            Err(_) => {
                let text = "message_timeout_ms: the body did not come in time";
                Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", text))
            }
        }
    }

    fn feed(&self, headers: &HeaderMap, frames: &[u8]) -> Result<Response<Full<Bytes>>, Refusal> {
        let named = single(headers, &SESSION).zip(single(headers, &SECRET));
        let fed = named.is_some_and(|(session, secret)| self.engine.feed(session, secret, Codec::Json, frames));
        if fed {
            return Ok(accepted());
        }
        Err(Refusal::unknown_session())
    }

    /// Answers with a stream.
    fn open(
        &self,
        way: Way,
        opening: Opening,
        places: Option<Places>,
        request: &HeaderMap,
    ) -> Result<Response<Full<Bytes>>, Refusal> {
        let taken = way.take_over.take().ok_or_else(|| {
            Refusal::bad("a stream is asked for by one request alone, and not before earlier ones were answered")
        })?;
        let head = self.head(request);
        let patience = self.engine.patience();
        let times = Times { patience, write_timeout: Duration::from_millis(self.limits.write_timeout_ms) };
        tokio::spawn(async move {
            // A client that is gone before its stream began is no matter of ours.
            let Ok(stream) = taken.await else { return };
            // Boxed, so that what is needed for the beginning takes no memory later.
            let serving = Box::pin(Serving::open(opening, stream, head, places, times, way.seat)).await;
            if let Some(serving) = serving {
                serving.run().await;
            }
        });
        let mut answer = Response::new(Full::default());
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        Ok(answer)
    }

    /// The head of a stream for a request with these headers.
    fn head(&self, request: &HeaderMap) -> Vec<u8> {
        let mut headers = HeaderMap::new();
        self.cors.admit(request, &mut headers);
        let mut head = HEAD.to_owned();
        write!(head, "Date: {}\r\n", httpdate::HttpDate::from(SystemTime::now()))
            .expect("writing to memory does not fail");
        let mut head = head.into_bytes();
        for (name, value) in &headers {
            head.extend_from_slice(name.as_str().as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        head
    }
}

/// How a stream gets to its client.
struct Way {
    take_over: TakeOver,
    seat: Option<Seat>,
}

impl Way {
    fn of<B>(request: &Request<B>) -> Result<Self, Refusal> {
        let take_over = request.extensions().get::<TakeOver>().cloned().ok_or_else(|| {
            let text = "this server cannot give its sockets away: serve with tidings_transports::serve, which runs every \
                        service of hyper and axum";
            Refusal::new(StatusCode::NOT_IMPLEMENTED, "not_implemented", text)
        })?;
        Ok(Self { take_over, seat: request.extensions().get::<Seat>().cloned() })
    }
}

fn single<T: FromStr>(headers: &HeaderMap, name: &HeaderName) -> Option<T> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    value.to_str().ok()?.parse().ok()
}

fn wants_a_stream(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    accepts.flat_map(|accept| accept.split(',')).any(|kind| essence(kind).eq_ignore_ascii_case("text/event-stream"))
}

/// Whether the body says of itself that it is JSON or text.
fn holds_text(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next().and_then(|kind| kind.to_str().ok()), kinds.next()) else { return false };
    let kind = essence(kind).to_ascii_lowercase();
    matches!(&*kind, "application/json" | "application/x-ndjson" | "application/jsonl" | "text/plain")
}

/// A media type without its parameters.
fn essence(kind: &str) -> &str {
    kind.split(';').next().unwrap_or_default().trim()
}

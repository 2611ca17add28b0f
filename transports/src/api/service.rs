//! A request's way from its key to its answer.

use super::{
    body,
    call::Call,
    channels,
    document::{PREFIX, openapi_json},
    keys::ApiKeys,
    limits::ApiLimits,
    paces::Paces,
    path, presence,
    problem::Problem,
    publish, reply,
    route::Route,
    send, sessions, stats, users,
};
use crate::{cors::Cors, origin::Origins, peer::Peer, visitors::Visitors};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Body,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS},
    http::request::Parts,
};
use serde::Serialize;
use std::{error::Error, sync::Arc};
use tidings::{Code, Engine};
use tokio::sync::Semaphore;

const GET_AND_OPTIONS: &str = "GET, OPTIONS";
const POST_AND_OPTIONS: &str = "POST, OPTIONS";

/// The figure's label for an address that is not there.
const NOWHERE: &str = "none";

type Answer = Response<Full<Bytes>>;

/// The HTTP API of an engine, below `/api/v1`.
///
/// It works in every server built on hyper 1: hand it each request whose path it [serves](Api::serves) and send what it
/// returns. Who calls it proves it by a key ([`ApiKeys`]); without keys nobody may.
#[derive(Clone, Debug)]
pub struct Api {
    inner: Arc<Inner>,
    visitors: Visitors,
}

#[derive(Debug)]
struct Inner {
    engine: Engine,
    keys: ApiKeys,
    limits: ApiLimits,
    cors: Cors,
    seats: Semaphore,
    paces: Paces,
    document: Bytes,
}

impl Api {
    /// The API of an engine, for whoever has one of these keys; from web pages, for those of these origins.
    #[must_use]
    pub fn new(engine: Engine, keys: ApiKeys, origins: Origins, limits: ApiLimits) -> Self {
        let cors = Cors::new(origins, "GET, POST", "Authorization, Content-Type");
        let seats = Semaphore::new(limits.requests_max.min(Semaphore::MAX_PERMITS));
        let paces = Paces::per_minute(limits.requests_per_minute_per_key);
        let document = Bytes::from(openapi_json());
        let inner = Arc::new(Inner { engine, keys, limits, cors, seats, paces, document });
        Self { inner, visitors: Visitors::default() }
    }

    /// The same, with this book of visitors: one that others share. It knows the addresses that bring keys which are not good.
    #[must_use]
    pub fn with_visitors(mut self, visitors: Visitors) -> Self {
        self.visitors = visitors;
        self
    }

    /// Whether a path is the API's to answer.
    #[must_use]
    pub fn serves(path: &str) -> bool {
        path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Answers a request. Its body is read as far as its answer needs it.
    pub async fn handle<B>(&self, request: Request<B>) -> Answer
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let inner = &*self.inner;
        let (head, body) = request.into_parts();
        let path = head.uri.path().strip_prefix(PREFIX).unwrap_or_default();
        if path == "/openapi.json" {
            return inner.finish(&head.headers, "/openapi.json", inner.document(&head.method));
        }
        let segments = path::segments(path.strip_prefix('/').unwrap_or_default());
        let found = segments.as_ref().ok().and_then(|segments| Route::find(segments));
        let template = found.map_or(NOWHERE, |(route, _)| route.template());
        if head.method == Method::OPTIONS && found.is_some() {
            return inner.cors.preflight(&head.headers);
        }
        let answer = match (&segments, found) {
            _ if !inner.cors.allows(&head.headers) => Err(forbidden_origin()),
            (Ok(_), Some((route, name))) => match inner.authorize(&head, &self.visitors) {
                Ok(call) => inner.call(call, &head, body, route, name).await,
                Err(problem) => Err(problem),
            },
            (Ok(_), None) => inner.authorize(&head, &self.visitors).and_then(|_| Err(nothing_there())),
            (Err(_), _) => inner.authorize(&head, &self.visitors).and(segments.map(|_| Answer::default())),
        };
        inner.finish(&head.headers, template, answer.unwrap_or_else(Problem::response))
    }
}

fn nothing_there() -> Problem {
    Problem::new(Code::NotFound, "nothing is at this address; see /api/v1/openapi.json")
}

fn forbidden_origin() -> Problem {
    let text = "pages of this origin may not call the API: add it to the server's list of allowed origins";
    Problem::new(Code::Forbidden, text)
}

impl Inner {
    /// Counts an answer, and lets the page see it that it is for.
    fn finish(&self, request: &HeaderMap, route: &'static str, mut answer: Answer) -> Answer {
        // A status is one of some dozen, a route one of those that there are.
        let status = answer.status().as_str().to_owned();
        metrics::counter!("tidings_api_requests_total", "route" => route, "status" => status).increment(1);
        self.cors.admit(request, answer.headers_mut());
        if request.contains_key(TRANSFER_ENCODING) {
            // Where a body ends is read in more than one way by those who stand between us and the caller (a length
            // beside the chunks); nothing that follows on such a connection is taken for a request.
            answer.headers_mut().insert(hyper::header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }

    /// Who asks what the server has, without a key.
    fn document(&self, method: &Method) -> Answer {
        if *method != Method::GET {
            return Problem::method("GET").response();
        }
        let mut answer = Response::new(Full::new(self.document.clone()));
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        answer
    }

    /// Who calls. An address that brings too many keys that are not good is not asked for another one for a while.
    fn authorize(&self, head: &Parts, visitors: &Visitors) -> Result<Call<'_>, Problem> {
        let address = head.extensions.get::<Peer>().map(Peer::address);
        if let Some(Err(wait)) = address.map(|address| visitors.may_prove(address)) {
            let text = "http.failed_auths_per_minute_per_address: this address brought too many keys that are not good";
            return Err(Problem::new(Code::RateLimited, text).and_wait(wait));
        }
        let Some((at, key)) = self.keys.find_place(&head.headers) else {
            if let Some(address) = address.filter(|_| head.headers.contains_key(AUTHORIZATION)) {
                visitors.failed(address);
            }
            let text = if self.keys.is_empty() {
                "this server has no API key, so nobody may call it: set TIDINGS_API_KEY (make one with `tidingsd key`)"
            } else {
                "give a key of the API: Authorization: Bearer KEY"
            };
            return Err(Problem::new(Code::Unauthorized, text));
        };
        self.paces.take(at).map_err(|wait| {
            let text = "api.requests_per_minute_per_key: too many requests with this key";
            Problem::new(Code::RateLimited, text).and_wait(wait)
        })?;
        Ok(Call { engine: &self.engine, key, limits: &self.limits })
    }

    async fn call<B>(&self, call: Call<'_>, head: &Parts, body: B, route: Route, name: &str) -> Result<Answer, Problem>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let headers = &head.headers;
        if head.method != route.method() {
            let is_get = route.method() == Method::GET;
            return Err(Problem::method(if is_get { GET_AND_OPTIONS } else { POST_AND_OPTIONS }));
        }
        call.check_right(route.right())?;
        let Ok(_seat) = self.seats.try_acquire() else {
            let text = "api.requests_max: as many requests are worked on as may be; try again later";
            return Err(Problem::new(Code::Busy, text).and_end());
        };
        let query = head.uri.query();
        if !matches!(route, Route::History | Route::Members) {
            path::Query::read(query, &[])?;
        }
        let name = || name.to_owned();
        let body =
            if route.method() == Method::POST { body::read(headers, body, &self.limits).await? } else { Bytes::new() };
        match route {
            Route::Publish => good(&publish::publish(call, body::parse(headers, &body)?).await?),
            Route::PublishBatch => good(&publish::batch(call, body::parse(headers, &body)?).await?),
            Route::Send => good(&send::send(call, body::parse(headers, &body)?).await?),
            Route::Channel => good(&channels::channel(call, name()).await?),
            Route::History => good(&channels::history(call, name(), query).await?),
            Route::User => good(&users::user(call, name()).await?),
            Route::DisconnectUser => {
                body::nothing(&body)?;
                good(&users::disconnect(call, &name())?)
            }
            Route::Session => good(&sessions::session(call, &name())?),
            Route::DisconnectSession => {
                body::nothing(&body)?;
                good(&sessions::disconnect(call, &name())?)
            }
            Route::Subscribe => good(&sessions::subscribe(call, &name(), &body::parse(headers, &body)?)?),
            Route::Unsubscribe => good(&sessions::unsubscribe(call, &name(), &body::parse(headers, &body)?)?),
            Route::Presence => good(&presence::user(call, &name())?),
            Route::Presences => good(&presence::users(call, body::parse(headers, &body)?)?),
            Route::Members => good(&presence::channel(call, name(), query)?),
            Route::Stats => good(&stats::stats(call)?),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what the calls have in common")]
fn good(body: &impl Serialize) -> Result<Answer, Problem> {
    Ok(reply::json(StatusCode::OK, body))
}

//! What is at which address.

use crate::answer::{Answer, JSON, TEXT, answer};
use crate::page;
use crate::revocations::{self, Revoker};
use crate::settings::Readers;
use crate::tickets::{self, Desk};
use crate::trial::{self, Trial};
use hyper::body::Incoming;
use hyper::header::{ALLOW, HOST, HeaderValue, RETRY_AFTER};
use hyper::http::uri::Authority;
use hyper::{Method, Request, StatusCode};
use metrics_exporter_prometheus::PrometheusHandle;
use std::net::IpAddr;
use std::sync::Arc;
use tidings::Engine;
use tidings_transports::{Api, Gateway, Peer, Sse, Tls};

const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What somebody is told who asks for an address that is not there.
const NOT_FOUND: &str = r#"{"error":"not_found","message":"nothing is at this address","addresses":{"/":"the page","/ws":"WebSocket","/sse":"server-sent events","/api/v1/openapi.json":"the HTTP API","/api/v1/tickets":"a ticket for a token","/api/v1/revocations":"ends tokens","/healthz":"the process lives","/readyz":"it takes connections","/metrics":"figures for Prometheus"}}
"#;

const NOT_HERE: &str = "The figures are for this machine alone: ask from here, by address or as localhost, or set \
metrics = \"everybody\".\n";

/// When a client should ask again whether the server is ready, in seconds.
const RETRY_AFTER_SECONDS: &str = "5";

/// Answers requests.
#[derive(Clone)]
pub(crate) struct Routes(Arc<Inner>);

/// What answers at addresses of its own.
pub(crate) struct Doors {
    /// WebSocket.
    pub(crate) gateway: Gateway,
    /// Server-sent events.
    pub(crate) sse: Sse,
    /// The HTTP API.
    pub(crate) api: Api,
    /// Tickets.
    pub(crate) desk: Desk,
    /// Revocations.
    pub(crate) revoker: Revoker,
    /// Tokens for the page, where the server was started to be tried.
    pub(crate) trial: Option<Trial>,
}

struct Inner {
    engine: Engine,
    doors: Doors,
    figures: PrometheusHandle,
    readers: Readers,
    tls: Option<Tls>,
}

impl Routes {
    /// The routes of an engine.
    pub(crate) fn new(
        engine: Engine,
        doors: Doors,
        figures: PrometheusHandle,
        readers: Readers,
        tls: Option<Tls>,
    ) -> Self {
        Self(Arc::new(Inner { engine, doors, figures, readers, tls }))
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, mut request: Request<Incoming>) -> Answer {
        let (inner, doors) = (&*self.0, &self.0.doors);
        match request.uri().path() {
            "/ws" => return doors.gateway.handle(&mut request),
            "/sse" => return doors.sse.handle(&mut request).await,
            tickets::PATH => return doors.desk.answer(&request).await,
            revocations::PATH => return doors.revoker.answer(&mut request).await,
            path if Api::serves(path) => return doors.api.handle(request).await,
            trial::PATH => {
                if let Some(trial) = &doors.trial {
                    return trial.answer(&request, is_from_here(&request) && names_an_address(&request));
                }
            }
            _ => {}
        }
        let path = request.uri().path();
        let is_there = page::serves(path) || matches!(path, "/healthz" | "/readyz" | "/metrics");
        if is_there && !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "Only GET and HEAD are answered here.\n");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        match path {
            "/healthz" => answer(StatusCode::OK, TEXT, "ok\n"),
            "/readyz" => inner.ready(),
            "/metrics" => inner.figures(&request),
            _ => page::file(&request).unwrap_or_else(|| answer(StatusCode::NOT_FOUND, JSON, NOT_FOUND)),
        }
    }
}

impl Inner {
    fn ready(&self) -> Answer {
        if !self.engine.is_stopping() {
            return answer(StatusCode::OK, TEXT, "ready\n");
        }
        let mut answer = answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, "shutting down\n");
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        answer
    }

    fn figures<B>(&self, request: &Request<B>) -> Answer {
        let allowed = match self.readers {
            Readers::Nobody => false,
            Readers::Loopback => is_from_here(request) && names_an_address(request),
            Readers::Everybody => true,
        };
        if allowed {
            self.engine.record_metrics();
            self.tls.iter().for_each(Tls::record_metrics);
            return answer(StatusCode::OK, PROMETHEUS, self.figures.render());
        }
        answer(StatusCode::FORBIDDEN, TEXT, NOT_HERE)
    }
}

/// Whether the request comes from this machine, and not by way of a proxy on it.
fn is_from_here<B>(request: &Request<B>) -> bool {
    request.extensions().get::<Peer>().is_some_and(Peer::is_local)
}

/// Whether the request names the server by address or as `localhost`. A page can make its own host name stand for this
/// machine (DNS rebinding) and read what it gets; it can't make its name an address.
fn names_an_address<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    host.is_some_and(|authority| {
        let host = authority.host();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::{is_from_here, names_an_address};
    use hyper::Request;
    use tidings_transports::Peer;

    #[test]
    fn only_names_that_no_page_can_have_are_ours() {
        let names = |host: &str| names_an_address(&Request::builder().header("host", host).body(()).unwrap());
        for host in
            ["127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "[::1]", "localhost", "LocalHost:1", "192.168.0.7:8080"]
        {
            assert!(names(host), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "localhost.", "a@b c"] {
            assert!(!names(host), "{host}");
        }
        assert!(!names_an_address(&Request::builder().body(()).unwrap()));
        let twice = Request::builder().header("host", "localhost").header("host", "localhost").body(()).unwrap();
        assert!(!names_an_address(&twice));
    }

    #[test]
    fn this_machine_is_known_in_both_families() {
        let from = |peer: &str| {
            is_from_here(&Request::builder().extension(Peer::direct(peer.parse().unwrap())).body(()).unwrap())
        };
        for peer in ["127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(from(peer), "{peer}");
        }
        for peer in ["192.168.0.7:1", "[::ffff:10.0.0.1]:1", "[2001:db8::1]:1"] {
            assert!(!from(peer), "{peer}");
        }
        assert!(!is_from_here(&Request::builder().body(()).unwrap()));
    }
}

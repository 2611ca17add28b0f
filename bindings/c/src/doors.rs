//! Listening: WebSocket, server-sent events and the HTTP API at addresses of the host's choice.

use crate::settings::Settings;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use std::convert::Infallible;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tidings::Engine;
use tidings_transports::{Api, Gateway, Options, Sse, serve};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const NOT_FOUND: &str = "{\"error\":\"not_found\",\"message\":\"nothing is at this address\"}\n";

/// Connections that the system keeps for us until they are accepted.
const BACKLOG: u32 = 1_024;

/// What is at which address, and the listeners that it is at.
#[derive(Debug)]
pub(crate) struct Doors {
    routes: Arc<Routes>,
    options: Options,
    stop: watch::Sender<bool>,
    servers: Mutex<Vec<JoinHandle<io::Result<()>>>>,
}

#[derive(Debug)]
struct Routes {
    engine: Engine,
    gateway: Gateway,
    sse: Sse,
    api: Option<Api>,
}

impl Routes {
    async fn answer(&self, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
        match (request.uri().path(), &self.api) {
            ("/ws", _) => self.gateway.handle(&mut request),
            ("/sse", _) => self.sse.handle(&mut request).await,
            (path, Some(api)) if Api::serves(path) => api.handle(request).await,
            ("/healthz", _) => plain(StatusCode::OK, "text/plain; charset=utf-8", "ok\n"),
            ("/readyz", _) if self.engine.is_stopping() => {
                plain(StatusCode::SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", "shutting down\n")
            }
            ("/readyz", _) => plain(StatusCode::OK, "text/plain; charset=utf-8", "ready\n"),
            _ => plain(StatusCode::NOT_FOUND, "application/json", NOT_FOUND),
        }
    }
}

fn plain(status: StatusCode, kind: &'static str, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

impl Doors {
    /// What the settings say is to be served. Begins to look after the certificate, if there is one.
    pub(crate) fn new(engine: &Engine, settings: &Settings) -> Result<Self, String> {
        let (limits, origins) = (settings.transports()?, settings.origins()?);
        let visitors = settings.http.visitors();
        let mut options = Options::new(limits.clone());
        options = options.with_proxies(settings.http.proxies()?).with_visitors(visitors.clone());
        if let Some(tls) = settings.tls.tls()? {
            tokio::spawn(tls.clone().keep_fresh(settings.tls.reload_interval()));
            options = options.with_tls(tls);
        }
        let (api_limits, keys) = (settings.api.limits()?, settings.api.keys()?);
        let routes = Routes {
            engine: engine.clone(),
            gateway: Gateway::new(engine.clone(), origins.clone(), limits.clone()).with_visitors(visitors.clone()),
            sse: Sse::new(engine.clone(), origins.clone(), limits).with_visitors(visitors.clone()),
            api: keys.map(|keys| Api::new(engine.clone(), keys, origins, api_limits).with_visitors(visitors)),
        };
        let (routes, stop, servers) = (Arc::new(routes), watch::Sender::new(false), Mutex::default());
        Ok(Self { routes, options, stop, servers })
    }

    /// Listens at one more address, and returns it.
    pub(crate) fn open(&self, address: SocketAddr, handle: &Handle) -> io::Result<SocketAddr> {
        let _inside = handle.enter();
        let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener: TcpListener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let routes = Arc::clone(&self.routes);
        let service = service_fn(move |request: Request<Incoming>| {
            let routes = Arc::clone(&routes);
            async move { Ok::<_, Infallible>(routes.answer(request).await) }
        });
        let server = handle.spawn(serve(listener, self.options.clone(), service, self.stop.subscribe()));
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).push(server);
        Ok(address)
    }

    /// Listens no more, and lets what is being answered be answered.
    pub(crate) async fn close(&self, patience: Duration) {
        self.stop.send_replace(true);
        let servers = mem::take(&mut *self.servers.lock().unwrap_or_else(PoisonError::into_inner));
        // What is left when patience ends goes with the runtime.
        let _ = timeout(patience, async {
            for server in servers {
                let _ = server.await;
            }
        })
        .await;
    }
}

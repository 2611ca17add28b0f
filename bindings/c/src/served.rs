//! Listening: WebSocket, server-sent events and the HTTP API at addresses of the host's choice.

use crate::border;
use crate::engine::TidingsEngine;
use crate::memory::text;
use crate::settings::Settings;
use crate::status::{Failure, TidingsError, TidingsStatus};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use std::convert::Infallible;
use std::ffi::c_char;
use std::io;
use std::mem::{self, MaybeUninit};
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
            sse: Sse::new(engine.clone(), origins.clone(), limits).with_visitors(visitors),
            api: keys.map(|keys| Api::new(engine.clone(), keys, origins, api_limits)),
        };
        let (routes, stop, servers) = (Arc::new(routes), watch::Sender::new(false), Mutex::default());
        Ok(Self { routes, options, stop, servers })
    }

    /// Listens at one more address, and returns it.
    fn open(&self, address: SocketAddr, handle: &Handle) -> io::Result<SocketAddr> {
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

/// Listens at `address`, an IP address and a port such as `127.0.0.1:8080` or `[::]:8080`, and serves WebSocket at `/ws`,
/// server-sent events at `/sse`, with `api.key` the HTTP API at `/api/v1`, and `/healthz` and `/readyz`. `*port` (which may be
/// NULL) becomes the port: port 0 takes a free one. Several addresses may be listened at, until the engine is stopped.
///
/// Thread: any. Blocks: no; names are not looked up. Owner: the address is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_listen(
    engine: Option<&TidingsEngine>,
    address: *const c_char,
    address_len: usize,
    port: Option<&mut MaybeUninit<u16>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_listen", engine, error, |engine| {
        // SAFETY: the caller's promise.
        let address = unsafe { text(address, address_len, "address") }?;
        if engine.inner().is_stopping() {
            return Err(Failure::new(TidingsStatus::Stopped, "the engine shuts down"));
        }
        let parsed: SocketAddr = address.parse().map_err(|_| {
            Failure::new(TidingsStatus::Listen, "give an IP address and a port, such as 127.0.0.1:8080 or [::]:8080")
        })?;
        let opened = engine.doors().open(parsed, engine.handle()).map_err(|error| {
            Failure::new(TidingsStatus::Listen, format!("cannot listen at {parsed}: {error}; choose another address or port"))
        })?;
        if let Some(port) = port {
            port.write(opened.port());
        }
        Ok(())
    })
}

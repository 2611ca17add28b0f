//! An HTTP/1.1 server that a peer can't wear down.

use std::{convert::Infallible, error::Error, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{
    Request, Response,
    body::{Body, Incoming},
    server::conn::http1,
    service::Service,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc, watch},
    time::{Instant, sleep, timeout},
};

use crate::{
    door::{self, Entered},
    impatient::Impatient,
    limits::Limits,
    options::Options,
    peer::Peer,
    proxies::Proxies,
    seat::Seat,
    takeover::{Lent, TakeOver},
};

/// hyper refuses to work with less than this; a shorter limit on headers is held to by itself.
const BUFFER_BYTES_MIN: usize = 8 * 1024;

/// How long accepting rests after an error that will not go away by itself: first, and at most.
const BACKOFF_MIN: Duration = Duration::from_millis(10);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// The answer to a connection above `connections_max`.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    Retry-After: 5\r\n\
    Connection: close\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 49\r\n\r\n\
    This server is full; come back in a few seconds.\n";

/// The answer to an address that has as many connections as it may.
const CROWD: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    Retry-After: 5\r\n\
    Connection: close\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 76\r\n\r\n\
    This address has as many connections as it may; come back in a few seconds.\n";

/// How many connections may be told so at the same time, and for how long; others are closed without a word.
const REFUSALS_MAX: usize = 64;
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves HTTP/1.1 with upgrades until `shutdown` becomes true or its sender is dropped.
///
/// - A request's header must arrive within `handshake_timeout_ms`, of at most `header_bytes_max` bytes and `headers_max` fields (431).
///   The same time ends a connection on which no further request comes.
/// - A connection that takes nothing of its answers for `write_timeout_ms` is closed.
/// - With TLS ([`Options::tls`]) the handshake too must be over within `handshake_timeout_ms`, and HTTP/1.1 is all that is
///   spoken under it. A connection above `connections_max` is then closed without a handshake.
/// - Above `connections_max` a connection is answered 503 with `Retry-After`. An upgraded connection, or one whose socket
///   was taken over for SSE, counts for as long as its [`Seat`] lives, which is passed on by itself.
/// - An address that has as many connections as it may ([`Options::visitors`]) is answered the same.
/// - `service` is any service of hyper; axum's and others of tower become one by `hyper_util::service::TowerToHyperService`.
///   Every request has the way to its socket among its extensions, as [`TakeOver`].
/// - Every request has the address that it came from among its extensions, as [`Peer`]. What it says of that itself counts
///   only when it comes from a proxy that is trusted ([`Options::proxies`]), which may also speak the PROXY protocol; that
///   too must arrive within `handshake_timeout_ms`.
/// - When accepting fails, for want of file descriptors say, it rests and tries again; connections that are there are served on.
/// - At the end requests in flight have `drain_timeout_ms` to finish. Upgraded connections and SSE are not waited for:
///   their holder tells them when to come back.
///
/// # Errors
/// When the limits can't be served with, before anything is accepted.
pub async fn serve<S, B>(
    listener: TcpListener,
    options: impl Into<Options>,
    service: S,
    mut shutdown: watch::Receiver<bool>,
) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let options = Arc::new(options.into());
    let limits = Arc::clone(&options.limits);
    limits.check().map_err(|problem| io::Error::new(io::ErrorKind::InvalidInput, problem))?;
    let http = builder(&limits);
    let seats = Arc::new(Semaphore::new(limits.connections_max));
    let refusals = Arc::new(Semaphore::new(REFUSALS_MAX));
    let (alive, mut all_gone) = mpsc::channel::<Infallible>(1);
    let mut complaints = Complaints::default();
    loop {
        let (socket, address) = tokio::select! {
            biased;
            () = told(&mut shutdown) => break,
            accepted = accept(&listener, &mut complaints) => accepted,
        };
        let Some(seat) = Seat::take(&seats) else {
            refuse(socket, FULL, &refusals, options.tls.is_none());
            continue;
        };
        // Answers are small and somebody waits for each; it fails only when the peer has gone already.
        let _ = socket.set_nodelay(true);
        let (http, service, options) = (http.clone(), service.clone(), Arc::clone(&options));
        let (alive, mut shutdown, refusals) = (alive.clone(), shutdown.clone(), Arc::clone(&refusals));
        tokio::spawn(async move {
            let entered = tokio::select! {
                entered = door::enter(&options, socket, address, &seat) => entered,
                () = told(&mut shutdown) => Entered::Out,
            };
            let (stream, peer) = match entered {
                Entered::In(stream, peer) => (stream, peer),
                Entered::Crowd(socket) => return refuse(socket, CROWD, &refusals, options.tls.is_none()),
                Entered::Out => return,
            };
            let stream = Impatient::new(stream, Duration::from_millis(options.limits.write_timeout_ms));
            let patience = Duration::from_millis(options.limits.drain_timeout_ms);
            let (socket, take_over) = Lent::new(stream);
            let seated = Seated { service, seat, peer, proxies: options.proxies.clone(), take_over };
            drop(options);
            let connection = http.serve_connection(TokioIo::new(socket), seated);
            let mut connection = pin!(connection.with_upgrades());
            let result = tokio::select! {
                result = connection.as_mut() => result,
                () = told(&mut shutdown) => {
                    connection.as_mut().graceful_shutdown();
                    timeout(patience, connection).await.unwrap_or(Ok(()))
                }
            };
            if let Err(error) = result {
                tracing::debug!(%error, "an HTTP connection ended with an error");
            }
            drop(alive);
        });
    }
    drop((listener, alive));
    let _: Option<Infallible> = all_gone.recv().await;
    Ok(())
}

/// Waits until the server shall shut down.
async fn told(shutdown: &mut watch::Receiver<bool>) {
    // An error means that nobody is left who could say so later.
    let _ = shutdown.wait_for(|&shutdown| shutdown).await;
}

fn builder(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.handshake_timeout_ms))
        .max_headers(limits.headers_max)
        .max_header_size(limits.header_bytes_max)
        .max_buf_size(limits.header_bytes_max.max(BUFFER_BYTES_MIN));
    http
}

/// Hands its seat to every request, so that it outlives an upgrade, and says where the request came from and how its
/// socket can be taken over.
struct Seated<S> {
    service: S,
    seat: Seat,
    peer: Peer,
    proxies: Proxies,
    take_over: TakeOver,
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for Seated<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.seat.clone());
        let peer = self.proxies.judge(self.peer, request.headers());
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(self.take_over.clone());
        self.service.call(request)
    }
}

/// The next connection, however long it takes.
async fn accept(listener: &TcpListener, complaints: &mut Complaints) -> (TcpStream, SocketAddr) {
    let mut backoff = BACKOFF_MIN;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_one_connections(&error) => {}
            Err(error) => {
                metrics::counter!("tidings_http_accept_errors_total").increment(1);
                complaints.complain(&error);
                sleep(backoff).await;
                backoff = (2 * backoff).min(BACKOFF_MAX);
            }
        }
    }
}

/// Whether the error means only that one peer has gone before it was accepted.
fn is_one_connections(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Says that accepting fails, at most once a second.
#[derive(Default)]
struct Complaints {
    last: Option<Instant>,
}

impl Complaints {
    fn complain(&mut self, error: &io::Error) {
        if self.last.is_none_or(|last| last.elapsed() >= Duration::from_secs(1)) {
            self.last = Some(Instant::now());
            tracing::warn!(%error, "can't accept connections; raise the limit of open files (ulimit -n) or lower connections_max");
        }
    }
}

/// Tells a connection that there is no seat for it, if it can hear that without a handshake.
fn refuse(mut socket: TcpStream, answer: &'static [u8], refusals: &Arc<Semaphore>, is_plain: bool) {
    metrics::counter!("tidings_http_connections_refused_total").increment(1);
    let permit = is_plain.then(|| Arc::clone(refusals).try_acquire_owned());
    let Some(Ok(permit)) = permit else { return };
    tokio::spawn(async move {
        // What goes wrong here is the end of a connection that ends anyway. Its request is read away so that
        // closing doesn't reset the connection before the answer was seen.
        let _ = timeout(REFUSAL_TIMEOUT, async {
            socket.write_all(answer).await?;
            socket.shutdown().await?;
            let mut rest = [0; 512];
            while socket.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        })
        .await;
        drop(permit);
    });
}

#[cfg(test)]
mod tests;

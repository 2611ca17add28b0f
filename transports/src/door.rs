//! What a connection passes before it speaks HTTP: the PROXY protocol, where its other end is a proxy that speaks it, and TLS.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

use crate::{
    options::Options,
    peer::Peer,
    preface::{self, Source},
    seat::Seat,
    tls::Tls,
    ws::stream::Stream,
};

/// What becomes of a connection at the door.
pub(crate) enum Entered {
    /// It may speak HTTP.
    In(Stream, Peer),
    /// Its address has as many as it may.
    Crowd(TcpStream),
    /// It is gone, and the log and the figures know why.
    Out,
}

/// Lets a connection in, or explains to the log and the figures why not. It has `handshake_timeout_ms` for all of it.
pub(crate) async fn enter(options: &Options, mut socket: TcpStream, address: SocketAddr, seat: &Seat) -> Entered {
    let deadline = Instant::now() + Duration::from_millis(options.limits.handshake_timeout_ms);
    let mut peer = Peer::direct(address);
    if options.proxies.announces(address.ip()) {
        match in_time(deadline, preface::read(&mut socket)).await {
            Ok(Source::Client(client)) => peer = peer.with_client(Some(client.ip())),
            Ok(Source::Proxy) => {}
            Err(error) => {
                let reason = reason(&error);
                metrics::counter!("tidings_http_proxy_headers_refused_total", "reason" => reason).increment(1);
                tracing::debug!(%address, %error, "a connection from a trusted proxy was closed: no PROXY header first");
                return Entered::Out;
            }
        }
    }
    // What a proxy tells in headers it tells of requests, and those are counted where they are answered.
    if !options.proxies.trusts(peer.address()) {
        match options.visitors.enter(peer.address()) {
            Some(guest) => seat.seat_guest(guest),
            None => return Entered::Crowd(socket),
        }
    }
    let Some(tls) = &options.tls else {
        return Entered::In(Stream::from(socket), peer);
    };
    match in_time(deadline, agree(tls, socket)).await {
        Ok(stream) => Entered::In(stream, peer.with_security(true)),
        Err(error) => {
            metrics::counter!("tidings_tls_handshakes_failed_total", "reason" => reason(&error)).increment(1);
            tracing::debug!(%address, %error, "a TLS handshake failed");
            Entered::Out
        }
    }
}

async fn agree(tls: &Tls, socket: TcpStream) -> io::Result<Stream> {
    let (socket, session) = tls.acceptor().accept(socket).await?.into_inner();
    Ok(Stream::encrypted(socket, session))
}

async fn in_time<T>(deadline: Instant, what: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout_at(deadline, what).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// A name for the figures.
fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::InvalidData => "malformed",
        io::ErrorKind::TimedOut => "late",
        _ => "lost",
    }
}

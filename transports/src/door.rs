//! What a connection passes before it speaks HTTP: the PROXY protocol, where its other end is a proxy that speaks it.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

use crate::{
    options::Options,
    peer::Peer,
    preface::{self, Source},
    ws::stream::Stream,
};

/// Lets a connection in, or explains to the log and the figures why not. It has `handshake_timeout_ms` for all of it.
pub(crate) async fn enter(options: &Options, mut socket: TcpStream, address: SocketAddr) -> Option<(Stream, Peer)> {
    let deadline = Instant::now() + Duration::from_millis(options.limits.handshake_timeout_ms);
    let mut peer = Peer::direct(address);
    if options.proxies.announces(address.ip()) {
        match timeout_at(deadline, preface::read(&mut socket)).await {
            Ok(Ok(Source::Client(client))) => peer = peer.with_client(Some(client.ip())),
            Ok(Ok(Source::Proxy)) => {}
            refused => {
                turn_away(address, refused.map(|read| read.map(drop)).unwrap_or_else(|_| Err(late())));
                return None;
            }
        }
    }
    Some((Stream::from(socket), peer))
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it did not come in time")
}

fn turn_away(address: SocketAddr, result: io::Result<()>) {
    let Err(error) = result else { return };
    let reason = match error.kind() {
        io::ErrorKind::InvalidData => "malformed",
        io::ErrorKind::TimedOut => "late",
        _ => "lost",
    };
    metrics::counter!("tidings_http_proxy_headers_refused_total", "reason" => reason).increment(1);
    tracing::debug!(%address, %error, "a connection from a trusted proxy was closed: no PROXY header at its beginning");
}

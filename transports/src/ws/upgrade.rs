//! From an HTTP connection to the socket under it.

use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use hyper::{
    body::Bytes,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::{rt::TokioIo, server::conn::auto::upgrade as auto};
use tokio::net::{TcpStream, UnixStream};

use super::{bridge, stream::Stream};
use crate::{
    impatient::Impatient,
    seat::Seat,
    takeover::{Lent, Socket},
};

/// Resolves to the connection once the 101 was sent.
#[derive(Debug)]
pub struct Upgrade {
    on_upgrade: OnUpgrade,
    seat: Option<Seat>,
}

/// An upgraded connection, free of everything that HTTP needed.
#[derive(Debug)]
pub struct Connection {
    /// The socket.
    pub stream: Stream,
    /// What the client sent right behind its request, before it saw the answer. Almost always empty, and then it takes no memory.
    pub unread: Vec<u8>,
    /// The connection's place in the listener's limit; it must live as long as the socket. `None` behind another server than [`crate::serve`].
    pub seat: Option<Seat>,
}

impl Upgrade {
    pub(crate) fn new(on_upgrade: OnUpgrade, seat: Option<Seat>) -> Self {
        Self { on_upgrade, seat }
    }
}

impl Future for Upgrade {
    type Output = Result<Connection, UpgradeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let upgraded = ready!(Pin::new(&mut self.on_upgrade).poll(cx)).map_err(UpgradeError::new)?;
        let (stream, read_ahead) = unwrap(upgraded).map_err(UpgradeError::new)?;
        Poll::Ready(Ok(Connection {
            stream,
            // The bytes are copied because hyper's buffer would keep its 8 KiB for as long as the connection lives.
            unread: read_ahead.to_vec(),
            seat: self.seat.take(),
        }))
    }
}

/// Takes the server's wrappers off the socket.
///
/// Our own server's connections, hyper's and those of hyper-util's `auto` (axum's) come apart into the socket.
/// Whatever else the host put under HTTP is reached through a bridge.
fn unwrap(upgraded: Upgraded) -> std::io::Result<(Stream, Bytes)> {
    let upgraded = match upgraded.downcast::<TokioIo<Lent<Impatient<Stream>>>>() {
        Ok(parts) => return Ok((parts.io.into_inner().into_inner()?.into_stream()?, parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => return Ok((Stream::from(parts.io.into_inner()), parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    let upgraded = match auto::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => return Ok((Stream::from(parts.io.into_inner()), parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    let upgraded = match upgraded.downcast::<TokioIo<UnixStream>>() {
        Ok(parts) => return Ok((Stream::from(parts.io.into_inner()), parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    let upgraded = match auto::downcast::<TokioIo<UnixStream>>(upgraded) {
        Ok(parts) => return Ok((Stream::from(parts.io.into_inner()), parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    Ok((bridge::bridge(TokioIo::new(upgraded))?, Bytes::new()))
}

/// The connection did not become a WebSocket although its request was accepted: it was lost, or the server that it came
/// from does not do upgrades.
#[derive(Debug)]
pub struct UpgradeError(Box<dyn Error + Send + Sync>);

impl UpgradeError {
    fn new(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the connection was not upgraded: {}", self.0)
    }
}

impl Error for UpgradeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

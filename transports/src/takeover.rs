//! Taking the socket under an HTTP request over, in place of a body.
//!
//! An answer that goes on for hours costs a server of HTTP a buffer and a task wake for each piece of it. So whoever has
//! such an answer asks for the socket itself: what the HTTP server writes from then on is swallowed, and as soon as it
//! lets go of the socket, whoever asked has it.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::oneshot,
};

use crate::{impatient::Impatient, ws::stream::Stream};

/// What a connection is served on, if its socket can be taken over.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The socket by itself, without the HTTP server.
    ///
    /// # Errors
    /// When there are no file descriptors for what has to stand in front of it.
    fn into_stream(self) -> io::Result<Stream>;
}

impl Socket for Stream {
    fn into_stream(self) -> io::Result<Stream> {
        Ok(self)
    }
}

impl<S: Socket> Socket for Impatient<S> {
    fn into_stream(self) -> io::Result<Stream> {
        self.into_inner().into_stream()
    }
}

/// A socket under the HTTP server that can be taken over.
pub(crate) struct Lent<S: Socket> {
    /// `None` only while it is dropped or taken out.
    socket: Option<S>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    taken: AtomicBool,
    /// The HTTP server has something to write that the socket has not taken.
    is_behind: AtomicBool,
    taker: Mutex<Option<oneshot::Sender<Stream>>>,
}

/// The way to the socket that a request came over, among the extensions of every request that [`crate::serve`] hands on.
///
/// Whoever takes the socket answers the request by itself, head included, and keeps the request's [`crate::Seat`] as long as
/// the socket lives.
#[derive(Clone)]
pub struct TakeOver(Arc<Shared>);

impl fmt::Debug for TakeOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakeOver").field("taken", &self.0.taken).finish_non_exhaustive()
    }
}

impl TakeOver {
    /// Takes the socket over. It comes when the request was answered with `Connection: close`; nothing of that answer is
    /// sent. `None` when somebody has taken it over before, or a part of an earlier answer has yet to leave (a client that
    /// sends several requests at once and doesn't read).
    #[must_use]
    pub fn take(&self) -> Option<oneshot::Receiver<Stream>> {
        if self.0.is_behind.load(Ordering::Acquire) || self.0.taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        let (taker, stream) = oneshot::channel();
        *self.0.taker.lock().unwrap_or_else(PoisonError::into_inner) = Some(taker);
        Some(stream)
    }
}

impl<S: Socket> Lent<S> {
    pub(crate) fn new(socket: S) -> (Self, TakeOver) {
        let shared = Arc::<Shared>::default();
        (Self { socket: Some(socket), shared: Arc::clone(&shared) }, TakeOver(shared))
    }

    /// The socket, for whoever got this from the HTTP server by an upgrade.
    pub(crate) fn into_inner(mut self) -> io::Result<S> {
        self.socket.take().ok_or_else(gone)
    }

    fn socket(&mut self) -> io::Result<Pin<&mut S>> {
        self.socket.as_mut().map(Pin::new).ok_or_else(gone)
    }

    fn is_taken(&self) -> bool {
        self.shared.taken.load(Ordering::Acquire)
    }

    fn poll_written(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.shared.is_behind.store(written.is_pending(), Ordering::Release);
        written
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the socket was taken over")
}

impl<S: Socket> Drop for Lent<S> {
    fn drop(&mut self) {
        let Some(socket) = self.socket.take() else { return };
        let taker = self.shared.taker.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(taker) = taker else { return };
        match socket.into_stream() {
            // If nobody waits any more, the connection ends here.
            Ok(stream) => drop(taker.send(stream)),
            Err(error) => tracing::warn!(%error, "a connection was lost: raise the limit of open files (ulimit -n)"),
        }
    }
}

impl<S: Socket> AsyncRead for Lent<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_taken() {
            // What comes now is for whoever has taken it over. The HTTP server is about to end and needs no waking.
            return Poll::Pending;
        }
        self.socket()?.poll_read(cx, buffer)
    }
}

impl<S: Socket> AsyncWrite for Lent<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_taken() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = self.socket()?.poll_write(cx, bytes);
        self.poll_written(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_taken() {
            return Poll::Ready(Ok(buffers.iter().map(|buffer| buffer.len()).sum()));
        }
        let written = self.socket()?.poll_write_vectored(cx, buffers);
        self.poll_written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_taken() {
            return Poll::Ready(Ok(()));
        }
        self.socket()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_taken() {
            return Poll::Ready(Ok(()));
        }
        self.socket()?.poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;

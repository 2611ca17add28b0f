//! The socket under a WebSocket.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use rustix::net::{RecvFlags, Shutdown};
use rustls::ServerConnection;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::{TcpStream, UnixStream},
    sync::oneshot,
};

use crate::encrypted::Encrypted;

/// Most bytes that the kernel holds for a peer beyond what is on its way: memory for each peer that reads slowly.
const UNSENT_BYTES_MAX: u32 = 128 * 1024;

/// A connected socket. Reading and writing work on a shared reference, so that one task may read while others write.
#[derive(Debug)]
pub struct Stream {
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    /// TLS over TCP.
    Encrypted(Encrypted),
    Unix(UnixStream),
    /// Our end of a bridge, which is told by the sender's end that we are gone.
    Bridged(UnixStream, #[allow(dead_code, reason = "held for its drop")] oneshot::Sender<()>),
}

/// One expression for each kind of plain socket, and another for one with TLS.
macro_rules! each {
    ($self:expr, $socket:ident => $do:expr, $encrypted:ident => $do_encrypted:expr) => {
        match $self {
            Socket::Tcp($socket) => $do,
            Socket::Unix($socket) | Socket::Bridged($socket, _) => $do,
            Socket::Encrypted($encrypted) => $do_encrypted,
        }
    };
}

impl From<TcpStream> for Stream {
    fn from(socket: TcpStream) -> Self {
        Self { socket: Socket::Tcp(socket) }
    }
}

impl From<UnixStream> for Stream {
    fn from(socket: UnixStream) -> Self {
        Self { socket: Socket::Unix(socket) }
    }
}

impl Stream {
    pub(crate) fn bridged(socket: UnixStream, alive: oneshot::Sender<()>) -> Self {
        Self { socket: Socket::Bridged(socket, alive) }
    }

    /// A socket on which TLS was agreed.
    pub(crate) fn encrypted(socket: TcpStream, session: ServerConnection) -> Self {
        Self { socket: Socket::Encrypted(Encrypted::new(socket, session)) }
    }

    /// The TCP socket, if there is one right under this.
    fn tcp(&self) -> Option<&TcpStream> {
        match &self.socket {
            Socket::Tcp(socket) => Some(socket),
            Socket::Encrypted(encrypted) => Some(encrypted.socket()),
            Socket::Unix(_) | Socket::Bridged(..) => None,
        }
    }

    /// The other end's address, for a TCP connection.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.tcp().and_then(|socket| socket.peer_addr().ok())
    }

    /// Reads what is there, without waiting. 0: the peer will send no more.
    ///
    /// A read that does not fill the buffer has emptied the socket, so the stream is not ready any more and no second
    /// read has to find that out.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there; otherwise the connection is lost.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut got = None;
        let mut read = || {
            let bytes = rustix::net::recv(self, &mut *buffer, RecvFlags::empty())?.0;
            got = Some(bytes);
            // The runtime takes this for "not ready", and only if no newer event came in since it looked.
            if (1..buffer.len()).contains(&bytes) { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(bytes) }
        };
        let result = match &self.socket {
            Socket::Tcp(socket) => socket.try_io(Interest::READABLE, &mut read),
            Socket::Unix(socket) | Socket::Bridged(socket, _) => socket.try_io(Interest::READABLE, &mut read),
            Socket::Encrypted(encrypted) => return encrypted.try_read(buffer),
        };
        got.map_or(result, Ok)
    }

    /// Writes as much as the socket takes, without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if it takes nothing; otherwise the connection is lost.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        each!(&self.socket, socket => socket.try_write(bytes), tls => tls.try_write_vectored(&[IoSlice::new(bytes)]))
    }

    /// Writes as much of these buffers as the socket takes, without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if it takes nothing; otherwise the connection is lost.
    pub fn try_write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        each!(&self.socket, socket => socket.try_write_vectored(buffers), tls => tls.try_write_vectored(buffers))
    }

    /// Waits until reading may give something. One task at a time waits in this way.
    ///
    /// # Errors
    /// When the runtime is shutting down.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(&self.socket, socket => socket.poll_read_ready(cx), tls => tls.poll_read_ready(cx))
    }

    /// Waits until writing may take something. One task at a time waits in this way.
    ///
    /// # Errors
    /// When the runtime is shutting down.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(&self.socket, socket => socket.poll_write_ready(cx), tls => tls.poll_write_ready(cx))
    }

    /// Tells the peer that nothing more will come; reading goes on.
    ///
    /// # Errors
    /// When the connection is lost already.
    pub fn shutdown_write(&self) -> io::Result<()> {
        match &self.socket {
            Socket::Encrypted(encrypted) => encrypted.end_writing(),
            _ => self.shutdown(Shutdown::Write),
        }
    }

    /// Ends both directions: whoever waits for this stream sees its end.
    ///
    /// # Errors
    /// As [`Stream::shutdown_write`].
    pub fn shutdown_both(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Both)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        // Not through a second descriptor: when there is none left, ending connections must still work.
        Ok(rustix::net::shutdown(self, how)?)
    }

    /// Lets no more than [`UNSENT_BYTES_MAX`] wait in the kernel to be sent (Linux, `TCP_NOTSENT_LOWAT`). Without this the
    /// kernel takes megabytes for a peer that reads slowly, and says that there is room again only after a third of them.
    pub(crate) fn bound_unsent(&self) {
        #[cfg(target_os = "linux")]
        if let Some(socket) = self.tcp() {
            // A kernel that does not know it goes on as before.
            let _ = socket2::SockRef::from(socket).set_tcp_notsent_lowat(UNSENT_BYTES_MAX);
        }
    }

    /// Gives the connection up when nobody acknowledges for this long what was sent (Linux, `TCP_USER_TIMEOUT`): for peers
    /// that cannot say otherwise that they are there.
    pub(crate) fn give_up_after(&self, patience: Duration) {
        #[cfg(target_os = "linux")]
        if let Some(socket) = self.tcp() {
            // A kernel that does not know it gives up later, by itself.
            let _ = socket2::SockRef::from(socket).set_tcp_user_timeout(Some(patience));
        }
    }

    /// Makes dropping the stream end the connection at once, with a reset: what the peer did not take is thrown away.
    pub fn abort_on_drop(&self) {
        if let Some(socket) = self.tcp() {
            // It fails only when the connection is gone already.
            let _ = socket.set_zero_linger();
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        each!(&self.socket, socket => socket.as_fd(), tls => tls.socket().as_fd())
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(&mut self.socket, socket => Pin::new(socket).poll_read(cx, buffer), tls => tls.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        each!(
            &mut self.socket,
            socket => Pin::new(socket).poll_write(cx, bytes),
            tls => tls.poll_write_vectored(cx, &[IoSlice::new(bytes)])
        )
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(
            &mut self.socket,
            socket => Pin::new(socket).poll_write_vectored(cx, buffers),
            tls => tls.poll_write_vectored(cx, buffers)
        )
    }

    fn is_write_vectored(&self) -> bool {
        each!(&self.socket, socket => socket.is_write_vectored(), _tls => true)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(&mut self.socket, socket => Pin::new(socket).poll_flush(cx), tls => tls.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(&mut self.socket, socket => Pin::new(socket).poll_shutdown(cx), tls => tls.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests;

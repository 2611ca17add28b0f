//! A TCP socket with TLS on it, used as a socket without: one task reads while others write, and nobody waits unasked.
//!
//! What a writer gives is encrypted at once, as much as may wait ([`WAITING_BYTES_MAX`]), and what the socket does not take of
//! that is no matter of the writer's any more. Whoever waits next, to read or to write, sends it on. Every connection
//! has somebody who waits to read, and who is woken for it.

use std::{
    fmt,
    io::{self, IoSlice, Read, Write},
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use rustix::net::{RecvFlags, Shutdown, shutdown};
use rustls::ServerConnection;
use tokio::{
    io::{Interest, ReadBuf},
    net::TcpStream,
};

/// Most encrypted bytes that wait for the socket of one connection.
const WAITING_BYTES_MAX: usize = 64 * 1024;

/// A socket after its TLS handshake.
pub(crate) struct Encrypted {
    socket: TcpStream,
    state: Box<Mutex<State>>,
}

struct State {
    session: ServerConnection,
    /// Something was decrypted, or the end has come, that the last read had no room to tell.
    has_more: bool,
    ending: Ending,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// How far the writing side is from its end.
#[derive(PartialEq, Eq)]
enum Ending {
    Open,
    /// It ends as soon as nothing waits any more.
    Wanted,
    Done,
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// The socket under TLS, never waited for.
struct Raw<'a>(&'a TcpStream);

impl Read for Raw<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        receive(self.0, buffer)
    }
}

impl Write for Raw<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads what is there. A read that does not fill the buffer has emptied the socket, which is then not ready any more.
fn receive(socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = None;
    let result = socket.try_io(Interest::READABLE, || {
        let bytes = rustix::net::recv(socket, &mut *buffer, RecvFlags::empty())?.0;
        got = Some(bytes);
        // The runtime takes this for "not ready", and only if no newer event came in since it looked.
        if (1..buffer.len()).contains(&bytes) { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(bytes) }
    });
    got.map_or(result, Ok)
}

impl Encrypted {
    /// Takes over what a handshake has left.
    pub(crate) fn new(socket: TcpStream, mut session: ServerConnection) -> Self {
        session.set_buffer_limit(Some(WAITING_BYTES_MAX));
        // Something may have come right behind the handshake.
        let state = State { session, has_more: true, ending: Ending::Open, reader: None, writer: None };
        Self { socket, state: Box::new(Mutex::new(state)) }
    }

    pub(crate) const fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Reads what is there, without waiting. 0: the peer will send no more.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there; otherwise the connection is lost, or what came is not TLS.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        let read = state.read(&self.socket, buffer);
        // TLS may have something to say to what came; what goes wrong there is told by the next call.
        if !state.flush(&self.socket).unwrap_or(true) {
            wake(state.reader.take());
        }
        read
    }

    /// Writes as much of these buffers as may wait, without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if that is nothing; otherwise the connection is lost.
    pub(crate) fn try_write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.state();
        if !state.flush(&self.socket)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let (written, flushed) = state.write(&self.socket, buffers)?;
        if !flushed {
            wake(state.reader.take());
        }
        Ok(written)
    }

    /// Waits until reading may give something, and sends meanwhile what waits.
    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        if state.has_more {
            return Poll::Ready(Ok(()));
        }
        // An error here is one of the connection, which reading tells.
        if let Poll::Ready(Err(error)) = state.poll_flush(&self.socket, cx) {
            return Poll::Ready(Err(error));
        }
        remember(&mut state.reader, cx);
        self.socket.poll_read_ready(cx)
    }

    /// Waits until writing may take something.
    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        self.socket.poll_write_ready(cx)
    }

    /// Waits until all that was written has left.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        let flushed = state.poll_flush(&self.socket, cx);
        if flushed.is_pending() {
            // The reader may send it on as well, and the socket wakes only one of the two.
            remember(&mut state.writer, cx);
        }
        flushed
    }

    /// Tells the peer, behind all that was written, that nothing more will come.
    ///
    /// # Errors
    /// The connection is lost already.
    pub(crate) fn end_writing(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.ending == Ending::Open {
            state.session.send_close_notify();
            state.ending = Ending::Wanted;
        }
        if !state.flush(&self.socket)? {
            wake(state.reader.take());
        }
        Ok(())
    }

    /// Reads what is there, or waits for it.
    pub(crate) fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_read_ready(cx))?;
            match self.try_read(buffer.initialize_unfilled()) {
                Ok(bytes) => {
                    buffer.advance(bytes);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Writes as much as may wait, or waits until that is something.
    pub(crate) fn poll_write_vectored(&self, cx: &mut Context<'_>, buffers: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        loop {
            match self.try_write_vectored(buffers) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready!(self.poll_flush(cx))?,
                written => return Poll::Ready(written),
            }
        }
    }

    /// Ends the writing side, and waits until that and all before it has left.
    pub(crate) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end_writing()?;
        self.poll_flush(cx)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn read(&mut self, socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        self.has_more = false;
        while filled < buffer.len() {
            match self.session.reader().read(&mut buffer[filled..]) {
                Ok(bytes) if bytes > 0 => filled += bytes,
                // The end, be it told or not: what is spoken over TLS here says by itself whether it is whole.
                Ok(_) => return Ok(self.at_end(filled)),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(self.at_end(filled)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match self.session.read_tls(&mut Raw(socket)) {
                        Ok(_) => {
                            self.session
                                .process_new_packets()
                                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                        }
                        Err(_) if filled > 0 => return Ok(filled),
                        Err(error) => return Err(error),
                    }
                }
                Err(error) => return Err(error),
            }
        }
        self.has_more = true;
        Ok(filled)
    }

    /// The next read tells the end, if this one still has something.
    fn at_end(&mut self, filled: usize) -> usize {
        self.has_more = filled > 0;
        filled
    }

    /// Encrypts and sends until all is written or something waits. False: something does.
    fn write(&mut self, socket: &TcpStream, buffers: &[IoSlice<'_>]) -> io::Result<(usize, bool)> {
        let mut written = self.session.writer().write_vectored(buffers)?;
        let mut flushed = self.flush(socket)?;
        let bytes: usize = buffers.iter().map(|buffer| buffer.len()).sum();
        while flushed && written < bytes {
            let mut left = buffers.to_vec();
            let mut left = &mut left[..];
            IoSlice::advance_slices(&mut left, written);
            let more = self.session.writer().write_vectored(left)?;
            if more == 0 {
                break;
            }
            written += more;
            flushed = self.flush(socket)?;
        }
        Ok((written, flushed))
    }

    /// Sends what waits. False: the socket did not take all of it.
    fn flush(&mut self, socket: &TcpStream) -> io::Result<bool> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut Raw(socket)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        if self.ending == Ending::Wanted {
            self.ending = Ending::Done;
            shutdown(socket, Shutdown::Write)?;
        }
        wake(self.writer.take());
        Ok(true)
    }

    fn poll_flush(&mut self, socket: &TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.flush(socket)? {
            ready!(socket.poll_write_ready(cx))?;
        }
        Poll::Ready(Ok(()))
    }
}

fn remember(waker: &mut Option<Waker>, cx: &Context<'_>) {
    match waker {
        Some(waker) if waker.will_wake(cx.waker()) => {}
        waker => *waker = Some(cx.waker().clone()),
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

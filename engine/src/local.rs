//! Connections inside the process: the same session and the same frames as over a socket, JSON, one a line.

use crate::error::Error;
use crate::link::Link;
use crate::port::Port;
use crate::sync::lock;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tidings_proto::payload::Codec;
use tidings_proto::wire::WireForm;

/// Most bytes that wait to be received; then the engine waits, as it would for a socket.
const WAITING_BYTES_MAX: usize = 64 * 1024;

/// A connection inside the process. Dropping it ends the session.
pub struct Local {
    port: Port,
    pipe: Arc<Pipe>,
}

#[derive(Default)]
struct Pipe(Mutex<PipeState>);

#[derive(Default)]
struct PipeState {
    bytes: Vec<u8>,
    read: usize,
    ended: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Local {
    pub(crate) fn open(open: impl FnOnce(Arc<dyn Link>) -> Result<Port, Error>) -> Result<Self, Error> {
        let pipe = Arc::new(Pipe::default());
        let port = open(Arc::clone(&pipe) as Arc<dyn Link>)?;
        Ok(Self { port, pipe })
    }

    /// The session behind it.
    #[must_use]
    pub const fn port(&self) -> &Port {
        &self.port
    }

    /// Sends one or more frames, one a line.
    pub fn send(&self, frames: &str) {
        self.port.batch().message(Codec::Json, frames.as_bytes());
    }

    /// The next frame, when it is there. `None` after the last one.
    pub async fn receive(&self) -> Option<String> {
        poll_fn(|context| self.poll_receive(context)).await
    }

    /// Throws away all that waits to be received.
    pub fn discard(&self) {
        let mut state = lock(&self.pipe.0);
        state.bytes = Vec::new();
        state.read = 0;
        let writer = state.writer.take();
        drop(state);
        writer.into_iter().for_each(Waker::wake);
    }

    /// As [`Local::receive`], for those who poll.
    pub fn poll_receive(&self, context: &mut Context<'_>) -> Poll<Option<String>> {
        let mut state = lock(&self.pipe.0);
        if let Some(line) = state.next_line() {
            let writer = state.writer.take();
            drop(state);
            writer.into_iter().for_each(Waker::wake);
            return Poll::Ready(Some(line));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }
}

impl PipeState {
    fn next_line(&mut self) -> Option<String> {
        let waiting = &self.bytes[self.read..];
        let end = waiting.iter().position(|byte| *byte == b'\n')?;
        let line = String::from_utf8_lossy(&waiting[..end]).into_owned();
        self.read += end + 1;
        if self.read == self.bytes.len() {
            // Nothing waits: an idle connection holds no buffer.
            self.bytes = Vec::new();
            self.read = 0;
        }
        Some(line)
    }

    fn end(&mut self) -> [Option<Waker>; 2] {
        self.ended = true;
        [self.reader.take(), self.writer.take()]
    }
}

impl Link for Pipe {
    fn form(&self) -> WireForm {
        WireForm::JsonLines
    }

    fn try_write_vectored(&self, frames: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = lock(&self.0);
        if state.ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if state.bytes.len() - state.read >= WAITING_BYTES_MAX {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let read = mem::take(&mut state.read);
        state.bytes.drain(..read);
        let bytes = frames.iter().map(|frame| frame.len()).sum();
        state.bytes.reserve(bytes);
        for frame in frames {
            state.bytes.extend_from_slice(frame);
        }
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
        Ok(bytes)
    }

    fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = lock(&self.0);
        if state.ended || state.bytes.len() - state.read < WAITING_BYTES_MAX {
            return Poll::Ready(Ok(()));
        }
        state.writer = Some(context.waker().clone());
        Poll::Pending
    }

    fn finish(&self) {
        self.abort();
    }

    fn abort(&self) {
        let wakers = lock(&self.0).end();
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

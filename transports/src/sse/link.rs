//! The way out of an engine's session as server-sent events.
//!
//! A session begins before its stream does: what it answers first decides whether there will be a stream at all. Until then
//! what it says is kept here.

use super::places::Places;
use crate::ws::stream::Stream;
use std::{
    io::{self, IoSlice},
    mem,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll, Waker},
};
use tidings::link::Link;
use tidings_proto::wire::WireForm;

/// Most bytes that are kept before the stream is open. An engine that has more waits.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// A socket that an engine writes to, once there is one.
#[derive(Debug, Default)]
pub(crate) struct SseLink {
    open: OnceLock<Open>,
    before: Mutex<Before>,
}

#[derive(Debug)]
struct Open {
    stream: Stream,
    /// Of a client that keeps an id and knows no positions. Boxed, because others have none.
    places: Option<Box<Mutex<Places>>>,
}

#[derive(Debug, Default)]
struct Before {
    bytes: Vec<u8>,
    /// The session has said its last.
    is_finished: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in here is whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SseLink {
    /// What was said behind the first `read` bytes, once there is some. `None`: nothing more will be.
    pub(crate) fn poll_said(&self, read: usize, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let mut before = lock(&self.before);
        if before.bytes.len() > read {
            return Poll::Ready(Some(before.bytes[read..].to_vec()));
        }
        if before.is_finished {
            return Poll::Ready(None);
        }
        before.reader = Some(context.waker().clone());
        Poll::Pending
    }

    /// Takes what was said, to be sent before the link is opened.
    pub(crate) fn take_said(&self) -> Vec<u8> {
        let mut before = lock(&self.before);
        let bytes = mem::take(&mut before.bytes);
        let writer = before.writer.take();
        drop(before);
        writer.into_iter().for_each(Waker::wake);
        bytes
    }

    /// From now on everything leaves by this socket. Gives it back if something was said that is to be sent before.
    pub(crate) fn open(&self, stream: Stream, places: Option<Places>) -> Result<(), (Stream, Option<Places>)> {
        let mut before = lock(&self.before);
        if !before.bytes.is_empty() {
            return Err((stream, places));
        }
        let places = places.map(|places| Box::new(Mutex::new(places)));
        let open = self.open.get_or_init(|| Open { stream, places });
        if before.is_finished {
            finish(&open.stream);
        }
        let before = mem::take(&mut *before);
        before.writer.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// The socket, once it is open.
    pub(crate) fn stream(&self) -> Option<&Stream> {
        self.open.get().map(|open| &open.stream)
    }

    fn end_before(&self) {
        let mut before = lock(&self.before);
        before.is_finished = true;
        let reader = before.reader.take();
        drop(before);
        reader.into_iter().for_each(Waker::wake);
    }
}

fn finish(stream: &Stream) {
    if stream.shutdown_write().is_err() {
        abort(stream);
    }
}

fn abort(stream: &Stream) {
    stream.abort_on_drop();
    // It fails when the connection is gone, and then the reader sees that by itself.
    let _ = stream.shutdown_both();
}

impl Link for SseLink {
    fn form(&self) -> WireForm {
        WireForm::Sse
    }

    fn try_write_vectored(&self, frames: &[IoSlice<'_>]) -> io::Result<usize> {
        if let Some(open) = self.open.get() {
            return open.write(frames);
        }
        let mut before = lock(&self.before);
        if let Some(open) = self.open.get() {
            drop(before);
            return open.write(frames);
        }
        if before.bytes.len() >= KEPT_BYTES_MAX {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let length = before.bytes.len();
        frames.iter().for_each(|frame| before.bytes.extend_from_slice(frame));
        let taken = before.bytes.len() - length;
        let reader = before.reader.take();
        drop(before);
        reader.into_iter().for_each(Waker::wake);
        Ok(taken)
    }

    fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(open) = self.open.get() {
            return open.stream.poll_write_ready(context);
        }
        let mut before = lock(&self.before);
        if let Some(open) = self.open.get() {
            return open.stream.poll_write_ready(context);
        }
        if before.bytes.len() < KEPT_BYTES_MAX {
            return Poll::Ready(Ok(()));
        }
        before.writer = Some(context.waker().clone());
        Poll::Pending
    }

    fn answers_pings(&self) -> bool {
        false
    }

    fn finish(&self) {
        match self.open.get() {
            Some(open) => finish(&open.stream),
            None => self.end_before(),
        }
    }

    fn abort(&self) {
        match self.open.get() {
            Some(open) => abort(&open.stream),
            None => self.end_before(),
        }
    }
}

impl Open {
    fn write(&self, frames: &[IoSlice<'_>]) -> io::Result<usize> {
        match (&self.places, frames) {
            (Some(places), frames) => lock(places).write(frames, |slices| self.stream.try_write_vectored(slices)),
            (None, [frame]) => self.stream.try_write(frame),
            (None, frames) => self.stream.try_write_vectored(frames),
        }
    }
}

//! The way out of an engine's session over a WebSocket: frames come rendered, header included.

use super::stream::Stream;
use crate::visitors::Newcomer;
use std::{
    io::{self, IoSlice},
    task::{Context, Poll},
};
use tidings::link::Link;
use tidings_proto::wire::WireForm;

/// A socket that an engine writes to while another task reads from it.
#[derive(Debug)]
pub(crate) struct WebSocketLink {
    stream: Stream,
    form: WireForm,
    newcomer: Option<Box<Newcomer>>,
}

impl WebSocketLink {
    pub(crate) fn new(stream: Stream, form: WireForm, newcomer: Option<Box<Newcomer>>) -> Self {
        Self { stream, form, newcomer }
    }

    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }
}

impl Link for WebSocketLink {
    fn form(&self) -> WireForm {
        self.form
    }

    fn try_write_vectored(&self, frames: &[IoSlice<'_>]) -> io::Result<usize> {
        match frames {
            [frame] => self.stream.try_write(frame),
            frames => self.stream.try_write_vectored(frames),
        }
    }

    fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_write_ready(context)
    }

    fn refused(&self) {
        if let Some(newcomer) = &self.newcomer {
            newcomer.failed();
        }
    }

    fn finish(&self) {
        if self.stream.shutdown_write().is_err() {
            self.abort();
        }
    }

    fn abort(&self) {
        self.stream.abort_on_drop();
        // It fails when the connection is gone, and then the reader sees that by itself.
        let _ = self.stream.shutdown_both();
    }
}

//! One stream of server-sent events, from its head to its end. What goes out is the link's; what comes in says only that the
//! client is gone.

use super::{link::SseLink, opening::Opening, places::Places};
use crate::{
    seat::Seat,
    ws::{read_buffer::with_read_buffer, stream::Stream},
};
use std::{
    future::poll_fn,
    io,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tidings::{link::Link, port::Port};
use tokio::{io::AsyncWriteExt, time::timeout};

/// Most bytes that are read away of what a client sends behind its request, where nothing belongs.
const STRAY_BYTES_MAX: usize = 64 * 1024;

/// A session whose stream is open.
pub(crate) struct Serving {
    /// Held for the session: dropped, it ends.
    _port: Port,
    link: Arc<SseLink>,
    stray_bytes: usize,
    _seat: Option<Seat>,
}

impl Serving {
    /// Sends the head and all that was said so far, and lets the engine write to the socket from then on. `None`: the client
    /// took too long for that, or is gone.
    pub(crate) async fn open(
        opening: Opening,
        mut stream: Stream,
        head: Vec<u8>,
        mut places: Option<Places>,
        times: Times,
        seat: Option<Seat>,
    ) -> Option<Self> {
        let link = Arc::clone(&opening.link);
        stream.bound_unsent();
        stream.give_up_after(times.patience);
        let mut bytes = head;
        loop {
            let mut said = link.take_said();
            if let Some(places) = &mut places {
                places.conclude(&mut said);
            }
            bytes.append(&mut said);
            timeout(times.write_timeout, stream.write_all(&bytes)).await.ok()?.ok()?;
            bytes = Vec::new();
            match link.open(stream, places) {
                Ok(()) => return Some(Self { _port: opening.keep()?, link, stray_bytes: 0, _seat: seat }),
                Err(back) => (stream, places) = back,
            }
        }
    }

    /// Waits for the end of the connection.
    pub(crate) async fn run(mut self) {
        poll_fn(|context| self.poll_ended(context)).await;
    }

    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(stream) = self.link.stream() else { return Poll::Ready(()) };
        loop {
            if ready!(stream.poll_read_ready(context)).is_err() {
                return Poll::Ready(());
            }
            match with_read_buffer(|buffer| stream.try_read(buffer)) {
                Ok(0) => return Poll::Ready(()),
                Ok(bytes) => self.stray_bytes += bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(_) => return Poll::Ready(()),
            }
            if self.stray_bytes > STRAY_BYTES_MAX {
                self.link.abort();
                return Poll::Ready(());
            }
        }
    }
}

/// How long is waited for a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// For it to acknowledge what it was sent.
    pub(crate) patience: Duration,
    /// For it to take the beginning of its stream.
    pub(crate) write_timeout: Duration,
}

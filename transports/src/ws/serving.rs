//! One WebSocket connection of an engine's session: what comes in. What goes out is the link's.

use super::{
    close::push_close_frame,
    decode::Decoder,
    encode::{Kind, push_frame},
    incoming::Incoming,
    link::WebSocketLink,
    read_buffer::with_read_buffer,
    upgrade::Connection,
    violation::Violation,
};
use crate::{limits::Limits, seat::Seat, visitors::Newcomer};
use bytes::Bytes;
use std::{
    future::poll_fn,
    io,
    ops::ControlFlow,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tidings::{Codec, Engine, error::Error, link::Link, port::Port};
use tidings_proto::wire::WireForm;
use tokio::time::timeout;

/// The reading half. It holds no buffer while nothing is unfinished.
pub(crate) struct Serving {
    port: Port,
    link: Arc<WebSocketLink>,
    decoder: Decoder,
    limits: Arc<Limits>,
    /// The closing handshake has begun: what comes in is read away.
    closing: bool,
    _seat: Option<Seat>,
}

/// The connection's reading side is at its end.
struct Ended;

impl Serving {
    /// Opens a session on an upgraded connection, and takes what came with the handshake.
    ///
    /// # Errors
    /// The engine takes no more connections.
    pub(crate) fn open(
        engine: &Engine,
        connection: Connection,
        form: WireForm,
        limits: Arc<Limits>,
        newcomer: Option<Box<Newcomer>>,
    ) -> Result<Self, Error> {
        connection.stream.bound_unsent();
        let link = Arc::new(WebSocketLink::new(connection.stream, form, newcomer));
        let port = engine.open(Arc::clone(&link) as Arc<dyn Link>)?;
        let seat = connection.seat;
        let mut serving = Self { port, link, decoder: Decoder::default(), limits, closing: false, _seat: seat };
        let mut unread = connection.unread;
        if !unread.is_empty() {
            serving.take(&mut unread);
        }
        Ok(serving)
    }

    /// Reads until the connection is over.
    pub(crate) async fn run(&mut self) {
        loop {
            let ended = match self.decoder.unfinished_since() {
                None => poll_fn(|context| self.poll_read(context)).await,
                // Boxed, so that the timer takes no memory of the connections that wait for nothing.
                Some(since_ms) => Box::pin(self.read_in_time(since_ms)).await,
            };
            if ended.is_err() {
                return;
            }
        }
    }

    async fn read_in_time(&mut self, since_ms: u64) -> Result<(), Ended> {
        let waited_ms = self.port.now_ms().saturating_sub(since_ms);
        let left = Duration::from_millis(self.limits.message_timeout_ms.saturating_sub(waited_ms));
        // A peer that always has something for us to read would never let the timer be asked.
        if !left.is_zero()
            && let Ok(read) = timeout(left, poll_fn(|context| self.poll_read(context))).await
        {
            return read;
        }
        self.violate(Violation::MessageTimeout);
        Ok(())
    }

    /// Waits for bytes and takes what one read brings.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        loop {
            if ready!(self.link.stream().poll_read_ready(context)).is_err() {
                return Poll::Ready(Err(Ended));
            }
            let read = with_read_buffer(|buffer| {
                let read = self.link.stream().try_read(buffer)?;
                if read > 0 {
                    self.take(&mut buffer[..read]);
                }
                Ok::<_, io::Error>(read)
            });
            match read {
                Ok(0) => return Poll::Ready(Err(Ended)),
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Poll::Ready(Err(Ended)),
            }
        }
    }

    /// All that one read brought is one batch.
    fn take(&mut self, input: &mut [u8]) {
        if self.closing {
            return;
        }
        let mut batch = self.port.batch();
        let now_ms = batch.now_ms();
        let mut sink = |incoming: Incoming<'_>| match incoming {
            Incoming::Text(text) => {
                batch.message(Codec::Json, text.as_bytes());
                ControlFlow::Continue(())
            }
            Incoming::Binary(bytes) => {
                batch.message(Codec::Msgpack, bytes);
                ControlFlow::Continue(())
            }
            Incoming::Ping(payload) => {
                batch.control();
                let mut pong = Vec::with_capacity(payload.len() + 2);
                push_frame(&mut pong, Kind::Pong, payload);
                batch.raw(Bytes::from(pong));
                ControlFlow::Continue(())
            }
            Incoming::Pong(_) => {
                batch.control();
                ControlFlow::Continue(())
            }
            Incoming::Close { code, .. } => ControlFlow::Break(code),
        };
        let decoded = self.decoder.decode(input, &self.limits, now_ms, &mut sink);
        drop(batch);
        match decoded {
            Ok(decoded) => {
                if let ControlFlow::Break(code) = decoded.flow {
                    // The close frame is answered by one with the same code (RFC 6455 5.5.1).
                    self.finish(code, "", is_goodbye(code));
                }
            }
            Err(violation) => self.violate(violation),
        }
    }

    fn violate(&mut self, violation: Violation) {
        violation.count();
        self.finish(Some(violation.close_code()), violation.reason(), false);
    }

    fn finish(&mut self, code: Option<u16>, reason: &str, is_goodbye: bool) {
        self.closing = true;
        self.decoder = Decoder::default();
        let mut last = Vec::new();
        push_close_frame(&mut last, code, reason);
        let last = Bytes::from(last);
        if is_goodbye { self.port.leave(last) } else { self.port.finish(last) }
    }
}

/// Whether a client that closes so has gone on purpose. A page that is left or loaded anew says 1001, and may be back in
/// a moment.
const fn is_goodbye(code: Option<u16>) -> bool {
    matches!(code, None | Some(1000))
}

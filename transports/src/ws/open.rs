//! A WebSocket connection while its socket lives: reading, writing, closing.

use std::{
    future::poll_fn,
    io,
    ops::ControlFlow,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    time::{Instant, timeout, timeout_at},
};

use super::{
    decode::Decoder, error::Error, incoming::Incoming, outgoing::Outgoing, read_buffer::with_read_buffer,
    stream::Stream, upgrade::Connection, violation::Violation,
};
use crate::{limits::Limits, seat::Seat};

/// Everything that a connection needs.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) outgoing: Outgoing,
    stream: Stream,
    decoder: Decoder,
    unread: Unread,
    limits: Arc<Limits>,
    /// The beginning of the connection's own clock.
    began: Instant,
    /// Since when the socket has taken nothing of what waits.
    stalled: Option<Instant>,
    closing: Option<Closing>,
    _seat: Option<Seat>,
}

/// Bytes that were read but not decoded yet.
#[derive(Debug, Default)]
struct Unread {
    bytes: Vec<u8>,
    at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Closing {
    deadline: Instant,
    /// Our close frame is the first one, so the peer answers it.
    await_peer: bool,
}

/// What one turn came to.
pub(crate) enum Turn<B> {
    /// All that was there was handed out.
    More,
    /// The sink broke off.
    Broken(B),
    /// The peer's close frame came.
    PeerClosed { code: Option<u16>, reason: String },
}

impl Open {
    pub(crate) fn new(connection: Connection, limits: Arc<Limits>) -> Self {
        Self {
            outgoing: Outgoing::default(),
            stream: connection.stream,
            decoder: Decoder::default(),
            unread: Unread { bytes: connection.unread, at: 0 },
            limits,
            began: Instant::now(),
            stalled: None,
            closing: None,
            _seat: connection.seat,
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// Hands out what was read before; when that is nothing, waits for one read and hands out what it brought. What waits
    /// to be sent goes out meanwhile.
    pub(crate) async fn turn<B>(
        &mut self,
        on: &mut impl FnMut(Incoming<'_>, &mut Outgoing) -> ControlFlow<B>,
    ) -> Result<Turn<B>, Error> {
        let mut unread = std::mem::take(&mut self.unread);
        if unread.at < unread.bytes.len() {
            let (used, turn) = self.decode(&mut unread.bytes[unread.at..], on)?;
            unread.at += used;
            self.unread = unread;
            return Ok(turn);
        }
        let Some((deadline, overdue)) = self.deadline() else {
            return poll_fn(|cx| self.poll_turn(cx, on)).await;
        };
        // A peer that always has something for us to read would never let the timer be asked.
        if deadline > Instant::now()
            && let Ok(turn) = timeout_at(deadline, poll_fn(|cx| self.poll_turn(cx, on))).await
        {
            return turn;
        }
        Err(overdue)
    }

    /// Waits until the socket has taken everything that waits.
    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        let patience = Duration::from_millis(self.limits.write_timeout_ms);
        while self.outgoing.waiting_bytes() > 0 {
            let write = poll_fn(|cx| self.outgoing.poll_write(&mut self.stream, cx));
            match timeout(patience, write).await {
                Ok(written) => written.map_err(Error::Io)?,
                Err(_) => {
                    self.stream.abort_on_drop();
                    return Err(Error::Stalled);
                }
            }
        }
        self.stalled = None;
        Ok(())
    }

    /// Adds the close frame, and sets the time by which everything is over. `await_peer`: the peer has yet to answer.
    pub(crate) fn begin_closing(&mut self, code: Option<u16>, reason: &str, await_peer: bool) {
        self.outgoing.close(code, reason);
        let deadline = Instant::now() + Duration::from_millis(self.limits.close_timeout_ms);
        self.closing.get_or_insert(Closing { deadline, await_peer });
    }

    /// Ends the connection that `begin_closing` was called on; after this only dropping it is left.
    pub(crate) async fn finish_closing(&mut self) {
        let Some(closing) = self.closing else {
            return;
        };
        // However it ends, in order, by an error or by the clock, the socket is dropped next.
        let _ = timeout_at(closing.deadline, self.say_goodbye(closing.await_peer)).await;
        if self.outgoing.waiting_bytes() > 0 {
            self.stream.abort_on_drop();
        }
    }

    async fn say_goodbye(&mut self, await_peer: bool) -> Result<(), Error> {
        self.flush().await?;
        if await_peer {
            let mut ignore = |_: Incoming<'_>, _: &mut Outgoing| ControlFlow::<()>::Continue(());
            while let Ok(Turn::More) = self.turn(&mut ignore).await {}
        }
        self.stream.shutdown().await.map_err(Error::Io)?;
        // Closing a socket that holds unread bytes resets the connection, and a reset may overtake the close frame.
        poll_fn(|cx| self.poll_discard(cx)).await.map_err(Error::Io)
    }

    /// When the next time limit passes, and what that means.
    fn deadline(&self) -> Option<(Instant, Error)> {
        let message = self.decoder.unfinished_since().map(|since_ms| {
            let at = self.began + Duration::from_millis(since_ms + self.limits.message_timeout_ms);
            (at, Error::Violation(Violation::MessageTimeout))
        });
        let write =
            self.stalled.map(|since| (since + Duration::from_millis(self.limits.write_timeout_ms), Error::Stalled));
        match (message, write) {
            (Some(message), Some(write)) => Some(if message.0 <= write.0 { message } else { write }),
            (message, write) => message.or(write),
        }
    }

    fn poll_turn<B>(
        &mut self,
        cx: &mut Context<'_>,
        on: &mut impl FnMut(Incoming<'_>, &mut Outgoing) -> ControlFlow<B>,
    ) -> Poll<Result<Turn<B>, Error>> {
        while self.outgoing.waiting_bytes() > 0 {
            match self.outgoing.poll_write(&mut self.stream, cx) {
                Poll::Ready(written) => {
                    written.map_err(Error::Io)?;
                    self.stalled = None;
                }
                Poll::Pending if self.stalled.is_some() => break,
                Poll::Pending => {
                    // The next turn waits with this time limit too.
                    self.stalled = Some(Instant::now());
                    return Poll::Ready(Ok(Turn::More));
                }
            }
        }
        with_read_buffer(|buffer| {
            let mut read = ReadBuf::new(buffer);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read)).map_err(Error::Io)?;
            let input = read.filled_mut();
            if input.is_empty() {
                return Poll::Ready(Err(Error::Lost));
            }
            let (used, turn) = self.decode(input, on)?;
            if used < input.len() {
                self.unread = Unread { bytes: input[used..].to_vec(), at: 0 };
            }
            Poll::Ready(Ok(turn))
        })
    }

    fn decode<B>(
        &mut self,
        input: &mut [u8],
        on: &mut impl FnMut(Incoming<'_>, &mut Outgoing) -> ControlFlow<B>,
    ) -> Result<(usize, Turn<B>), Error> {
        let now_ms = self.began.elapsed().as_millis() as u64;
        let outgoing = &mut self.outgoing;
        let mut sink = |incoming: Incoming<'_>| match incoming {
            Incoming::Ping(payload) => {
                outgoing.pong(payload);
                ControlFlow::Continue(())
            }
            Incoming::Close { code, reason } => {
                ControlFlow::Break(Turn::PeerClosed { code, reason: reason.to_owned() })
            }
            message => on(message, outgoing).map_break(Turn::Broken),
        };
        let decoded = self.decoder.decode(input, &self.limits, now_ms, &mut sink).map_err(Error::Violation)?;
        match decoded.flow {
            ControlFlow::Continue(()) => Ok((decoded.used, Turn::More)),
            ControlFlow::Break(turn) => Ok((decoded.used, turn)),
        }
    }

    /// Reads until the peer has closed its side, and keeps nothing.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_read_buffer(|buffer| {
            loop {
                let mut read = ReadBuf::new(buffer);
                ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
                if read.filled().is_empty() {
                    return Poll::Ready(Ok(()));
                }
            }
        })
    }
}

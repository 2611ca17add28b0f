//! Frames on their way to one peer.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::AsyncWrite;

use super::{
    close::push_close_frame,
    encode::{Kind, push_frame},
    stream::Stream,
};

/// Once this much waits to be sent, a further pong replaces the pong before it (RFC 6455 5.5.3 asks only for the newest), so
/// that a peer that pings and does not read can't make more than this and one pong wait.
///
/// One read may bring no more pings than fit here, so a peer that reads gets all of its pongs.
const PONG_BACKLOG_BYTES_MAX: usize = 64 * 1024;

/// The frames that wait to be written to one peer, as bytes. It takes no memory while nothing waits.
#[derive(Debug, Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
    /// How many of them were written.
    sent: usize,
    /// The newest ping's payload, when too much waits to answer each.
    pong: Option<Vec<u8>>,
    /// After the close frame nothing may follow.
    closed: bool,
}

impl Outgoing {
    /// Adds a text message.
    pub fn text(&mut self, text: &str) {
        self.push(Kind::Text, text.as_bytes());
    }

    /// Adds a binary message.
    pub fn binary(&mut self, bytes: &[u8]) {
        self.push(Kind::Binary, bytes);
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.bytes.len() - self.sent
    }

    pub(crate) fn push(&mut self, kind: Kind, payload: &[u8]) {
        if !self.closed {
            push_frame(&mut self.bytes, kind, payload);
        }
    }

    /// Answers a ping.
    pub(crate) fn pong(&mut self, payload: &[u8]) {
        if self.waiting_bytes() + payload.len() < PONG_BACKLOG_BYTES_MAX {
            self.push(Kind::Pong, payload);
        } else {
            self.pong = Some(payload.to_vec());
        }
    }

    /// Adds the close frame; whatever is added later is dropped.
    pub(crate) fn close(&mut self, code: Option<u16>, reason: &str) {
        if !self.closed {
            push_close_frame(&mut self.bytes, code, reason);
            self.closed = true;
            self.pong = None;
        }
    }

    /// Writes once, as much as the socket takes. Ready as soon as something was written, or nothing waits.
    pub(crate) fn poll_write(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.waiting_bytes() == 0 {
            return Poll::Ready(Ok(()));
        }
        let written = ready!(Pin::new(stream).poll_write(cx, &self.bytes[self.sent..]))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.sent += written;
        if self.waiting_bytes() == 0 {
            self.bytes = Vec::new();
            self.sent = 0;
            if let Some(pong) = self.pong.take() {
                self.push(Kind::Pong, &pong);
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;

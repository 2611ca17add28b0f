//! A WebSocket to be used by itself.

use std::{ops::ControlFlow, sync::Arc};

use super::{
    close::is_legal_close_code,
    encode::Kind,
    error::Error,
    head::CONTROL_BYTES_MAX,
    incoming::Incoming,
    message::Message,
    open::{Open, Turn},
    outgoing::Outgoing,
    upgrade::Connection,
};
use crate::limits::Limits;

/// A server's WebSocket connection.
///
/// Pings are answered, the closing handshake is done in full, and every limit of [`Limits`] is held to. While nothing
/// arrives it holds no buffers. Any of its futures may be dropped midway and called again; nothing is lost but what
/// `send` had not begun to write.
///
/// ```no_run
/// # async fn example(mut request: hyper::Request<hyper::body::Incoming>) -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use tidings_transports::{Handshake, Limits, Message, Origins, WebSocket};
///
/// let accepted = Handshake::new(Origins::default()).accept(&mut request).map_err(|rejection| rejection.name())?;
/// tokio::spawn(async move {
///     let Ok(connection) = accepted.upgrade.await else { return };
///     let mut socket = WebSocket::new(connection, Arc::new(Limits::default()));
///     while let Some(Ok(Message::Text(text))) = socket.recv().await {
///         if socket.send(Message::Text(text)).await.is_err() {
///             return;
///         }
///     }
/// });
/// // Answer the request with `accepted.response`.
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct WebSocket {
    /// `None` once the connection has ended.
    open: Option<Open>,
    /// What `recv` tells when the closing that it has begun is over.
    ending: Option<Result<Message, Error>>,
}

impl WebSocket {
    /// Takes over a connection whose handshake is done.
    #[must_use]
    pub fn new(connection: Connection, limits: Arc<Limits>) -> Self {
        Self { open: Some(Open::new(connection, limits)), ending: None }
    }

    /// Waits for the next message. `None`: the connection has ended, and how was told before.
    ///
    /// The peer's close frame is the last message; when it is returned the closing is over. So it is when a
    /// [`Error::Violation`] is returned: the peer was told.
    ///
    /// # Errors
    /// What ended the connection otherwise.
    pub async fn recv(&mut self) -> Option<Result<Message, Error>> {
        let mut take = |incoming: Incoming<'_>, _: &mut Outgoing| ControlFlow::Break(Message::from(incoming));
        loop {
            match self.turn(&mut take).await {
                ControlFlow::Continue(None) => {}
                ControlFlow::Continue(Some(message)) => return Some(Ok(message)),
                ControlFlow::Break(ending) => return ending,
            }
        }
    }

    /// Hands every message and pong to `handler`, with the way to answer, until the connection ends. The answers to all that
    /// one read brought leave in one write, and nothing more is read before they did.
    ///
    /// # Errors
    /// What ended the connection, unless it was the peer's close frame.
    pub async fn for_each(&mut self, mut handler: impl FnMut(Incoming<'_>, &mut Outgoing)) -> Result<(), Error> {
        let mut each = |incoming: Incoming<'_>, outgoing: &mut Outgoing| {
            handler(incoming, outgoing);
            ControlFlow::<()>::Continue(())
        };
        loop {
            match self.turn(&mut each).await {
                ControlFlow::Continue(_) => self.flush().await?,
                ControlFlow::Break(Some(Err(error))) => return Err(error),
                ControlFlow::Break(_) => return Ok(()),
            }
        }
    }

    /// Sends a message, and waits until the socket has taken all of it.
    ///
    /// # Errors
    /// When the connection has ended or ends now, or the message is one that can't be sent.
    pub async fn send(&mut self, message: Message) -> Result<(), Error> {
        let open = self.open.as_mut().filter(|open| !open.is_closing()).ok_or(Error::Closed)?;
        match message {
            Message::Text(text) => open.outgoing.text(&text),
            Message::Binary(bytes) => open.outgoing.binary(&bytes),
            Message::Ping(bytes) if bytes.len() <= CONTROL_BYTES_MAX => open.outgoing.push(Kind::Ping, &bytes),
            Message::Pong(bytes) if bytes.len() <= CONTROL_BYTES_MAX => open.outgoing.push(Kind::Pong, &bytes),
            Message::Ping(_) | Message::Pong(_) => {
                return Err(Error::Unsendable("a ping or pong holds at most 125 bytes"));
            }
            Message::Close { code, reason } => return self.close(code.unwrap_or(1000), &reason).await,
        }
        self.flush().await
    }

    /// Closes the connection: sends the close frame, waits for the peer's, ends the TCP connection. It is over within
    /// `close_timeout_ms`, whatever the peer does. Messages that still come in are dropped.
    ///
    /// # Errors
    /// When the connection has ended already, or no endpoint may send this code.
    pub async fn close(&mut self, code: u16, reason: &str) -> Result<(), Error> {
        if !is_legal_close_code(code) {
            return Err(Error::Unsendable("this close code must not be sent"));
        }
        let open = self.open.as_mut().ok_or(Error::Closed)?;
        open.begin_closing(Some(code), reason, true);
        open.finish_closing().await;
        self.open = None;
        Ok(())
    }

    /// One turn of the connection. `Break`: it has ended.
    async fn turn<B>(
        &mut self,
        on: &mut impl FnMut(Incoming<'_>, &mut Outgoing) -> ControlFlow<B>,
    ) -> ControlFlow<Option<Result<Message, Error>>, Option<B>> {
        let Some(open) = &mut self.open else {
            return ControlFlow::Break(None);
        };
        if !open.is_closing() {
            match open.turn(on).await {
                Ok(Turn::More) => return ControlFlow::Continue(None),
                Ok(Turn::Broken(value)) => return ControlFlow::Continue(Some(value)),
                Ok(Turn::PeerClosed { code, reason }) => {
                    open.begin_closing(code, "", false);
                    self.ending = Some(Ok(Message::Close { code, reason }));
                }
                Err(Error::Violation(violation)) => {
                    violation.count();
                    open.begin_closing(Some(violation.close_code()), violation.reason(), false);
                    self.ending = Some(Err(Error::Violation(violation)));
                }
                Err(error) => {
                    self.open = None;
                    return ControlFlow::Break(Some(Err(error)));
                }
            }
        }
        open.finish_closing().await;
        self.open = None;
        ControlFlow::Break(self.ending.take())
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let Some(open) = &mut self.open else {
            return Err(Error::Closed);
        };
        let flushed = open.flush().await;
        if flushed.is_err() {
            self.open = None;
        }
        flushed
    }
}

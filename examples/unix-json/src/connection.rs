//! The half that comes in.

use crate::lines::{Lines, TooLong};
use crate::link::UnixLink;
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use tidings::error::Error;
use tidings::link::Link;
use tidings::port::Port;
use tidings::{Codec, Engine};
use tokio::net::UnixStream;

/// One read takes at most this.
const READ_BYTES: usize = 8 * 1024;

/// What a peer is told whose line is too long, as a WebSocket peer would be.
const TOO_LONG: &[u8] = b"{\"close\":{\"code\":1009,\"reason\":\"message_too_long\"}}\n";

/// A session of the engine over a Unix socket.
pub(crate) struct Connection {
    port: Port,
    link: Arc<UnixLink>,
    lines: Lines,
    /// The last words are said: what still comes is read away.
    closing: bool,
}

impl Connection {
    /// Opens a session.
    ///
    /// # Errors
    /// The engine takes no more.
    pub(crate) fn open(engine: &Engine, stream: UnixStream) -> Result<Self, Error> {
        let link = Arc::new(UnixLink(stream));
        let port = engine.open(Arc::clone(&link) as Arc<dyn Link>)?;
        Ok(Self { port, link, lines: Lines::new(engine.message_bytes_max()), closing: false })
    }

    /// Reads until the connection is over. Dropping the port then takes the session out of everything.
    pub(crate) async fn run(mut self) {
        while self.link.0.readable().await.is_ok() {
            // The buffer lives only here, so a connection for which nothing comes holds none.
            let mut buffer = [0; READ_BYTES];
            match self.link.0.try_read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => self.take(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }

    /// All that one read brought is one batch: its answers leave in one write.
    fn take(&mut self, bytes: &[u8]) {
        if self.closing {
            return;
        }
        let mut batch = self.port.batch();
        let taken = self.lines.take(bytes, |line| batch.message(Codec::Json, line));
        drop(batch);
        if taken == Err(TooLong) {
            self.closing = true;
            self.port.finish(Bytes::from_static(TOO_LONG));
        }
    }
}

//! The epoll of the driver.

use anyhow::{Context as _, Result};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::ErrorKind;
use std::time::Duration;

/// Sockets handed over between two looks at the clock of the scenario.
const EVENTS_PER_TURN: usize = 1_024;

/// What a socket is ready for.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    /// Number of the connection.
    pub connection: usize,
    /// Whether there is something to read, an end or an error included.
    pub readable: bool,
    /// Whether it takes bytes.
    pub writable: bool,
}

/// Watches sockets.
#[derive(Debug)]
pub struct Watch {
    poll: Poll,
    events: Events,
}

impl Watch {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// When the system has no epoll left.
    pub fn new() -> Result<Self> {
        Ok(Self { poll: Poll::new().context("no epoll")?, events: Events::with_capacity(EVENTS_PER_TURN) })
    }

    /// Watches a socket until it is dropped.
    ///
    /// # Errors
    /// When the system cannot.
    pub fn add(&self, stream: &mut TcpStream, connection: usize) -> Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(stream, Token(connection), interest).context("cannot watch a socket")
    }

    /// Waits until something is ready, and puts it into `ready`.
    ///
    /// # Errors
    /// When the system fails.
    pub fn wait(&mut self, timeout: Duration, ready: &mut Vec<Ready>) -> Result<()> {
        ready.clear();
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            outcome => outcome.context("epoll failed")?,
        }
        ready.extend(self.events.iter().map(|event| Ready {
            connection: event.token().0,
            readable: event.is_readable() || event.is_read_closed() || event.is_error(),
            writable: event.is_writable(),
        }));
        Ok(())
    }
}

//! One connection of the driver. There are tens of thousands, so it is small.

use mio::net::TcpStream;
use std::io::{self, ErrorKind, Write as _};

/// What a connection wants of the server once it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// To subscribe to a channel.
    Channel(u32),
    /// What is sent to its user.
    Inbox,
    /// Nothing; it only publishes.
    Nothing,
    /// To be upgraded and no more, until [`Driver::connect`](crate::driver::Driver::connect) is called.
    Later,
}

/// Who sits at a connection.
#[derive(Debug, Clone, Copy)]
pub struct Seat {
    /// The number of the user.
    pub user: u32,
    /// What it wants.
    pub join: Join,
    /// Whether it will stop reading; see [`Driver::pause`](crate::driver::Driver::pause).
    pub slow: bool,
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// TCP connects.
    Connecting,
    /// The upgrade is asked for.
    Upgrading,
    /// The connect command is sent, or to a floor server the role.
    Greeting,
    /// The subscribe command is sent.
    Joining,
    /// All is answered.
    Ready,
    /// It is over.
    Closed,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    /// `None` once it is closed.
    pub stream: Option<TcpStream>,
    /// Who sits there.
    pub seat: Seat,
    /// How far it is.
    pub stage: Stage,
    /// Whether it has stopped reading.
    pub paused: bool,
    /// When it was opened, by the driver's clock.
    pub opened_ns: u64,
    /// The start of a frame whose end has not come yet.
    pub rest: Vec<u8>,
    /// What is still to be written.
    pub out: Vec<u8>,
}

impl Connection {
    /// A connection that has just begun to connect.
    #[must_use]
    pub fn new(stream: TcpStream, seat: Seat, opened_ns: u64) -> Self {
        Self {
            stream: Some(stream),
            seat,
            stage: Stage::Connecting,
            paused: false,
            opened_ns,
            rest: Vec::new(),
            out: Vec::new(),
        }
    }

    /// Writes what the socket takes; the rest stays for the next time that it is writable.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn flush(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let mut written = 0;
        let outcome = loop {
            if written == self.out.len() {
                break Ok(());
            }
            match stream.write(&self.out[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.out.drain(..written);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::Connection;

    #[test]
    fn a_connection_is_small() {
        assert!(size_of::<Connection>() <= 200, "{} bytes", size_of::<Connection>());
    }
}

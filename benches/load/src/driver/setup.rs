//! From a TCP connection to a subscriber: upgrade, connect, subscribe.

use super::{Driver, Nobody};
use crate::command;
use crate::connection::{Join, Seat, Stage};
use crate::latency::Latencies;
use crate::tally::advice;
use crate::target::UPGRADE_KEY;
use crate::ws;
use anyhow::{Result, bail};
use memchr::memmem;
use std::mem;
use std::time::{Duration, Instant};

/// How long nothing may move while connections are opened.
const OPEN_PATIENCE: Duration = Duration::from_secs(15);
/// How long one turn waits at most while connections are opened.
const OPEN_TURN: Duration = Duration::from_millis(100);
/// Most of an HTTP answer that is waited for, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 10;

impl Driver {
    /// Opens `count` connections, so many at once as the options say, and waits until each is ready. `close` ends each
    /// one as soon as it is.
    ///
    /// # Errors
    /// When the server refuses one, in its words; or when nothing moves any more.
    pub fn open_all(
        &mut self,
        count: usize,
        close: bool,
        mut seat: impl FnMut(usize) -> Seat,
        mut tell: impl FnMut(usize),
    ) -> Result<()> {
        let first = self.connections.len();
        let closed_before = self.tally.closed.len();
        let mut finished = first;
        let mut ready = 0;
        let mut moved = Instant::now();
        while ready < count {
            while self.connections.len() < first + count
                && self.connections.len() - first - ready < self.options.parallel
            {
                self.open(seat(self.connections.len() - first))?;
            }
            let before = ready;
            let ready_before = self.tally.ready;
            self.turn(OPEN_TURN, &mut Nobody)?;
            if self.tally.closed.len() > closed_before {
                return self.refused(closed_before);
            }
            ready += self.tally.ready - ready_before;
            if close {
                // Few are open at a time, so looking through those is cheap.
                for number in finished..self.connections.len() {
                    if self.is_ready(number) {
                        self.close(number);
                    }
                }
                while finished < self.connections.len() && self.connections[finished].stage == Stage::Closed {
                    finished += 1;
                }
            }
            if ready > before {
                moved = Instant::now();
                tell(ready);
            } else if moved.elapsed() > OPEN_PATIENCE {
                bail!("{ready} of {count} connections are ready, and nothing moved for {OPEN_PATIENCE:?}");
            }
        }
        Ok(())
    }

    /// How long each connection took to be ready, from its opening; begins anew with each call.
    pub fn take_connect_latencies(&mut self) -> Latencies {
        mem::take(&mut self.connect_latencies)
    }

    fn refused(&self, closed_before: usize) -> Result<()> {
        let closed = &self.tally.closed[closed_before];
        let said = match closed.code {
            1000..=1999 => closed.reason.clone(),
            code => format!("{code} {}", closed.reason),
        };
        bail!(
            "the server ended a connection before it was ready, or while others were opened: {said}\n{}",
            advice(&said)
        )
    }

    /// TCP is connected, or has failed.
    pub(super) fn connected(&mut self, number: usize) {
        let request = match self.request(self.connections[number].seat) {
            Ok(request) => request,
            Err(error) => return self.lost(number, 1000, format!("{error:#}")),
        };
        let connection = &mut self.connections[number];
        let Some(stream) = &connection.stream else { return };
        match stream.take_error() {
            Ok(None) if stream.peer_addr().is_ok() => {
                connection.stage = Stage::Upgrading;
                connection.out = request;
                self.flush(number);
            }
            Ok(None) => {}
            Ok(Some(error)) | Err(error) => self.lost(number, 1006, format!("cannot connect: {error}")),
        }
    }

    fn request(&self, seat: Seat) -> Result<Vec<u8>> {
        if !self.is_listener(seat) {
            return Ok(self.target.upgrade_request());
        }
        let channel = match seat.join {
            Join::Channel(channel) => Some(command::channel_name(&self.options.namespace, channel)),
            _ => None,
        };
        let token = self.target.tokens.token(&command::user_name(seat.user))?;
        Ok(self.target.events_request(&token, channel.as_deref()))
    }

    /// Whether who sits there receives by server-sent events.
    pub(super) fn is_listener(&self, seat: Seat) -> bool {
        self.target.events && matches!(seat.join, Join::Channel(_) | Join::Inbox)
    }

    /// Reads the answer to the upgrade; returns its length, 0 while it is not all there.
    pub(super) fn upgraded(&mut self, number: usize, bytes: &[u8]) -> Result<usize> {
        let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
            if bytes.len() > ANSWER_BYTES_MAX {
                bail!("the answer to the upgrade does not end");
            }
            return Ok(0);
        };
        let head = String::from_utf8_lossy(&bytes[..end]);
        if self.is_listener(self.connections[number].seat) && head.starts_with("HTTP/1.1 200") {
            self.connections[number].stage = Stage::Joining;
            return Ok(end + 4);
        }
        if !head.starts_with("HTTP/1.1 101") {
            let body = String::from_utf8_lossy(&bytes[end + 4..]);
            bail!("{} {}", head.lines().next().unwrap_or_default(), body.trim());
        }
        if !head.contains(&ws::accept_of(UPGRADE_KEY.as_bytes())) {
            bail!("the answer to the upgrade has a wrong Sec-WebSocket-Accept");
        }
        let Seat { user, join, .. } = self.connections[number].seat;
        self.connections[number].stage = Stage::Greeting;
        if self.target.is_floor() {
            let role = match join {
                Join::Channel(channel) => Some(channel),
                Join::Inbox => Some(user),
                Join::Nothing | Join::Later => None,
            };
            let mut greeting = vec![if role.is_some() { b'S' } else { b'P' }];
            greeting.extend_from_slice(&role.unwrap_or_default().to_be_bytes());
            self.push(number, ws::BINARY, &greeting);
            return Ok(end + 4);
        }
        if join == Join::Later {
            self.ready(number);
            return Ok(end + 4);
        }
        let token = self.target.tokens.token(&command::user_name(user))?;
        self.command(number, &command::connect(&token))?;
        if self.options.pipelined {
            self.subscribe(number)?;
        }
        Ok(end + 4)
    }

    /// The connect command was answered.
    pub(super) fn greeted(&mut self, number: usize) -> Result<()> {
        self.connections[number].stage = Stage::Joining;
        match self.connections[number].seat.join {
            Join::Channel(_) if self.options.pipelined => {}
            Join::Channel(_) => self.subscribe(number)?,
            Join::Inbox | Join::Nothing | Join::Later => self.ready(number),
        }
        Ok(())
    }

    /// Sends the connect command of a connection that was opened to do so [`Join::Later`]. Ready as it was, it is so
    /// again when the server has let it in.
    ///
    /// # Errors
    /// When no token can be made.
    pub fn connect(&mut self, number: usize, device: &str) -> Result<()> {
        if !self.is_ready(number) {
            return Ok(());
        }
        let user = self.connections[number].seat.user;
        let token = self.target.tokens.token(&command::user_name(user))?;
        self.connections[number].stage = Stage::Greeting;
        self.tally.ready -= 1;
        self.command(number, &command::connect_device(&token, device))
    }

    fn subscribe(&mut self, number: usize) -> Result<()> {
        if let Join::Channel(channel) = self.connections[number].seat.join {
            let name = command::channel_name(&self.options.namespace, channel);
            self.command(number, &command::subscribe(&name))?;
        }
        Ok(())
    }

    /// All is answered.
    pub(super) fn ready(&mut self, number: usize) {
        let now_ns = self.now_ns();
        let connection = &mut self.connections[number];
        if !matches!(connection.stage, Stage::Ready | Stage::Closed) {
            connection.stage = Stage::Ready;
            connection.out.shrink_to_fit();
            self.tally.ready += 1;
            self.connect_latencies.record_ns(now_ns - connection.opened_ns);
        }
    }
}

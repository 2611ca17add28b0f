//! The loop: one thread, one epoll, any number of connections.
//!
//! A read takes what a socket has into one buffer that all connections share, and frames are found where they lie; a
//! connection keeps only the start of a frame that was cut. Everything here must be cheaper than what the server does
//! at the other end, or the driver would be what is measured.

mod events;
mod setup;

use crate::command::Template;
use crate::connection::{Connection, Seat, Stage};
use crate::latency::Latencies;
use crate::marker::{Mark, MarkFinder};
use crate::source::Source;
use crate::tally::{Closed, Tally};
use crate::target::Target;
use crate::watch::{Ready, Watch};
use crate::ws::{self, Head};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::io::{ErrorKind, Read as _};
use std::mem;
use std::time::{Duration, Instant};

/// Size of the shared read buffer, and so of the longest frame that the driver can receive.
const BUFFER_BYTES: usize = 1 << 20;
/// Most that one read takes: enough for all that usually waits, and little enough to stay in the cache.
const READ_BYTES_MAX: usize = 128 << 10;

/// Who gets the deliveries.
pub trait Receiver {
    /// A message came.
    fn received(&mut self, connection: usize, mark: Mark, now_ns: u64);

    /// The server let a connection in.
    fn greeted(&mut self, _connection: usize, _connected: &Value) {}
}

/// For whom nothing is sent.
#[derive(Debug)]
pub struct Nobody;

impl Receiver for Nobody {
    fn received(&mut self, _: usize, _: Mark, _: u64) {}
}

/// How the driver behaves towards the server.
#[derive(Debug, Clone)]
pub struct DriverOptions {
    /// Namespace of the channels.
    pub namespace: String,
    /// Least distance between two marks in one message: the length of the payload in bytes.
    pub payload_bytes: usize,
    /// Connections being opened at once.
    pub parallel: usize,
    /// Whether connect and subscribe are sent together rather than one after the other's answer.
    pub pipelined: bool,
}

/// All connections to one server.
#[derive(Debug)]
pub struct Driver {
    target: Target,
    options: DriverOptions,
    watch: Watch,
    turn: Vec<Ready>,
    connections: Vec<Connection>,
    unwritten: Vec<usize>,
    buffer: Vec<u8>,
    finder: MarkFinder,
    source: Source,
    clock: Instant,
    connect_latencies: Latencies,
    /// What happened so far.
    pub tally: Tally,
}

impl Driver {
    /// A driver without connections.
    ///
    /// # Errors
    /// When the system has no epoll left.
    pub fn new(target: Target, options: DriverOptions) -> Result<Self> {
        Ok(Self {
            source: Source::new(target.address),
            target,
            options,
            watch: Watch::new()?,
            turn: Vec::new(),
            connections: Vec::new(),
            unwritten: Vec::new(),
            buffer: vec![0; BUFFER_BYTES],
            finder: MarkFinder::default(),
            clock: Instant::now(),
            connect_latencies: Latencies::default(),
            tally: Tally::default(),
        })
    }

    /// The server.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Nanoseconds on the driver's clock.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.clock.elapsed().as_nanos() as u64
    }

    /// Begins to connect, and returns the number of the connection.
    ///
    /// # Errors
    /// When descriptors or addresses run out.
    pub fn open(&mut self, seat: Seat) -> Result<usize> {
        let number = self.connections.len();
        let mut stream = self.source.connect(seat.slow)?;
        self.watch.add(&mut stream, number)?;
        let opened_ns = self.now_ns();
        self.connections.push(Connection::new(stream, seat, opened_ns));
        Ok(number)
    }

    /// Makes a connection stop reading, as a client does that hangs.
    pub fn pause(&mut self, connection: usize) {
        self.connections[connection].paused = true;
    }

    /// Lets a paused connection read what is there.
    pub fn resume(&mut self, connection: usize, receiver: &mut impl Receiver) {
        self.connections[connection].paused = false;
        self.read(connection, receiver);
    }

    /// Whether a connection is ready and not ended.
    #[must_use]
    pub fn is_ready(&self, connection: usize) -> bool {
        self.connections[connection].stage == Stage::Ready
    }

    /// Puts one message on a connection; it leaves with the next turn.
    pub fn send(&mut self, connection: usize, template: &mut Template, destination: u32, mark: Mark) {
        let sender = &mut self.connections[connection];
        if sender.out.is_empty() {
            self.unwritten.push(connection);
        }
        template.push(&mut sender.out, destination, mark);
    }

    /// Writes what was sent, waits for the sockets, and hands over what came.
    ///
    /// # Errors
    /// When the system fails; what a server does wrong is counted, not an error.
    pub fn turn(&mut self, timeout: Duration, receiver: &mut impl Receiver) -> Result<()> {
        let mut unwritten = mem::take(&mut self.unwritten);
        for connection in unwritten.drain(..) {
            self.flush(connection);
        }
        self.unwritten = unwritten;
        let mut turn = mem::take(&mut self.turn);
        self.watch.wait(timeout, &mut turn)?;
        for Ready { connection: number, readable, writable } in &turn {
            let connection = &mut self.connections[*number];
            match connection.stage {
                Stage::Closed => continue,
                Stage::Connecting => self.connected(*number),
                _ if *writable && !connection.out.is_empty() => self.flush(*number),
                _ => {}
            }
            if *readable && !self.connections[*number].paused {
                self.read(*number, receiver);
            }
        }
        self.turn = turn;
        Ok(())
    }

    /// Ends a connection from this side, with a close frame when it was ready.
    pub fn close(&mut self, number: usize) {
        let is_listener = self.is_listener(self.connections[number].seat);
        let connection = &mut self.connections[number];
        if connection.stage == Stage::Ready {
            self.tally.ready -= 1;
            if !is_listener {
                ws::push_client_frame(&mut connection.out, ws::CLOSE, &1000_u16.to_be_bytes());
            }
            // The connection ends anyway; a peer that has left already needs no farewell.
            let _ = connection.flush();
        }
        connection.stage = Stage::Closed;
        connection.stream = None;
        connection.rest = Vec::new();
        connection.out = Vec::new();
    }

    /// Ends all connections.
    pub fn close_all(&mut self) {
        for number in 0..self.connections.len() {
            self.close(number);
        }
    }

    fn flush(&mut self, number: usize) {
        if let Err(error) = self.connections[number].flush() {
            self.lost(number, 1006, error.to_string());
        }
    }

    /// The server, or the network, ended a connection.
    fn lost(&mut self, number: usize, code: u16, reason: String) {
        let connection = &mut self.connections[number];
        if connection.stage == Stage::Closed {
            return;
        }
        if connection.stage == Stage::Ready {
            self.tally.ready -= 1;
        }
        connection.stage = Stage::Closed;
        connection.stream = None;
        connection.rest = Vec::new();
        connection.out = Vec::new();
        self.tally.closed.push(Closed { connection: number, code, reason });
    }

    fn read(&mut self, number: usize, receiver: &mut impl Receiver) {
        let mut buffer = mem::take(&mut self.buffer);
        loop {
            let connection = &mut self.connections[number];
            let Some(stream) = &mut connection.stream else { break };
            let kept = connection.rest.len();
            buffer[..kept].copy_from_slice(&connection.rest);
            let room = (buffer.len() - kept).min(READ_BYTES_MAX);
            let count = match stream.read(&mut buffer[kept..kept + room]) {
                Ok(0) => {
                    self.lost(number, 1006, "the connection ended without a close frame".to_owned());
                    break;
                }
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.lost(number, 1006, error.to_string());
                    break;
                }
            };
            let filled = &buffer[..kept + count];
            match self.consume(number, filled, receiver) {
                Ok(consumed) => self.keep(number, &filled[consumed..]),
                Err(error) => self.lost(number, 1002, format!("{error:#}")),
            }
            // With epoll's edges, a read that came back short has emptied the socket (epoll(7)).
            if count < room {
                break;
            }
        }
        self.buffer = buffer;
    }

    fn keep(&mut self, number: usize, rest: &[u8]) {
        let connection = &mut self.connections[number];
        if rest.len() >= BUFFER_BYTES {
            self.lost(number, 1009, format!("a frame is longer than {BUFFER_BYTES} bytes"));
        } else if rest.is_empty() {
            connection.rest = Vec::new();
        } else if connection.stage != Stage::Closed {
            connection.rest.clear();
            connection.rest.extend_from_slice(rest);
        }
    }

    /// Handles all whole frames in `bytes` and returns how much of it they are.
    fn consume(&mut self, number: usize, bytes: &[u8], receiver: &mut impl Receiver) -> Result<usize> {
        let now_ns = self.now_ns();
        let mut at = 0;
        if self.connections[number].stage == Stage::Upgrading {
            at = self.upgraded(number, bytes)?;
            if at == 0 {
                return Ok(0);
            }
        }
        if self.is_listener(self.connections[number].seat) {
            return Ok(at + self.events(number, &bytes[at..], now_ns, receiver));
        }
        while self.connections[number].stage != Stage::Closed
            && let Some(head) = Head::parse(&bytes[at..])?
            && let Some(payload) = bytes.get(at + head.head_bytes..at + head.frame_bytes())
        {
            self.frame(number, head, payload, now_ns, receiver)?;
            at += head.frame_bytes();
        }
        Ok(at)
    }

    fn frame(
        &mut self,
        number: usize,
        head: Head,
        payload: &[u8],
        now_ns: u64,
        receiver: &mut impl Receiver,
    ) -> Result<()> {
        match head.opcode {
            ws::TEXT | ws::BINARY if head.fin => {
                let marks = self
                    .finder
                    .each(payload, self.options.payload_bytes, |mark| receiver.received(number, mark, now_ns));
                if marks == 0 {
                    return self.control(number, payload, receiver);
                }
                self.tally.deliveries += marks as u64;
                self.tally.frame_bytes = head.frame_bytes();
            }
            ws::PING => {
                self.tally.pings += 1;
                self.push(number, ws::PONG, payload);
            }
            ws::PONG => {}
            ws::CLOSE => {
                let (code, reason) = ws::close_of(payload);
                self.push(number, ws::CLOSE, &payload[..payload.len().min(2)]);
                self.flush(number);
                self.lost(number, code, reason);
            }
            _ => bail!("the server sent a fragment or an unknown opcode ({})", head.opcode),
        }
        Ok(())
    }

    /// Handles a message without a mark.
    fn control(&mut self, number: usize, payload: &[u8], receiver: &mut impl Receiver) -> Result<()> {
        if self.target.is_floor() {
            self.ready(number);
            return Ok(());
        }
        for frame in self.target.codec.decode(payload)? {
            let has = |name: &str| frame.get(name).is_some();
            if let Some(connected) = frame.get("connected") {
                receiver.greeted(number, connected);
                self.greeted(number)?;
            } else if has("subscribed") {
                self.ready(number);
            } else if let Some(error) = frame.get("error") {
                let text = error_text(error);
                if self.connections[number].stage == Stage::Ready {
                    self.tally.error(text);
                } else {
                    self.lost(number, 1000, text);
                }
            } else if has("ping") {
                self.tally.pings += 1;
                self.command(number, &json!({"pong": {}}))?;
            } else if has("gap") {
                self.tally.gaps += 1;
            } else if has("published") || has("sent") || has("watching") {
                self.tally.answers += 1;
            }
        }
        Ok(())
    }

    /// Puts one command on a connection; it leaves with the next turn.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn command(&mut self, number: usize, command: &Value) -> Result<()> {
        let codec = self.target.codec;
        let payload = codec.encode(command)?;
        self.push(number, codec.opcode(), &payload);
        Ok(())
    }

    fn push(&mut self, number: usize, opcode: u8, payload: &[u8]) {
        let connection = &mut self.connections[number];
        if connection.out.is_empty() {
            self.unwritten.push(number);
        }
        ws::push_client_frame(&mut connection.out, opcode, payload);
    }
}

fn error_text(error: &Value) -> String {
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}: {}", error.get("code").unwrap_or(&Value::Null), text("name"), text("message"))
}

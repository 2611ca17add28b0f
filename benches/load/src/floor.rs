//! The floor: the least that any server must do for these scenarios, as a raw epoll loop.
//!
//! It speaks WebSocket and nothing on top. The first frame of a client tells its role: `S` and four bytes joins the
//! channel of that number, anything else publishes. A message names its channel in four bytes and the length of its
//! body in two; the body goes to everyone in the channel, padded so that frames are as long as those of the server
//! that is compared. One thread, one buffer, one write(2) for each subscriber and wake-up with all that waits in it.

mod client;

use crate::ws;
use anyhow::{Context as _, Result};
use client::{Client, Stage};
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};
use std::io::{ErrorKind, Read as _};
use std::mem;
use std::net::SocketAddr;

const LISTENER: Token = Token(usize::MAX);
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4_096;
/// Size of the one read buffer.
const BUFFER_BYTES: usize = 256 << 10;
/// Sockets handled in one wake-up.
const EVENTS_PER_WAKE_UP: usize = 1_024;
/// Most channels, and users, that a client can name.
const CHANNELS_MAX: usize = 100_000;
/// Bytes of a message before its body: channel and length.
const MESSAGE_HEAD_BYTES: usize = 6;

/// How the floor server writes.
#[derive(Debug, Clone, Copy)]
pub struct FloorOptions {
    /// Whether each message is written as soon as it is read, rather than with all others of the wake-up.
    pub unicast: bool,
    /// Length of the frames written, head included, in bytes.
    pub frame_bytes: usize,
}

/// Who is in a channel, and what waits for them.
#[derive(Debug, Default)]
struct Channel {
    members: Vec<usize>,
    waiting: Vec<u8>,
}

/// A floor server.
#[derive(Debug)]
pub struct Floor {
    options: FloorOptions,
    poll: Poll,
    listener: TcpListener,
    clients: Vec<Option<Client>>,
    free: Vec<usize>,
    channels: Vec<Channel>,
    dirty: Vec<usize>,
    buffer: Vec<u8>,
}

impl Floor {
    /// Binds it.
    ///
    /// # Errors
    /// When the address is taken.
    pub fn bind(address: SocketAddr, options: FloorOptions) -> Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into()).with_context(|| format!("cannot listen on {address}"))?;
        socket.listen(BACKLOG)?;
        let mut listener = TcpListener::from_std(socket.into());
        let poll = Poll::new().context("no epoll")?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            options,
            poll,
            listener,
            clients: Vec::new(),
            free: Vec::new(),
            channels: Vec::new(),
            dirty: Vec::new(),
            buffer: vec![0; BUFFER_BYTES],
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().context("no local address")
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    /// When the system fails.
    pub fn run(mut self) -> Result<()> {
        let mut events = Events::with_capacity(EVENTS_PER_WAKE_UP);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error).context("epoll failed"),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Token(number) => {
                        if event.is_writable()
                            && let Some(Some(client)) = self.clients.get_mut(number)
                            && client.drain().is_err()
                        {
                            self.remove(number);
                        }
                        if event.is_readable() || event.is_read_closed() || event.is_error() {
                            self.read(number);
                        }
                    }
                }
            }
            self.write_waiting();
        }
    }

    fn accept(&mut self) -> Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => continue,
                Err(error) => return Err(error).context("cannot accept (are there files left?)"),
            };
            stream.set_nodelay(true)?;
            let number = self.free.pop().unwrap_or_else(|| {
                self.clients.push(None);
                self.clients.len() - 1
            });
            self.poll.registry().register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE)?;
            self.clients[number] = Some(Client::new(stream));
        }
    }

    fn read(&mut self, number: usize) {
        let mut buffer = mem::take(&mut self.buffer);
        while let Some(Some(client)) = self.clients.get_mut(number) {
            let kept = client.rest.len();
            buffer[..kept].copy_from_slice(&client.rest);
            let room = buffer.len() - kept;
            let count = match client.stream.read(&mut buffer[kept..]) {
                Ok(count) if count > 0 => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                _ => {
                    self.remove(number);
                    break;
                }
            };
            let filled = &mut buffer[..kept + count];
            let Some(consumed) = self.consume(number, filled) else {
                self.remove(number);
                break;
            };
            if let Some(client) = &mut self.clients[number] {
                client.keep(&filled[consumed..]);
            }
            // With epoll's edges, a read that came back short has emptied the socket (epoll(7)).
            if count < room {
                break;
            }
        }
        self.buffer = buffer;
    }

    /// Handles all that is whole in `bytes` and returns how much that is; `None` ends the connection.
    fn consume(&mut self, number: usize, bytes: &mut [u8]) -> Option<usize> {
        let mut at = 0;
        let client = self.clients[number].as_mut()?;
        if client.stage == Stage::Request {
            at = client.upgrade(bytes).ok()?;
            if at == 0 {
                return Some(0);
            }
        }
        while let Some(head) = ws::Head::parse(&bytes[at..]).ok()? {
            let Some(payload) = bytes.get_mut(at + head.head_bytes..at + head.frame_bytes()) else { break };
            ws::unmask(payload, head.mask?);
            at += head.frame_bytes();
            match head.opcode {
                ws::TEXT | ws::BINARY => self.message(number, payload)?,
                ws::CLOSE => return None,
                _ => {}
            }
        }
        Some(at)
    }

    fn message(&mut self, number: usize, payload: &[u8]) -> Option<()> {
        let client = self.clients[number].as_mut()?;
        if client.stage == Stage::Role {
            client.stage = Stage::Open;
            if let [b'S', channel @ ..] = payload {
                let channel = channel_number(channel)?;
                client.channel = Some(channel as u32);
                if self.channels.len() <= channel {
                    self.channels.resize_with(channel + 1, Channel::default);
                }
                self.channels[channel].members.push(number);
            }
            client.write(&[0x82, 2, b'o', b'k']).ok()?;
            return Some(());
        }
        let number = channel_number(payload)?;
        let body_bytes = usize::from(u16::from_be_bytes(*payload.get(4..)?.first_chunk()?));
        let body = payload.get(MESSAGE_HEAD_BYTES..MESSAGE_HEAD_BYTES + body_bytes)?;
        let channel = self.channels.get_mut(number)?;
        if channel.waiting.is_empty() {
            self.dirty.push(number);
        }
        push_padded(&mut channel.waiting, body, self.options.frame_bytes);
        if self.options.unicast {
            self.write_waiting();
        }
        Some(())
    }

    /// Writes to everyone in the channels that have something, once.
    fn write_waiting(&mut self) {
        let mut broken = Vec::new();
        for number in self.dirty.drain(..) {
            let channel = &mut self.channels[number];
            for member in &channel.members {
                if let Some(client) = &mut self.clients[*member]
                    && client.write(&channel.waiting).is_err()
                {
                    broken.push(*member);
                }
            }
            channel.waiting.clear();
        }
        for number in broken {
            self.remove(number);
        }
    }

    fn remove(&mut self, number: usize) {
        let Some(client) = self.clients.get_mut(number).and_then(Option::take) else { return };
        if let Some(channel) = client.channel {
            let members = &mut self.channels[channel as usize].members;
            if let Some(at) = members.iter().position(|member| *member == number) {
                members.swap_remove(at);
            }
        }
        self.free.push(number);
    }
}

fn channel_number(bytes: &[u8]) -> Option<usize> {
    let number = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    (number < CHANNELS_MAX).then_some(number)
}

/// Appends a frame of exactly `frame_bytes` that begins with `body`; longer only when the body needs it.
fn push_padded(out: &mut Vec<u8>, body: &[u8], frame_bytes: usize) {
    let head_bytes = match frame_bytes {
        0..=127 => 2,
        128..=0x1_0003 => 4,
        _ => 10,
    };
    let payload_bytes = frame_bytes.saturating_sub(head_bytes).max(body.len());
    ws::push_server_head(out, ws::BINARY, payload_bytes);
    out.extend_from_slice(body);
    let end = out.len() + payload_bytes - body.len();
    out.resize(end, b' ');
}

#[cfg(test)]
mod tests {
    use super::push_padded;
    use crate::ws::Head;

    #[test]
    fn frames_have_the_length_asked_for() {
        for frame_bytes in [70, 127, 130, 199, 230, 65_000, 65_536, 70_000] {
            let mut out = Vec::new();
            push_padded(&mut out, &[b'x'; 64], frame_bytes);
            assert_eq!(out.len(), frame_bytes);
            assert_eq!(Head::parse(&out).unwrap().unwrap().frame_bytes(), frame_bytes);
        }
        let mut out = Vec::new();
        push_padded(&mut out, &[b'x'; 64], 10);
        assert_eq!(out.len(), 66);
    }
}

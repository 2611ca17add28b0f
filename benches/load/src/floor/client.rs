//! One client of the floor server.

use crate::ws;
use anyhow::{Context as _, Result, bail};
use memchr::memmem;
use mio::net::TcpStream;
use std::io::{self, ErrorKind, Write as _};

/// Most that waits for a client that does not read, in bytes; what comes beyond is skipped.
const PENDING_BYTES_MAX: usize = 1 << 20;
/// Longest request, in bytes.
const REQUEST_BYTES_MAX: usize = 16 << 10;

/// How far a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its HTTP request is awaited.
    Request,
    /// The frame that tells its role is awaited.
    Role,
    /// It sends messages, if anything.
    Open,
}

/// One client.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) stream: TcpStream,
    pub(super) stage: Stage,
    pub(super) channel: Option<u32>,
    /// The start of a frame whose end has not come yet.
    pub(super) rest: Vec<u8>,
    /// What the socket did not take.
    pending: Vec<u8>,
}

impl Client {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, stage: Stage::Request, channel: None, rest: Vec::new(), pending: Vec::new() }
    }

    /// Answers the request once it is whole; returns its length, 0 while it is not.
    pub(super) fn upgrade(&mut self, bytes: &[u8]) -> Result<usize> {
        let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
            if bytes.len() > REQUEST_BYTES_MAX {
                bail!("the request is too long");
            }
            return Ok(0);
        };
        let request = std::str::from_utf8(&bytes[..end]).context("the request is not text")?;
        let key = request
            .lines()
            .find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("sec-websocket-key").then_some(value.trim())
            })
            .context("the request has no key")?;
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            ws::accept_of(key.as_bytes())
        );
        self.stage = Stage::Role;
        self.write(answer.as_bytes())?;
        Ok(end + 4)
    }

    /// Writes whole frames: now what the socket takes, and the rest later, as far as there is room for it.
    pub(super) fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        if !self.pending.is_empty() {
            if self.pending.len() + frames.len() <= PENDING_BYTES_MAX {
                self.pending.extend_from_slice(frames);
            }
            return Ok(());
        }
        match self.stream.write(frames) {
            Ok(written) if written == frames.len() => Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.pending.extend_from_slice(frames);
                Ok(())
            }
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            // A short write need not mean a full socket, and only a full one tells when it has room again.
            partly => {
                self.pending.extend_from_slice(&frames[partly.unwrap_or(0)..]);
                self.drain()
            }
        }
    }

    /// Writes of what waits as much as the socket takes.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        let mut written = 0;
        while written < self.pending.len() {
            match self.stream.write(&self.pending[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if written == self.pending.len() {
            self.pending = Vec::new();
        } else {
            self.pending.drain(..written);
        }
        Ok(())
    }

    pub(super) fn keep(&mut self, rest: &[u8]) {
        if rest.is_empty() {
            self.rest = Vec::new();
        } else {
            self.rest.clear();
            self.rest.extend_from_slice(rest);
        }
    }
}

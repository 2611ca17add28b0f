//! A reader of server-sent events, as the HTML standard says (9.2.6), over a plain TCP connection.

use crate::daemon::Daemon;
use anyhow::{Context, bail, ensure};
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long anything may take that ought to come at once.
const PATIENCE: Duration = Duration::from_secs(15);

/// One stream.
#[derive(Debug)]
pub struct Events {
    socket: TcpStream,
    unread: Vec<u8>,
    data: String,
    id_buffer: String,
    /// What an `EventSource` would bring back.
    pub id: String,
    frames: VecDeque<Value>,
}

impl Events {
    /// Listens, to what the query says.
    ///
    /// # Errors
    /// When the answer is no stream.
    pub async fn listen(daemon: &Daemon, query: &str, token: &str, last_event_id: &str) -> anyhow::Result<Self> {
        let back = if last_event_id.is_empty() { String::new() } else { format!("last-event-id: {last_event_id}\r\n") };
        let request = format!(
            "GET /sse?{query} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n{back}\r\n",
            daemon.address()
        );
        Self::ask(daemon, &request).await
    }

    /// Opens a stream with these frames.
    ///
    /// # Errors
    /// When the answer is no stream.
    pub async fn converse(daemon: &Daemon, frames: &str) -> anyhow::Result<Self> {
        let (host, length) = (daemon.address(), frames.len());
        let request = format!(
            "POST /sse HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{frames}"
        );
        Self::ask(daemon, &request).await
    }

    async fn ask(daemon: &Daemon, request: &str) -> anyhow::Result<Self> {
        let mut socket = TcpStream::connect(daemon.address()).await?;
        socket.write_all(request.as_bytes()).await?;
        let mut events = Self {
            socket,
            unread: Vec::new(),
            data: String::new(),
            id_buffer: String::new(),
            id: String::new(),
            frames: VecDeque::new(),
        };
        let end = loop {
            if let Some(end) = events.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            ensure!(events.read(64 * 1024).await? > 0, "no answer to {request}");
        };
        let head: Vec<u8> = events.unread.drain(..end).collect();
        let head = String::from_utf8(head)?;
        if !head.starts_with("HTTP/1.1 200 ") {
            bail!("{head}{}", String::from_utf8_lossy(&events.unread));
        }
        events.parse()?;
        Ok(events)
    }

    /// Reads once, at most so much. 0 is the end.
    async fn read(&mut self, bytes_max: usize) -> anyhow::Result<usize> {
        let mut buffer = vec![0; bytes_max.max(1)];
        let read = timeout(PATIENCE, self.socket.read(&mut buffer)).await.context("nothing comes")??;
        self.unread.extend_from_slice(&buffer[..read]);
        Ok(read)
    }

    fn parse(&mut self) -> anyhow::Result<()> {
        while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            let line = std::str::from_utf8(&line[..end])?;
            ensure!(!line.contains('\r'), "{line:?}");
            let (field, value) = line.split_once(": ").unwrap_or((line, ""));
            match field {
                "" => {
                    self.id = self.id_buffer.clone();
                    if !self.data.is_empty() {
                        self.frames.push_back(serde_json::from_str(&self.data)?);
                        self.data.clear();
                    }
                }
                "data" => self.data.push_str(value),
                "id" => self.id_buffer = value.to_owned(),
                "retry" | ":" => {}
                other => bail!("the server sent {other:?}"),
            }
        }
        Ok(())
    }

    /// The next frame; `None` at the end.
    ///
    /// # Errors
    /// When nothing comes, or nothing that can be read.
    pub async fn next(&mut self) -> anyhow::Result<Option<Value>> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Ok(Some(frame));
            }
            if self.read(64 * 1024).await? == 0 {
                return Ok(None);
            }
            self.parse()?;
        }
    }

    /// The next frame of a kind; others are passed over.
    ///
    /// # Errors
    /// As [`Events::next`], and at the end.
    pub async fn expect(&mut self, name: &str) -> anyhow::Result<Value> {
        loop {
            let mut frame = self.next().await?.with_context(|| format!("{name} comes before the end"))?;
            if let Some(body) = frame.get_mut(name) {
                return Ok(body.take());
            }
        }
    }

    /// All frames that are whole within so many bytes, or when nothing more comes for a moment.
    ///
    /// # Errors
    /// When what comes cannot be read.
    pub async fn within(&mut self, mut bytes: usize) -> anyhow::Result<Vec<Value>> {
        const MOMENT: Duration = Duration::from_millis(200);
        while bytes > 0 {
            let mut buffer = vec![0; bytes.min(64 * 1024)];
            match timeout(MOMENT, self.socket.read(&mut buffer)).await {
                Ok(Ok(read)) if read > 0 => {
                    self.unread.extend_from_slice(&buffer[..read]);
                    bytes -= read;
                }
                _ => break,
            }
        }
        self.parse()?;
        Ok(self.frames.drain(..).collect())
    }
}

//! A client that reads a stream as the HTML standard says (9.2.6), and keeps what a browser's `EventSource` keeps.

use serde_json::Value;
use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Listener {
    pub(crate) socket: TcpStream,
    pub(crate) status: u16,
    pub(crate) head: String,
    unread: Vec<u8>,
    pub(crate) reading: Reading,
}

/// What was read so far.
#[derive(Default)]
pub(crate) struct Reading {
    unread: Vec<u8>,
    data: String,
    id_buffer: String,
    /// As of `MessageEvent.lastEventId`.
    pub(crate) id: String,
    pub(crate) retry_ms: Option<u64>,
    pub(crate) comments: usize,
    pub(crate) frames: VecDeque<Value>,
}

impl Reading {
    /// Takes what came. The server ends lines with a line feed and nothing else.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            let line = std::str::from_utf8(&line[..end]).expect("UTF-8");
            assert!(!line.contains('\r') && !line.contains('\0'), "{line:?}");
            self.line(line);
        }
    }

    fn line(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" if line.is_empty() => {
                self.id = self.id_buffer.clone();
                let data = std::mem::take(&mut self.data);
                if !data.is_empty() {
                    self.frames.push_back(serde_json::from_str(data.strip_suffix('\n').unwrap()).expect("JSON"));
                }
            }
            "" => self.comments += 1,
            "data" => self.data = format!("{}{value}\n", self.data),
            "id" => self.id_buffer = value.to_owned(),
            "retry" => self.retry_ms = Some(value.parse().expect("a number")),
            other => panic!("the server sends no {other:?}"),
        }
    }
}

impl Listener {
    /// Sends a request and reads the head of its answer.
    pub(crate) fn ask(address: SocketAddr, request: &str) -> Self {
        let mut socket = TcpStream::connect(address).expect("the server listens");
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.write_all(request.as_bytes()).expect("the server takes it");
        let mut listener =
            Self { socket, status: 0, head: String::new(), unread: Vec::new(), reading: Reading::default() };
        let end = loop {
            let end = listener.unread.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                break end + 4;
            }
            assert!(listener.read_some() > 0, "a whole head: {:?}", String::from_utf8_lossy(&listener.unread));
        };
        let head: Vec<u8> = listener.unread.drain(..end).collect();
        listener.head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        listener.status = listener.head["http/1.1 ".len()..][..3].parse().unwrap();
        if listener.status == 200 {
            let rest = std::mem::take(&mut listener.unread);
            listener.reading.take(&rest);
        }
        listener
    }

    /// Opens a stream by GET, with more lines in the header.
    pub(crate) fn get(address: SocketAddr, query: &str, more: &str) -> Self {
        Self::ask(address, &format!("GET /sse?{query} HTTP/1.1\r\nHost: server.example\r\n{more}\r\n"))
    }

    /// Opens one by POST.
    pub(crate) fn converse(address: SocketAddr, frames: &str) -> Self {
        Self::post(address, "Accept: text/event-stream\r\n", frames)
    }

    pub(crate) fn post(address: SocketAddr, more: &str, frames: &str) -> Self {
        let length = frames.len();
        let request = format!(
            "POST /sse HTTP/1.1\r\nHost: server.example\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n{frames}"
        );
        Self::ask(address, &request)
    }

    /// Reads once; 0 is the end.
    fn read_some(&mut self) -> usize {
        let mut buffer = [0; 64 * 1024];
        // Of a head not much more than itself: what stands behind it is for who reads up to somewhere.
        let most = if self.status == 0 { 256 } else { buffer.len() };
        loop {
            match self.socket.read(&mut buffer[..most]) {
                Ok(read) => {
                    if self.status == 200 {
                        self.reading.take(&buffer[..read]);
                    } else {
                        self.unread.extend_from_slice(&buffer[..read]);
                    }
                    return read;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return 0,
                Err(error) => panic!("in time: {error}"),
            }
        }
    }

    /// Reads up to so many bytes more, as long as some come.
    pub(crate) fn read_up_to(&mut self, mut count: usize) {
        self.socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let mut buffer = vec![0; count];
        while count > 0 {
            match self.socket.read(&mut buffer[..count]) {
                Ok(0) | Err(_) => return,
                Ok(read) => {
                    self.reading.take(&buffer[..read]);
                    count -= read;
                }
            }
        }
    }

    /// The next frame; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(frame) = self.reading.frames.pop_front() {
                return Some(frame);
            }
            if self.read_some() == 0 {
                return None;
            }
        }
    }

    /// The next frame of a kind; others are passed over.
    pub(crate) fn expect(&mut self, name: &str) -> Value {
        loop {
            let mut frame = self.next().unwrap_or_else(|| panic!("{name} comes before the end"));
            if !frame[name].is_null() {
                return frame[name].take();
            }
        }
    }

    /// The data of the next `count` entries, of which none is missing.
    pub(crate) fn entries(&mut self, count: usize) -> Vec<u64> {
        (0..count).map(|_| self.expect("entry")["data"].as_u64().unwrap()).collect()
    }

    /// Reads until the server has nothing more to say behind what it has said: until its next comment.
    pub(crate) fn until_comment(&mut self) {
        let comments = self.reading.comments;
        while self.reading.comments == comments {
            assert!(self.read_some() > 0, "a comment comes before the end");
        }
    }

    /// The rest of an answer that is no stream.
    pub(crate) fn body(&mut self) -> String {
        let length = self.head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < length {
            assert!(self.read_some() > 0, "a whole body");
        }
        String::from_utf8(self.unread.drain(..length).collect()).unwrap()
    }

    /// The error of an answer that is no stream.
    pub(crate) fn error(&mut self) -> Value {
        let body: Value = serde_json::from_str(&self.body()).expect("JSON");
        assert!(body["message"].is_string(), "{body}");
        body["error"].clone()
    }

    /// A line of the head.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

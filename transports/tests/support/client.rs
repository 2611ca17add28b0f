//! A client that does as it's told, right or wrong.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// What a test waits for at most.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    unread: Vec<u8>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A good upgrade request with these lines added.
pub(crate) fn upgrade_request(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: server.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// A masked frame with the shortest length that holds the payload.
pub(crate) fn client_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            frame.push(0xfe);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0xff);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// How long the header and the payload of the frame at the front are, once that can be told.
fn frame_lengths(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes {
        [_, short @ 0..=125, ..] => Some((2, usize::from(short))),
        [_, 126, a, b, ..] => Some((4, usize::from(u16::from_be_bytes([a, b])))),
        [_, 127, a, b, c, d, e, f, g, h, ..] => Some((10, u64::from_be_bytes([a, b, c, d, e, f, g, h]) as usize)),
        _ => None,
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).expect("the server listens");
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket, unread: Vec::new() }
    }

    /// Connects and does the handshake.
    pub(crate) fn upgrade(address: SocketAddr, path: &str) -> Self {
        let mut client = Self::connect(address);
        client.send(upgrade_request(path, "").as_bytes());
        let response = client.response();
        assert_eq!(response.status, 101, "{response:?}");
        client
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("the server takes it");
    }

    /// Sends as much as the server takes before it ends the connection.
    pub(crate) fn send_while_taken(&mut self, bytes: &[u8]) {
        let _ = self.socket.write_all(bytes);
    }

    pub(crate) fn send_frame(&mut self, first: u8, payload: &[u8]) {
        self.send(&client_frame(first, payload));
    }

    pub(crate) fn response(&mut self) -> Response {
        while !self.unread.windows(4).any(|window| window == b"\r\n\r\n") {
            assert!(self.read_more(), "a whole answer: {:?}", String::from_utf8_lossy(&self.unread));
        }
        let end = 4 + self.unread.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head: Vec<u8> = self.unread.drain(..end).collect();
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < length {
            assert!(self.read_more(), "a whole body");
        }
        let body: Vec<u8> = self.unread.drain(..length).collect();
        Response {
            status: head["http/1.x ".len()..][..3].parse().unwrap(),
            head,
            body: String::from_utf8(body).unwrap(),
        }
    }

    /// The next frame; `None` at the end of the connection.
    pub(crate) fn frame(&mut self) -> Option<Frame> {
        let (head, length) = loop {
            if let Some(lengths) = frame_lengths(&self.unread) {
                break lengths;
            }
            if !self.read_more() {
                return None;
            }
        };
        while self.unread.len() < head + length {
            if !self.read_more() {
                return None;
            }
        }
        let mut frame: Vec<u8> = self.unread.drain(..head + length).collect();
        Some(Frame { first: frame[0], payload: frame.split_off(head) })
    }

    /// Asserts that the next frame is this one.
    pub(crate) fn expect(&mut self, first: u8, payload: &[u8]) {
        assert_eq!(self.frame(), Some(Frame { first, payload: payload.to_vec() }));
    }

    /// Asserts that a close frame with this code comes, then the end of what the server sends.
    pub(crate) fn expect_close(&mut self, code: u16) -> String {
        let close = loop {
            let frame = self.frame().expect("a close frame comes first");
            if frame.first == 0x88 {
                break frame;
            }
        };
        let reason = String::from_utf8(close.payload[2..].to_vec()).unwrap();
        assert_eq!(u16::from_be_bytes([close.payload[0], close.payload[1]]), code, "{reason}");
        assert_eq!(self.frame(), None);
        reason
    }

    /// Asserts that the server ends the connection without another byte, and returns how long that took.
    pub(crate) fn expect_end(&mut self) -> Duration {
        let began = Instant::now();
        assert!(!self.read_more(), "{:?}", String::from_utf8_lossy(&self.unread));
        began.elapsed()
    }

    /// Asserts that the server has given the socket up, both ways, within this time: then what we send is answered with a reset.
    pub(crate) fn expect_gone_within(&mut self, limit: Duration) {
        let began = Instant::now();
        while self.socket.write_all(b"?").is_ok() {
            assert!(began.elapsed() < limit, "the server still holds the connection");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// False at the end of the connection, be it in order or by a reset.
    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.socket.read(&mut buffer) {
            Ok(0) => false,
            Ok(read) => {
                self.unread.extend(&buffer[..read]);
                true
            }
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => false,
            Err(error) => panic!("nothing came: {error}"),
        }
    }
}

//! A server's frames: never masked, never fragmented, so a header is 2, 4 or 10 bytes and the payload follows as it is.

/// What a frame from the server can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole text message; the payload must be UTF-8.
    Text,
    /// A whole binary message.
    Binary,
    /// The close frame.
    Close,
    /// A ping; the payload holds at most 125 bytes.
    Ping,
    /// A pong; the payload holds at most 125 bytes.
    Pong,
}

/// The header of one frame.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    bytes: [u8; 10],
    len: u8,
}

impl Header {
    /// The header of a frame whose payload has `payload_bytes` bytes.
    #[must_use]
    pub fn new(kind: Kind, payload_bytes: usize) -> Self {
        let mut bytes = [0; 10];
        bytes[0] = 0x80
            | match kind {
                Kind::Text => 0x1,
                Kind::Binary => 0x2,
                Kind::Close => 0x8,
                Kind::Ping => 0x9,
                Kind::Pong => 0xa,
            };
        let len = match payload_bytes {
            0..=125 => {
                bytes[1] = payload_bytes as u8;
                2
            }
            126..=0xffff => {
                bytes[1] = 126;
                bytes[2..4].copy_from_slice(&(payload_bytes as u16).to_be_bytes());
                4
            }
            _ => {
                bytes[1] = 127;
                bytes[2..10].copy_from_slice(&(payload_bytes as u64).to_be_bytes());
                10
            }
        };
        Self { bytes, len }
    }

    /// The bytes that go before the payload.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// Appends a whole frame.
pub fn push_frame(out: &mut Vec<u8>, kind: Kind, payload: &[u8]) {
    let header = Header::new(kind, payload.len());
    out.reserve(header.as_bytes().len() + payload.len());
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::{Header, Kind, push_frame};

    #[test]
    fn a_header_is_as_short_as_the_length_allows() {
        assert_eq!(Header::new(Kind::Text, 0).as_bytes(), [0x81, 0]);
        assert_eq!(Header::new(Kind::Binary, 125).as_bytes(), [0x82, 125]);
        assert_eq!(Header::new(Kind::Binary, 126).as_bytes(), [0x82, 126, 0, 126]);
        assert_eq!(Header::new(Kind::Text, 0xffff).as_bytes(), [0x81, 126, 0xff, 0xff]);
        assert_eq!(Header::new(Kind::Text, 0x10000).as_bytes(), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_frame_is_its_header_and_its_payload() {
        let mut out = Vec::new();
        push_frame(&mut out, Kind::Ping, b"x");
        push_frame(&mut out, Kind::Pong, b"");
        assert_eq!(out, [0x89, 1, b'x', 0x8a, 0]);
    }
}

//! WebSocket frames: reading their heads where they lie, and writing them.

use anyhow::{Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

/// Opcode of a text frame.
pub const TEXT: u8 = 1;
/// Opcode of a binary frame.
pub const BINARY: u8 = 2;
/// Opcode of a close frame.
pub const CLOSE: u8 = 8;
/// Opcode of a ping.
pub const PING: u8 = 9;
/// Opcode of a pong.
pub const PONG: u8 = 10;

/// The longest head that a frame can have, in bytes.
pub const HEAD_BYTES_MAX: usize = 14;

/// The head of a frame, as far as this crate cares for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// What the frame is; see the constants of this module.
    pub opcode: u8,
    /// Whether the message ends with this frame.
    pub fin: bool,
    /// The key that the payload is masked with.
    pub mask: Option<[u8; 4]>,
    /// Length of the head itself.
    pub head_bytes: usize,
    /// Length of the payload.
    pub payload_bytes: usize,
}

impl Head {
    /// Reads the head at the start of `bytes`; `None` while it is not all there.
    ///
    /// # Errors
    /// When a length does not fit in this machine's memory, which no server means.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let (payload_bytes, length_bytes) = match second & 0x7f {
            126 => match rest {
                [a, b, ..] => (u64::from(u16::from_be_bytes([*a, *b])), 2),
                _ => return Ok(None),
            },
            127 => match rest.first_chunk::<8>() {
                Some(length) => (u64::from_be_bytes(*length), 8),
                None => return Ok(None),
            },
            short => (u64::from(short), 0),
        };
        let mut head_bytes = 2 + length_bytes;
        let mut mask = None;
        if second & 0x80 != 0 {
            let Some(key) = rest[length_bytes..].first_chunk::<4>() else { return Ok(None) };
            mask = Some(*key);
            head_bytes += 4;
        }
        if payload_bytes > 1 << 40 {
            bail!("a frame announces {payload_bytes} bytes");
        }
        Ok(Some(Self {
            opcode: first & 0x0f,
            fin: first & 0x80 != 0,
            mask,
            head_bytes,
            payload_bytes: payload_bytes as usize,
        }))
    }

    /// Head and payload together.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        self.head_bytes + self.payload_bytes
    }
}

/// Appends the frame of a client to `out`. Its mask is the zero key, which is legal and costs the driver nothing; a
/// server cannot profit from it without looking for it.
pub fn push_client_frame(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    push_head(out, opcode, payload.len(), 0x80);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

/// Appends the head of a server's frame to `out`.
pub fn push_server_head(out: &mut Vec<u8>, opcode: u8, payload_bytes: usize) {
    push_head(out, opcode, payload_bytes, 0);
}

fn push_head(out: &mut Vec<u8>, opcode: u8, payload_bytes: usize, mask_bit: u8) {
    out.push(0x80 | opcode);
    match payload_bytes {
        0..=125 => out.push(mask_bit | payload_bytes as u8),
        126..=0xffff => {
            out.push(mask_bit | 126);
            out.extend_from_slice(&(payload_bytes as u16).to_be_bytes());
        }
        _ => {
            out.push(mask_bit | 127);
            out.extend_from_slice(&(payload_bytes as u64).to_be_bytes());
        }
    }
}

/// Takes the mask off a payload.
pub fn unmask(payload: &mut [u8], key: [u8; 4]) {
    let wide = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(word) ^ wide).to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}

/// The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key`.
#[must_use]
pub fn accept_of(key: &[u8]) -> String {
    let mut sha = Sha1::new();
    sha.update(key);
    sha.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(sha.finalize())
}

/// Splits the payload of a close frame into code and reason; 1005 stands for "no code", as in RFC 6455.
#[must_use]
pub fn close_of(payload: &[u8]) -> (u16, String) {
    match payload {
        [a, b, reason @ ..] => (u16::from_be_bytes([*a, *b]), String::from_utf8_lossy(reason).into_owned()),
        _ => (1005, String::new()),
    }
}

#[cfg(test)]
mod tests;

//! A message that arrives in pieces.

use fastwebsockets::OpCode;

use super::{incoming::Incoming, utf8::Utf8, violation::Violation};

/// The first room that is made; a few bytes would only be outgrown at once.
const ROOM_BYTES_MIN: usize = 64;

/// Collects the payload of one message, whatever frames and reads it is cut into. Text is checked as it comes.
#[derive(Debug)]
pub(crate) struct Assembly {
    body: Body,
    fragments: u32,
}

#[derive(Debug)]
enum Body {
    Text(Utf8),
    Binary(Vec<u8>),
}

impl Assembly {
    /// A message that begins with a frame of this opcode.
    pub(crate) fn new(opcode: OpCode) -> Self {
        let body = match opcode {
            OpCode::Text => Body::Text(Utf8::default()),
            _ => Body::Binary(Vec::new()),
        };
        Self { body, fragments: 0 }
    }

    /// The payload so far, in bytes.
    pub(crate) fn len(&self) -> usize {
        match &self.body {
            Body::Text(text) => text.len(),
            Body::Binary(bytes) => bytes.len(),
        }
    }

    /// Bytes of memory that the payload takes.
    pub(crate) fn capacity(&self) -> usize {
        match &self.body {
            Body::Text(text) => text.capacity(),
            Body::Binary(bytes) => bytes.capacity(),
        }
    }

    /// Another frame begins.
    pub(crate) fn count_fragment(&mut self, fragments_max: u32) -> Result<(), Violation> {
        if self.fragments >= fragments_max {
            return Err(Violation::TooManyFragments);
        }
        self.fragments += 1;
        Ok(())
    }

    /// Adds payload that has arrived. The message can't become longer than `bytes_max`, so no more room is made than that.
    pub(crate) fn push(&mut self, payload: &[u8], bytes_max: usize) -> Result<(), Violation> {
        let capacity = self.capacity();
        let len = self.len();
        if capacity - len.min(capacity) < payload.len() {
            let wanted = (2 * capacity).max(ROOM_BYTES_MIN).min(bytes_max).max(len + payload.len());
            match &mut self.body {
                Body::Text(text) => text.reserve_exact(wanted),
                Body::Binary(bytes) => bytes.reserve_exact(wanted - len),
            }
        }
        match &mut self.body {
            Body::Text(text) => text.push(payload)?,
            Body::Binary(bytes) => bytes.extend_from_slice(payload),
        }
        Ok(())
    }

    /// The whole message.
    pub(crate) fn finish(&self) -> Result<Incoming<'_>, Violation> {
        match &self.body {
            Body::Text(text) => Ok(Incoming::Text(text.finish()?)),
            Body::Binary(bytes) => Ok(Incoming::Binary(bytes)),
        }
    }
}

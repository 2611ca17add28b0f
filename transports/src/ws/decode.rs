//! From bytes to messages: pure, without IO, and the way that everything a client says comes in.
//!
//! A frame that lies whole in the bytes of one read is checked, unmasked and handed out in place. Only what
//! the read cut off is copied, and what is copied is unmasked and checked at once, so that memory follows the
//! bytes that have arrived and bad text is told early.

use std::ops::ControlFlow;

use fastwebsockets::{OpCode, unmask};

use super::{
    assembly::Assembly,
    close,
    head::{self, CONTROL_BYTES_MAX, HEAD_BYTES_MAX, Head},
    incoming::Incoming,
    violation::Violation,
};
use crate::limits::Limits;

/// How far [`Decoder::decode`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded<B> {
    /// The bytes of the input that were used: all of them, unless the sink broke off.
    pub used: usize,
    /// What the sink broke off with.
    pub flow: ControlFlow<B>,
}

/// Decodes a client's frames. It takes 8 bytes between messages; while a message or a frame is unfinished, what has
/// arrived of it and about 200 bytes more.
///
/// ```
/// use std::ops::ControlFlow;
/// use tidings_transports::{Decoder, Incoming, Limits};
///
/// let mut input = [0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2];
/// let mut seen = Vec::new();
/// let decoded = Decoder::default().decode(&mut input, &Limits::default(), 0, &mut |incoming| {
///     if let Incoming::Text(text) = incoming {
///         seen.push(text.to_owned());
///     }
///     ControlFlow::<()>::Continue(())
/// });
/// assert_eq!(decoded.unwrap().used, 8);
/// assert_eq!(seen, ["hi"]);
/// ```
#[derive(Debug, Default)]
pub struct Decoder {
    state: Option<Box<Partial>>,
}

/// What is unfinished.
#[derive(Debug)]
struct Partial {
    since_ms: u64,
    /// The message that frames are being added to.
    message: Option<Assembly>,
    /// The data frame whose payload is arriving; it is a part of `message`.
    frame: Option<Frame>,
    /// The bytes of a header, or of a control frame, that isn't all there. Masked.
    tail: Tail,
}

#[derive(Debug)]
struct Frame {
    /// Turned so that its first byte belongs to the next byte of payload.
    mask: [u8; 4],
    left: usize,
    fin: bool,
}

/// Whether the partial state is still needed after a step.
enum Step<B> {
    /// Go on with what is left of the input after this many bytes.
    Used(usize, ControlFlow<B>),
    /// The same, and the last frame of the message is complete.
    Finished(usize),
}

impl Decoder {
    /// Decodes all of `input`, which is unmasked in place, and hands each message and control frame to `sink`.
    /// When the sink breaks off, `used` tells what it has seen; the rest of the input is untouched and may be given again.
    ///
    /// `now_ms` is any clock that doesn't go back; see [`Decoder::unfinished_since`].
    ///
    /// # Errors
    /// The first rule that the peer broke. Everything before it was handed to the sink; nothing after it means
    /// anything, so the connection must be closed with [`Violation::close_code`].
    pub fn decode<B>(
        &mut self,
        input: &mut [u8],
        limits: &Limits,
        now_ms: u64,
        sink: &mut impl FnMut(Incoming<'_>) -> ControlFlow<B>,
    ) -> Result<Decoded<B>, Violation> {
        let mut used = 0;
        while used < input.len() {
            let rest = &mut input[used..];
            let (step, flow) = match self.state {
                None => self.start(rest, limits, now_ms, sink)?,
                Some(_) => self.resume(rest, limits, sink)?,
            };
            used += step;
            if flow.is_break() {
                return Ok(Decoded { used, flow });
            }
        }
        Ok(Decoded { used, flow: ControlFlow::Continue(()) })
    }

    /// When the oldest byte came in that still waits for the end of its message or frame; `None` between messages. The caller ends
    /// the connection with [`Violation::MessageTimeout`] when that was too long ago.
    #[must_use]
    pub fn unfinished_since(&self) -> Option<u64> {
        self.state.as_ref().map(|partial| partial.since_ms)
    }

    /// Bytes of memory that the unfinished message takes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.state
            .as_ref()
            .map_or(0, |partial| size_of::<Partial>() + partial.message.as_ref().map_or(0, Assembly::capacity))
    }

    /// Between messages: takes a whole frame in place, or begins to keep what is there.
    #[inline]
    fn start<B>(
        &mut self,
        input: &mut [u8],
        limits: &Limits,
        now_ms: u64,
        sink: &mut impl FnMut(Incoming<'_>) -> ControlFlow<B>,
    ) -> Result<(usize, ControlFlow<B>), Violation> {
        if let Some(head) = head::parse(input, None, limits.message_bytes_max)?
            && head.fin
            && head.frame_bytes() <= input.len()
        {
            let flow = sink(whole(&head, input)?);
            return Ok((head.frame_bytes(), flow));
        }
        self.state = Some(Box::new(Partial::new(now_ms)));
        self.resume(input, limits, sink)
    }

    /// Inside a message or a frame.
    fn resume<B>(
        &mut self,
        input: &mut [u8],
        limits: &Limits,
        sink: &mut impl FnMut(Incoming<'_>) -> ControlFlow<B>,
    ) -> Result<(usize, ControlFlow<B>), Violation> {
        let Some(partial) = &mut self.state else {
            return Ok((0, ControlFlow::Continue(())));
        };
        match partial.step(input, limits, sink)? {
            Step::Used(used, flow) => {
                if partial.is_idle() {
                    self.state = None;
                }
                Ok((used, flow))
            }
            Step::Finished(used) => {
                let message = self.state.take().and_then(|partial| partial.message);
                let flow = match &message {
                    Some(message) => sink(message.finish()?),
                    None => ControlFlow::Continue(()),
                };
                Ok((used, flow))
            }
        }
    }
}

impl Partial {
    fn new(since_ms: u64) -> Self {
        Self { since_ms, message: None, frame: None, tail: Tail::default() }
    }

    fn is_idle(&self) -> bool {
        self.message.is_none() && self.tail.is_empty()
    }

    fn step<B>(
        &mut self,
        input: &mut [u8],
        limits: &Limits,
        sink: &mut impl FnMut(Incoming<'_>) -> ControlFlow<B>,
    ) -> Result<Step<B>, Violation> {
        if self.frame.is_some() {
            return self.take_payload(input, limits);
        }
        if !self.tail.is_empty() {
            return self.take_tail(input, limits, sink);
        }
        match head::parse(input, self.open(), limits.message_bytes_max)? {
            Some(head) if !head.is_control() => {
                self.begin(&head, limits)?;
                // A frame without payload is over with its header.
                match self.take_payload(&mut [], limits)? {
                    Step::Finished(_) => Ok(Step::Finished(head.head_bytes)),
                    Step::Used(_, flow) => Ok(Step::Used(head.head_bytes, flow)),
                }
            }
            Some(head) if head.frame_bytes() <= input.len() => {
                let flow = sink(whole(&head, input)?);
                Ok(Step::Used(head.frame_bytes(), flow))
            }
            _ => Ok(Step::Used(self.tail.fill(input, input.len()), ControlFlow::Continue(()))),
        }
    }

    /// How long the unfinished message is so far.
    fn open(&self) -> Option<usize> {
        self.message.as_ref().map(Assembly::len)
    }

    fn begin(&mut self, head: &Head, limits: &Limits) -> Result<(), Violation> {
        let message = self.message.get_or_insert_with(|| Assembly::new(head.opcode));
        message.count_fragment(limits.fragments_max)?;
        self.frame = Some(Frame { mask: head.mask, left: head.payload_bytes, fin: head.fin });
        Ok(())
    }

    /// Adds payload of the frame that is arriving to the message.
    fn take_payload<B>(&mut self, input: &mut [u8], limits: &Limits) -> Result<Step<B>, Violation> {
        let (Some(frame), Some(message)) = (&mut self.frame, &mut self.message) else {
            return Ok(Step::Used(0, ControlFlow::Continue(())));
        };
        let used = frame.left.min(input.len());
        let payload = &mut input[..used];
        unmask(payload, frame.mask);
        frame.mask.rotate_left(used % 4);
        // The message ends with its last frame; before that only the limit says how long it may become.
        let bytes_max = if frame.fin { message.len() + frame.left } else { limits.message_bytes_max };
        message.push(payload, bytes_max)?;
        frame.left -= used;
        if frame.left > 0 {
            return Ok(Step::Used(used, ControlFlow::Continue(())));
        }
        let fin = frame.fin;
        self.frame = None;
        Ok(if fin { Step::Finished(used) } else { Step::Used(used, ControlFlow::Continue(())) })
    }

    /// Adds to an unfinished header or control frame no more than belongs to it.
    fn take_tail<B>(
        &mut self,
        input: &[u8],
        limits: &Limits,
        sink: &mut impl FnMut(Incoming<'_>) -> ControlFlow<B>,
    ) -> Result<Step<B>, Violation> {
        let open = self.open();
        let mut used = 0;
        loop {
            let head = head::parse(self.tail.as_bytes(), open, limits.message_bytes_max)?;
            let wanted = match &head {
                None => head::head_bytes(self.tail.as_bytes()),
                Some(head) if head.is_control() => head.frame_bytes(),
                Some(head) => head.head_bytes,
            };
            if let Some(head) = head
                && self.tail.len() == wanted
            {
                return self.end_tail(&head, used, limits, sink);
            }
            let added = self.tail.fill(&input[used..], wanted - self.tail.len());
            if added == 0 {
                return Ok(Step::Used(used, ControlFlow::Continue(())));
            }
            used += added;
        }
    }

    /// The tail holds a data frame's header, or a whole control frame.
    fn end_tail<B>(
        &mut self,
        head: &Head,
        used: usize,
        limits: &Limits,
        sink: &mut impl FnMut(Incoming<'_>) -> ControlFlow<B>,
    ) -> Result<Step<B>, Violation> {
        let mut tail = std::mem::take(&mut self.tail);
        if head.is_control() {
            return Ok(Step::Used(used, sink(whole(head, tail.as_mut())?)));
        }
        self.begin(head, limits)?;
        match self.take_payload(&mut [], limits)? {
            Step::Finished(_) => Ok(Step::Finished(used)),
            Step::Used(_, flow) => Ok(Step::Used(used, flow)),
        }
    }
}

/// Unmasks the frame at the front of `bytes`, which is all there and a message by itself.
#[inline]
fn whole<'a>(head: &Head, bytes: &'a mut [u8]) -> Result<Incoming<'a>, Violation> {
    let payload = &mut bytes[head.head_bytes..head.frame_bytes()];
    unmask(payload, head.mask);
    match head.opcode {
        OpCode::Text => match std::str::from_utf8(payload) {
            Ok(text) => Ok(Incoming::Text(text)),
            Err(_) => Err(Violation::BadUtf8),
        },
        OpCode::Binary => Ok(Incoming::Binary(payload)),
        OpCode::Ping => Ok(Incoming::Ping(payload)),
        OpCode::Pong => Ok(Incoming::Pong(payload)),
        OpCode::Close => {
            let (code, reason) = close::parse(payload)?;
            Ok(Incoming::Close { code, reason })
        }
        // The header was checked: a continuation comes only inside a message.
        OpCode::Continuation => Err(Violation::UnexpectedContinuation),
    }
}

const TAIL_BYTES_MAX: usize = HEAD_BYTES_MAX + CONTROL_BYTES_MAX;

#[derive(Debug)]
struct Tail {
    bytes: [u8; TAIL_BYTES_MAX],
    len: usize,
}

impl Default for Tail {
    fn default() -> Self {
        Self { bytes: [0; TAIL_BYTES_MAX], len: 0 }
    }
}

impl Tail {
    fn len(&self) -> usize {
        self.len
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }

    /// Adds at most `wanted` bytes of `input`, and returns how many.
    fn fill(&mut self, input: &[u8], wanted: usize) -> usize {
        let added = wanted.min(input.len()).min(TAIL_BYTES_MAX - self.len);
        self.bytes[self.len..self.len + added].copy_from_slice(&input[..added]);
        self.len += added;
        added
    }
}

#[cfg(test)]
mod tests;

//! The header of a client's frame: read and checked against RFC 6455 5.2 before anything is done with the frame.

use fastwebsockets::OpCode;

use super::violation::Violation;

/// The longest header of a client's frame: two bytes, a 64-bit length, the mask.
pub(crate) const HEAD_BYTES_MAX: usize = 14;

/// The longest payload of a control frame.
pub(crate) const CONTROL_BYTES_MAX: usize = 125;

/// A checked header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) fin: bool,
    pub(crate) opcode: OpCode,
    pub(crate) mask: [u8; 4],
    /// How long the header itself is.
    pub(crate) head_bytes: usize,
    /// How long the payload is said to be; never above the limit that `parse` was given.
    pub(crate) payload_bytes: usize,
}

impl Head {
    pub(crate) fn frame_bytes(&self) -> usize {
        self.head_bytes + self.payload_bytes
    }

    pub(crate) fn is_control(&self) -> bool {
        is_control(self.opcode)
    }
}

fn is_control(opcode: OpCode) -> bool {
    matches!(opcode, OpCode::Close | OpCode::Ping | OpCode::Pong)
}

/// How many bytes the header that begins with `bytes` has, as far as they tell: 2 until both of the first two are there.
pub(crate) fn head_bytes(bytes: &[u8]) -> usize {
    match bytes {
        [_, second, ..] => 6 + extended_bytes(second & 0x7f),
        _ => 2,
    }
}

fn extended_bytes(short: u8) -> usize {
    match short {
        126 => 2,
        127 => 8,
        _ => 0,
    }
}

/// Reads the header at the front of `bytes`. `None`: it is not all there yet, and nothing is wrong with it so far.
///
/// `open` tells how many bytes of an unfinished message there are; `None`: no message is unfinished.
/// Whatever the bytes that are there already break is told at once, before the rest of the header arrives.
///
/// # Errors
/// The rule that the header breaks.
#[inline]
pub(crate) fn parse(bytes: &[u8], open: Option<usize>, message_bytes_max: usize) -> Result<Option<Head>, Violation> {
    let Some(&first) = bytes.first() else {
        return Ok(None);
    };
    let fin = first & 0x80 != 0;
    let opcode = opcode(first, fin, open.is_some())?;
    let Some(&second) = bytes.get(1) else {
        return Ok(None);
    };
    if second & 0x80 == 0 {
        return Err(Violation::Unmasked);
    }
    let short = second & 0x7f;
    if is_control(opcode) && usize::from(short) > CONTROL_BYTES_MAX {
        return Err(Violation::ControlTooLong);
    }
    let mask_at = 2 + extended_bytes(short);
    let Some(length) = length(short, &bytes[2..])? else {
        return Ok(None);
    };
    // A limit fits usize, so a length that passes it does too.
    if !is_control(opcode) && length.saturating_add(open.unwrap_or(0) as u64) > message_bytes_max as u64 {
        return Err(Violation::MessageTooLong);
    }
    let Some(&mask) = bytes[mask_at..].first_chunk::<4>() else {
        return Ok(None);
    };
    Ok(Some(Head { fin, opcode, mask, head_bytes: mask_at + 4, payload_bytes: length as usize }))
}

#[inline]
fn opcode(first: u8, fin: bool, open: bool) -> Result<OpCode, Violation> {
    if first & 0x70 != 0 {
        return Err(Violation::ReservedBits);
    }
    let Ok(opcode) = OpCode::try_from(first & 0x0f) else {
        return Err(Violation::UnknownOpcode);
    };
    match opcode {
        OpCode::Continuation if !open => Err(Violation::UnexpectedContinuation),
        OpCode::Text | OpCode::Binary if open => Err(Violation::InterleavedMessage),
        OpCode::Close | OpCode::Ping | OpCode::Pong if !fin => Err(Violation::ControlFragmented),
        opcode => Ok(opcode),
    }
}

/// The payload's length; `None` while bytes of it are missing.
#[inline]
fn length(short: u8, extended: &[u8]) -> Result<Option<u64>, Violation> {
    match short {
        126 => match extended.first_chunk::<2>() {
            None => Ok(None),
            Some(&bytes) => match u16::from_be_bytes(bytes) {
                0..=125 => Err(Violation::LengthNotMinimal),
                length => Ok(Some(u64::from(length))),
            },
        },
        127 => match extended.first_chunk::<8>() {
            None => Ok(None),
            Some(&bytes) => match u64::from_be_bytes(bytes) {
                0..=0xffff => Err(Violation::LengthNotMinimal),
                length if length >> 63 != 0 => Err(Violation::LengthTopBit),
                length => Ok(Some(length)),
            },
        },
        short => Ok(Some(u64::from(short))),
    }
}

#[cfg(test)]
mod tests;

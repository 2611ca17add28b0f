//! Positions as an event's id tells them: `<epoch>-<offset>`, separated by commas.
//!
//! An epoch is that of one stream and no other, so nothing has to say which stream a position is of.

use std::io::Write as _;
use tidings_proto::{
    id::{Epoch, Position},
    limit::SSE_POSITIONS_MAX,
};

/// Reads the positions of a `Last-Event-ID`. What is none is passed over, as is what goes beyond the limit: the stream that it
/// may have been of is then told a gap.
pub(crate) fn read(id: &[u8]) -> Vec<Position> {
    id.split(|byte| *byte == b',').filter_map(read_one).take(SSE_POSITIONS_MAX).collect()
}

fn read_one(text: &[u8]) -> Option<Position> {
    let (epoch, offset) = std::str::from_utf8(text).ok()?.trim().split_once('-')?;
    let epoch: Epoch = epoch.parse().ok()?;
    let is_number = offset.bytes().all(|byte| byte.is_ascii_digit());
    Some(Position { epoch, offset: offset.parse().ok().filter(|_| is_number)? })
}

/// Appends the line that tells these positions.
pub(crate) fn push_line(positions: impl Iterator<Item = Position>, out: &mut Vec<u8>) {
    let mut before: &[u8] = b"id: ";
    for Position { epoch, offset } in positions {
        out.extend_from_slice(before);
        before = b",";
        push_epoch(epoch, out);
        out.push(b'-');
        write!(out, "{offset}").expect("writing to memory does not fail");
    }
    out.push(b'\n');
}

/// Sixteen digits, faster than formatting does it: this is written for each subscriber and round.
fn push_epoch(epoch: Epoch, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 16];
    for (place, byte) in text.chunks_exact_mut(2).zip(epoch.0.to_be_bytes()) {
        place[0] = DIGITS[usize::from(byte >> 4)];
        place[1] = DIGITS[usize::from(byte & 15)];
    }
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests;

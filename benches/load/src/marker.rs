//! The mark that every measured message carries in its data: `~T`, a sequence number and the time it was due, both
//! as 16 hexadecimal digits. It reads the same in JSON and in MessagePack, so a delivery is found without decoding.

use memchr::memmem;

/// Length of a mark.
pub const MARK_BYTES: usize = 34;

const PREFIX: &[u8; 2] = b"~T";

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Which message of the run this is.
    pub sequence: u64,
    /// When it was due, by the driver's clock.
    pub due_ns: u64,
}

impl Mark {
    /// Writes the mark over the first [`MARK_BYTES`] of `at`.
    ///
    /// # Panics
    /// When `at` is shorter than a mark.
    pub fn write(self, at: &mut [u8]) {
        at[..2].copy_from_slice(PREFIX);
        write_hex(&mut at[2..18], self.sequence);
        write_hex(&mut at[18..34], self.due_ns);
    }

    /// Reads a mark that begins exactly at the start of `bytes`.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.first_chunk::<MARK_BYTES>()?;
        if bytes[..2] != *PREFIX {
            return None;
        }
        Some(Self { sequence: read_hex(&bytes[2..18])?, due_ns: read_hex(&bytes[18..34])? })
    }
}

/// Finds marks in payloads. As frames of one run look alike, it tries the place of the last mark first.
#[derive(Debug, Default)]
pub struct MarkFinder {
    guess: usize,
}

impl MarkFinder {
    /// Calls `found` for every mark in `payload` and returns how many there were. `stride` is the least distance
    /// from one mark to the next.
    pub fn each(&mut self, payload: &[u8], stride: usize, mut found: impl FnMut(Mark)) -> usize {
        let mut count = 0;
        let mut from = 0;
        if let Some(mark) = payload.get(self.guess..).and_then(Mark::read)
            && memmem::find(&payload[..self.guess], PREFIX).is_none()
        {
            found(mark);
            count = 1;
            from = self.guess + stride;
        }
        while payload.len() >= from + MARK_BYTES {
            let Some(at) = memmem::find(&payload[from..], PREFIX) else { break };
            let at = from + at;
            let Some(mark) = Mark::read(&payload[at..]) else {
                from = at + PREFIX.len();
                continue;
            };
            if count == 0 {
                self.guess = at;
            }
            found(mark);
            count += 1;
            from = at + stride;
        }
        count
    }
}

fn write_hex(at: &mut [u8], mut value: u64) {
    for digit in at.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}

/// The value of each hexadecimal digit, 255 for what is none.
const DIGITS: [u8; 256] = {
    let mut table = [255; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    table
};

fn read_hex(digits: &[u8]) -> Option<u64> {
    let mut value = 0;
    let mut seen = 0;
    for digit in digits {
        let digit = DIGITS[usize::from(*digit)];
        seen |= digit;
        value = value << 4 | u64::from(digit & 15);
    }
    (seen < 16).then_some(value)
}

#[cfg(test)]
mod tests;

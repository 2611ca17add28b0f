//! Text that arrives in pieces, checked as it arrives.

use super::violation::Violation;

/// UTF-8 collected from pieces that may end in the middle of a character. What can't become UTF-8 any more is
/// told with the piece that breaks it, not at the end.
#[derive(Debug, Default)]
pub(crate) struct Utf8 {
    text: String,
    /// The bytes of a character that is not all there yet.
    pending: [u8; 4],
    pending_len: usize,
}

impl Utf8 {
    /// Bytes so far, those of an unfinished character included.
    pub(crate) fn len(&self) -> usize {
        self.text.len() + self.pending_len
    }

    pub(crate) fn capacity(&self) -> usize {
        self.text.capacity()
    }

    /// Makes room for a text of `bytes` bytes in all.
    pub(crate) fn reserve_exact(&mut self, bytes: usize) {
        self.text.reserve_exact(bytes - self.text.len());
    }

    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), Violation> {
        let piece = self.complete_pending(piece)?;
        match std::str::from_utf8(piece) {
            Ok(text) => self.text.push_str(text),
            Err(error) => {
                if error.error_len().is_some() {
                    return Err(Violation::BadUtf8);
                }
                let (valid, rest) = piece.split_at(error.valid_up_to());
                // Checked a line above, so this is never an error; `from_utf8_unchecked` would be unsafe code.
                self.text.push_str(std::str::from_utf8(valid).map_err(|_| Violation::BadUtf8)?);
                self.pending[..rest.len()].copy_from_slice(rest);
                self.pending_len = rest.len();
            }
        }
        Ok(())
    }

    /// The whole text, when it doesn't end in the middle of a character.
    pub(crate) fn finish(&self) -> Result<&str, Violation> {
        if self.pending_len == 0 { Ok(&self.text) } else { Err(Violation::BadUtf8) }
    }

    /// Feeds bytes of `piece` to the unfinished character until it's whole, and returns the bytes that are left.
    fn complete_pending<'a>(&mut self, mut piece: &'a [u8]) -> Result<&'a [u8], Violation> {
        while self.pending_len > 0 {
            let Some((&byte, rest)) = piece.split_first() else {
                break;
            };
            piece = rest;
            // An unfinished character has at most 3 bytes, so there is room for one more.
            self.pending[self.pending_len] = byte;
            self.pending_len += 1;
            match std::str::from_utf8(&self.pending[..self.pending_len]) {
                Ok(character) => {
                    self.text.push_str(character);
                    self.pending_len = 0;
                }
                Err(error) if error.error_len().is_some() => return Err(Violation::BadUtf8),
                Err(_) => {}
            }
        }
        Ok(piece)
    }
}

#[cfg(test)]
mod tests;

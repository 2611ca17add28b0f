//! Whether the keys of one object differ, and are nobody's own.

use crate::data_error::DataError;

/// What the keys begin with by which serde_json passes values on to itself. Any other serde_json that reads such an object as a
/// value takes it for what the text in it says, which nobody has checked.
const READERS_OWN: &str = "$serde_json::private::";

/// Finds out whether the keys of one object differ, by 64-bit hashes of them; sixteen need no allocation.
///
/// Two keys that differ and hash alike would be refused wrongly: a chance of one in 2^64 for each pair, and a peer who
/// looks for such a pair refuses only its own data.
#[derive(Default)]
pub(crate) struct KeySet {
    few: [u64; 16],
    count: usize,
    many: Vec<u64>,
    has_readers_own: bool,
}

impl KeySet {
    pub(crate) fn add(&mut self, key: &str) {
        self.has_readers_own |= key.starts_with(READERS_OWN);
        let hash = fnv(key.as_bytes());
        if self.count < self.few.len() {
            self.few[self.count] = hash;
        } else {
            self.many.push(hash);
        }
        self.count += 1;
    }

    pub(crate) fn finish(mut self) -> Result<(), DataError> {
        if self.has_readers_own {
            return Err(DataError::Key);
        }
        let few = self.count.min(self.few.len());
        let hashes: &mut [u64] = if self.many.is_empty() {
            &mut self.few[..few]
        } else {
            self.many.extend_from_slice(&self.few);
            &mut self.many
        };
        hashes.sort_unstable();
        if hashes.windows(2).any(|pair| pair[0] == pair[1]) { Err(DataError::DuplicateKey) } else { Ok(()) }
    }
}

/// FNV-1a, 64 bits.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

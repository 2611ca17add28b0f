//! Ordered bytes to bytes, with a barrier.

use crate::error::{ErrorKind, StoreError};
use std::ops::ControlFlow;

/// The longest key. The longest there is holds a name of 128 bytes.
pub const KEY_BYTES_MAX: usize = 160;

/// The longest value. Far above the largest entry: data of 64 KiB, its texts and its bookkeeping.
pub const VALUE_BYTES_MAX: usize = 128 * 1024;

/// Keys that begin with this byte are a store's own.
pub const KEY_OWN: u8 = 0xff;

/// What a scan calls with each key and value, until it breaks.
pub type Each<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// A key and its value.
pub type Record = (Vec<u8>, Vec<u8>);

/// Bytes to bytes, ordered by key.
///
/// Writes come from one caller at a time; reads from any number of them, at any time. What was written is there to be
/// read at once, and is safe after the next [`sync`](Store::sync). A crash before that leaves the first so many of the
/// writes since the last one: all up to some point, none behind it.
pub trait Store: Send + Sync + 'static {
    /// Writes in this order. Nothing of it is safe before [`sync`](Store::sync) has returned.
    ///
    /// # Errors
    /// When a write failed. Those before it were written, and whether those behind it were is not known. Afterwards every
    /// write and sync fails until the store is opened afresh.
    fn write(&self, writes: &[Write]) -> Result<(), StoreError>;

    /// The barrier: returns when everything that was written before the call is on the device.
    ///
    /// # Errors
    /// When that is not certain. Afterwards every write and sync fails until the store is opened afresh.
    fn sync(&self) -> Result<(), StoreError>;

    /// The value of a key.
    ///
    /// # Errors
    /// When it cannot be read.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Calls `each` for all keys from `from` up to but without `to`, rising, until it breaks. `each` must not call the
    /// store.
    ///
    /// # Errors
    /// When one cannot be read.
    fn scan(&self, from: &[u8], to: &[u8], each: &mut Each<'_>) -> Result<(), StoreError>;

    /// The highest key from `from` up to but without `to`, and its value.
    ///
    /// # Errors
    /// When it cannot be read.
    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Record>, StoreError>;

    /// Whether opening the store afresh can mend what made it fail: not while its device is full, for instance. Until then
    /// what it has can still be read.
    ///
    /// # Errors
    /// What is in the way.
    fn can_be_reopened(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Bytes that the store takes on the device.
    ///
    /// # Errors
    /// When the operating system does not tell.
    fn bytes_on_disk(&self) -> Result<u64, StoreError>;
}

/// One change of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets a key's value.
    Put {
        /// At most [`KEY_BYTES_MAX`] bytes, the first one below [`KEY_OWN`].
        key: Vec<u8>,
        /// At most [`VALUE_BYTES_MAX`] bytes.
        value: Vec<u8>,
    },
    /// Takes a key away, if it is there.
    Delete {
        /// As above.
        key: Vec<u8>,
    },
}

impl Write {
    /// The key that it changes.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Put { key, .. } | Self::Delete { key } => key,
        }
    }

    /// Bytes of its key and its value.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Put { key, value } => key.len() + value.len(),
            Self::Delete { key } => key.len(),
        }
    }

    /// Whether a store takes it.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when the key or the value is too long, or the key not a caller's.
    pub fn check(&self) -> Result<(), StoreError> {
        let key = self.key();
        if key.is_empty() || key.len() > KEY_BYTES_MAX || key[0] == KEY_OWN {
            let what = format!("a key of {} bytes is not one that a store takes", key.len());
            return Err(StoreError::new(ErrorKind::Refused, what));
        }
        match self {
            Self::Put { value, .. } if value.len() > VALUE_BYTES_MAX => {
                let what = format!("a record of {} bytes is larger than the {VALUE_BYTES_MAX} that go in", value.len());
                Err(StoreError::new(ErrorKind::Refused, what))
            }
            _ => Ok(()),
        }
    }
}

//! Application data: checked once when it comes in, carried as it came, and rewritten only for a receiver that speaks
//! the other codec.

use crate::limit::DATA_DEPTH_MAX;
use crate::{json, msgpack};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// JSON (RFC 8259).
    Json,
    /// MessagePack, maps with string keys.
    Msgpack,
}

/// Why data is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataError {
    /// Not a value of its codec, or cut short, or followed by something else.
    Syntax,
    /// Nested deeper than [`DATA_DEPTH_MAX`].
    Depth,
    /// The same key twice in one object.
    DuplicateKey,
    /// A key that is not a string.
    Key,
    /// A number that is infinite, not a number, or out of range.
    Number,
    /// A MessagePack extension type, which JSON cannot carry.
    Extension,
}

impl DataError {
    /// What is wrong, for a person.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Syntax => "not one whole, well-formed value",
            Self::Depth => "nested deeper than 64 levels",
            Self::DuplicateKey => "a key stands twice in one object",
            Self::Key => "a key is not a string",
            Self::Number => "a number is out of range or not finite",
            Self::Extension => "MessagePack extension types are not carried",
        }
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for DataError {}

/// Checked data that borrows its bytes.
#[derive(Debug, Clone, Copy)]
pub struct DataRef<'a> {
    codec: Codec,
    bytes: &'a [u8],
}

impl<'a> DataRef<'a> {
    /// JSON's `null`, for commands without data.
    pub const NULL: DataRef<'static> = DataRef { codec: Codec::Json, bytes: b"null" };

    /// Checks that `bytes` are exactly one value that both codecs can carry.
    ///
    /// # Errors
    /// [`DataError`] tells the rule that is broken.
    pub fn parse(codec: Codec, bytes: &'a [u8]) -> Result<Self, DataError> {
        match codec {
            Codec::Json => json::check(bytes)?,
            Codec::Msgpack => {
                let mut reader = msgpack::Reader::new(bytes);
                reader.check(0)?;
                if reader.at() != bytes.len() {
                    return Err(DataError::Syntax);
                }
            }
        }
        Ok(Self { codec, bytes })
    }

    /// The codec the bytes are written in.
    #[must_use]
    pub const fn codec(self) -> Codec {
        self.codec
    }

    /// The bytes as they came.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Appends the value in `codec`: copied where that is its own, rewritten otherwise.
    pub fn append(self, codec: Codec, out: &mut Vec<u8>) {
        match (self.codec, codec) {
            (Codec::Json, Codec::Json) | (Codec::Msgpack, Codec::Msgpack) => out.extend_from_slice(self.bytes),
            (Codec::Msgpack, Codec::Json) => {
                msgpack::Reader::new(self.bytes).write_json(out).expect("the bytes were checked by `parse`");
            }
            (Codec::Json, Codec::Msgpack) => {
                let value: serde_json::Value =
                    serde_json::from_slice(self.bytes).expect("the bytes were checked by `parse`");
                rmp_serde::encode::write(out, &value).expect("writing a JSON value to memory does not fail");
            }
        }
    }

    /// An owned copy.
    #[must_use]
    pub fn to_data(self) -> Data {
        Data { codec: self.codec, bytes: Bytes::copy_from_slice(self.bytes) }
    }
}

/// Checked data that owns its bytes; clones share them.
#[derive(Debug, Clone)]
pub struct Data {
    codec: Codec,
    bytes: Bytes,
}

impl Data {
    /// The data of a serialisable value.
    ///
    /// # Errors
    /// [`DataError`] if the value cannot be written as JSON, or breaks a rule of [`DataRef::parse`].
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, DataError> {
        let text = serde_json::to_vec(value).map_err(|_| DataError::Key)?;
        Self::parse(Codec::Json, Bytes::from(text))
    }

    /// Checks bytes and keeps them.
    ///
    /// # Errors
    /// As [`DataRef::parse`].
    pub fn parse(codec: Codec, bytes: Bytes) -> Result<Self, DataError> {
        DataRef::parse(codec, &bytes)?;
        Ok(Self { codec, bytes })
    }

    /// JSON's `null`.
    #[must_use]
    pub const fn null() -> Self {
        Self { codec: Codec::Json, bytes: Bytes::from_static(b"null") }
    }

    /// A borrowed view.
    #[must_use]
    pub fn as_ref(&self) -> DataRef<'_> {
        DataRef { codec: self.codec, bytes: &self.bytes }
    }

    /// The value as `T`.
    ///
    /// # Errors
    /// [`DataError::Syntax`] if the value is of another shape.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, DataError> {
        match self.codec {
            Codec::Json => serde_json::from_slice(&self.bytes).map_err(|_| DataError::Syntax),
            Codec::Msgpack => rmp_serde::from_slice(&self.bytes).map_err(|_| DataError::Syntax),
        }
    }

    /// The value as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(self.bytes.len());
        self.as_ref().append(Codec::Json, &mut out);
        String::from_utf8(out).expect("JSON that was checked or written here is UTF-8")
    }
}

/// Finds out whether the keys of one object differ, by 64-bit hashes of them; sixteen need no allocation.
///
/// Two keys that differ and hash alike would be refused wrongly: a chance of one in 2^64 for each pair, and a peer who
/// looks for such a pair refuses only its own data.
#[derive(Default)]
pub(crate) struct KeySet {
    few: [u64; 16],
    count: usize,
    many: Vec<u64>,
}

impl KeySet {
    pub(crate) fn add(&mut self, key: &str) {
        let hash = fnv(key.as_bytes());
        if self.count < self.few.len() {
            self.few[self.count] = hash;
        } else {
            self.many.push(hash);
        }
        self.count += 1;
    }

    pub(crate) fn finish(mut self) -> Result<(), DataError> {
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

const _: () = assert!(DATA_DEPTH_MAX < 128, "serde_json stops at 128 levels by itself");

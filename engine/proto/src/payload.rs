//! Application data: checked once when it comes in, carried as it came, and rewritten only for a receiver that speaks
//! the other codec.

pub use crate::data_error::DataError;
use crate::limit::DATA_DEPTH_MAX;
use crate::{json, msgpack, transcode};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// JSON (RFC 8259).
    Json,
    /// MessagePack, maps with string keys.
    Msgpack,
}

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
        if u32::try_from(bytes.len()).is_err() {
            return Err(DataError::Size);
        }
        match codec {
            Codec::Json => json::check(bytes)?,
            Codec::Msgpack => msgpack::check(bytes)?,
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

    /// Appends the value in `codec`: copied where that is its own (JSON without the line ends that may stand between
    /// its tokens), rewritten otherwise.
    pub fn append(self, codec: Codec, out: &mut Vec<u8>) {
        let checked = "the bytes were checked by `parse`";
        match (self.codec, codec) {
            (Codec::Msgpack, Codec::Msgpack) => out.extend_from_slice(self.bytes),
            (Codec::Json, Codec::Json) => json::append_on_one_line(self.bytes, out),
            (Codec::Msgpack, Codec::Json) => transcode::to_json(self.bytes, out).expect(checked),
            (Codec::Json, Codec::Msgpack) => transcode::to_msgpack(self.bytes, out).expect(checked),
        }
    }

    /// An owned copy.
    #[must_use]
    pub fn to_data(self) -> Data {
        Data { codec: self.codec, bytes: Bytes::copy_from_slice(self.bytes) }
    }
}

/// Checked data that owns its bytes; clones share them.
#[derive(Debug, Clone, PartialEq, Eq)]
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

    /// Data whose bytes were checked before they were put where they come from, such as a record on disk with a checksum.
    /// Bytes that no check has seen make receivers' frames unreadable, or end the call that renders them in a panic.
    #[must_use]
    pub const fn checked_before(codec: Codec, bytes: Bytes) -> Self {
        Self { codec, bytes }
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

const _: () = assert!(DATA_DEPTH_MAX < 128, "serde_json stops at 128 levels by itself, and `Data::to` uses it");

#[cfg(test)]
mod tests;

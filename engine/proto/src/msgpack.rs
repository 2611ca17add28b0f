//! Reading MessagePack without believing it, and writing the few shapes that frames need.
//!
//! A length is only a claim until the bytes are there: nothing is allocated for it. Source: the MessagePack
//! specification, "Formats".

use crate::limit::DATA_DEPTH_MAX;
use crate::payload::{DataError, KeySet};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The head of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Head {
    Nil,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Str(usize),
    Bin(usize),
    Array(usize),
    Map(usize),
    Ext(usize),
}

/// A place in a slice that moves forward over checked bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0 }
    }

    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn take(&mut self, bytes: usize) -> Result<&'a [u8], DataError> {
        let end = self.at.checked_add(bytes).ok_or(DataError::Syntax)?;
        let taken = self.input.get(self.at..end).ok_or(DataError::Syntax)?;
        self.at = end;
        Ok(taken)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], DataError> {
        // `take` returned exactly N bytes.
        self.take(N).map(|bytes| bytes.try_into().expect("N bytes were taken"))
    }

    fn length<const N: usize>(&mut self) -> Result<usize, DataError> {
        let bytes = self.number::<N>()?;
        let length = bytes.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        usize::try_from(length).map_err(|_| DataError::Syntax)
    }

    pub(crate) fn head(&mut self) -> Result<Head, DataError> {
        let byte = self.take(1)?[0];
        Ok(match byte {
            0x00..=0x7f => Head::Uint(u64::from(byte)),
            0x80..=0x8f => Head::Map(usize::from(byte & 0x0f)),
            0x90..=0x9f => Head::Array(usize::from(byte & 0x0f)),
            0xa0..=0xbf => Head::Str(usize::from(byte & 0x1f)),
            0xc0 => Head::Nil,
            0xc1 => return Err(DataError::Syntax),
            0xc2 | 0xc3 => Head::Bool(byte == 0xc3),
            0xc4 => Head::Bin(self.length::<1>()?),
            0xc5 => Head::Bin(self.length::<2>()?),
            0xc6 => Head::Bin(self.length::<4>()?),
            0xca => Head::Float(f64::from(f32::from_be_bytes(self.number()?))),
            0xcb => Head::Float(f64::from_be_bytes(self.number()?)),
            0xcc => Head::Uint(u64::from(u8::from_be_bytes(self.number()?))),
            0xcd => Head::Uint(u64::from(u16::from_be_bytes(self.number()?))),
            0xce => Head::Uint(u64::from(u32::from_be_bytes(self.number()?))),
            0xcf => Head::Uint(u64::from_be_bytes(self.number()?)),
            0xd0 => Head::Int(i64::from(i8::from_be_bytes(self.number()?))),
            0xd1 => Head::Int(i64::from(i16::from_be_bytes(self.number()?))),
            0xd2 => Head::Int(i64::from(i32::from_be_bytes(self.number()?))),
            0xd3 => Head::Int(i64::from_be_bytes(self.number()?)),
            0xd4..=0xd8 => Head::Ext(1 << (byte - 0xd4)),
            0xc7 => Head::Ext(self.length::<1>()?),
            0xc8 => Head::Ext(self.length::<2>()?),
            0xc9 => Head::Ext(self.length::<4>()?),
            0xd9 => Head::Str(self.length::<1>()?),
            0xda => Head::Str(self.length::<2>()?),
            0xdb => Head::Str(self.length::<4>()?),
            0xdc => Head::Array(self.length::<2>()?),
            0xdd => Head::Array(self.length::<4>()?),
            0xde => Head::Map(self.length::<2>()?),
            0xdf => Head::Map(self.length::<4>()?),
            0xe0..=0xff => Head::Int(i64::from(byte.cast_signed())),
        })
    }

    pub(crate) fn text(&mut self, bytes: usize) -> Result<&'a str, DataError> {
        std::str::from_utf8(self.take(bytes)?).map_err(|_| DataError::Syntax)
    }

    /// The key of a map: a string, as JSON has it.
    pub(crate) fn key(&mut self) -> Result<&'a str, DataError> {
        match self.head()? {
            Head::Str(bytes) => self.text(bytes),
            _ => Err(DataError::Key),
        }
    }

    /// Passes over one value and checks it: strings are UTF-8, keys are strings and differ, numbers are finite, no
    /// extension types, no deeper than [`DATA_DEPTH_MAX`].
    pub(crate) fn check(&mut self, depth: usize) -> Result<(), DataError> {
        if depth > DATA_DEPTH_MAX {
            return Err(DataError::Depth);
        }
        match self.head()? {
            Head::Nil | Head::Bool(_) | Head::Int(_) | Head::Uint(_) => Ok(()),
            Head::Float(number) if number.is_finite() => Ok(()),
            Head::Float(_) => Err(DataError::Number),
            Head::Str(bytes) => self.text(bytes).map(drop),
            Head::Bin(bytes) => self.take(bytes).map(drop),
            Head::Ext(_) => Err(DataError::Extension),
            Head::Array(items) => (0..items).try_for_each(|_| self.check(depth + 1)),
            Head::Map(entries) => {
                let mut keys = KeySet::default();
                for _ in 0..entries {
                    keys.add(self.key()?);
                    self.check(depth + 1)?;
                }
                keys.finish()
            }
        }
    }

    /// Writes one checked value as JSON. Binary data becomes a string in base64 (RFC 4648 section 4, padded).
    pub(crate) fn write_json(&mut self, out: &mut Vec<u8>) -> Result<(), DataError> {
        match self.head()? {
            Head::Nil => out.extend_from_slice(b"null"),
            Head::Bool(true) => out.extend_from_slice(b"true"),
            Head::Bool(false) => out.extend_from_slice(b"false"),
            Head::Int(number) => crate::json::put(out, &number),
            Head::Uint(number) => crate::json::put(out, &number),
            Head::Float(number) => crate::json::put(out, &number),
            Head::Str(bytes) => crate::json::put(out, self.text(bytes)?),
            Head::Bin(bytes) => crate::json::put(out, &STANDARD.encode(self.take(bytes)?)),
            Head::Ext(_) => return Err(DataError::Extension),
            Head::Array(items) => {
                out.push(b'[');
                for item in 0..items {
                    if item > 0 {
                        out.push(b',');
                    }
                    self.write_json(out)?;
                }
                out.push(b']');
            }
            Head::Map(entries) => {
                out.push(b'{');
                for entry in 0..entries {
                    if entry > 0 {
                        out.push(b',');
                    }
                    crate::json::put(out, self.key()?);
                    out.push(b':');
                    self.write_json(out)?;
                }
                out.push(b'}');
            }
        }
        Ok(())
    }
}

/// Appends an unsigned integer in its shortest form.
pub(crate) fn put_uint(out: &mut Vec<u8>, number: u64) {
    match number {
        0..=0x7f => out.push(number.to_be_bytes()[7]),
        0x80..=0xff => out.extend_from_slice(&[0xcc, number.to_be_bytes()[7]]),
        0x100..=0xffff => {
            out.push(0xcd);
            out.extend_from_slice(&number.to_be_bytes()[6..]);
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xce);
            out.extend_from_slice(&number.to_be_bytes()[4..]);
        }
        _ => {
            out.push(0xcf);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// Appends a string. Names and ids are far below the 64 KiB that two bytes of length can tell.
pub(crate) fn put_str(out: &mut Vec<u8>, text: &str) {
    let bytes = text.len();
    match bytes {
        0..=31 => out.push(0xa0 | bytes.to_be_bytes()[7]),
        32..=0xff => out.extend_from_slice(&[0xd9, bytes.to_be_bytes()[7]]),
        _ => {
            out.push(0xda);
            out.extend_from_slice(&bytes.to_be_bytes()[6..]);
        }
    }
    out.extend_from_slice(text.as_bytes());
}

/// Appends the head of a map of at most 15 entries.
pub(crate) fn put_map(out: &mut Vec<u8>, entries: u8) {
    debug_assert!(entries < 16, "the short form of a map holds 15 entries");
    out.push(0x80 | entries);
}

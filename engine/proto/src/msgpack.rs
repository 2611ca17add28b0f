//! Reading MessagePack without believing it, and writing the few shapes that frames need.
//!
//! A length is only a claim until the bytes are there: nothing is allocated for it. Source: the MessagePack
//! specification, "Formats".

use crate::data_error::DataError;
use crate::key_set::KeySet;
use crate::limit::DATA_DEPTH_MAX;

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

    /// The key of a map if it is a string; passes over any other.
    pub(crate) fn key_or_skip(&mut self) -> Result<Option<&'a str>, DataError> {
        let mut key = *self;
        if let Ok(Head::Str(bytes)) = key.head() {
            let text = std::str::from_utf8(key.take(bytes)?).ok();
            *self = key;
            return Ok(text);
        }
        self.skip().map(|()| None)
    }

    /// A value if it is an integer of at least nought; passes over any other.
    pub(crate) fn uint_or_skip(&mut self) -> Result<Option<u64>, DataError> {
        let mut value = *self;
        let number = match value.head()? {
            Head::Uint(number) => Some(number),
            Head::Int(number) => u64::try_from(number).ok(),
            _ => return self.skip().map(|()| None),
        };
        *self = value;
        Ok(number)
    }

    /// Passes over one value without a look at what it says and without a stack: only its end is found.
    pub(crate) fn skip(&mut self) -> Result<(), DataError> {
        let mut values: u64 = 1;
        while values > 0 {
            values -= 1;
            values = values.saturating_add(match self.head()? {
                Head::Nil | Head::Bool(_) | Head::Int(_) | Head::Uint(_) | Head::Float(_) => 0,
                Head::Str(bytes) | Head::Bin(bytes) => self.take(bytes).map(|_| 0)?,
                // One more byte tells the type.
                Head::Ext(bytes) => self.take(1).and_then(|_| self.take(bytes)).map(|_| 0)?,
                Head::Array(items) => items as u64,
                Head::Map(entries) => (entries as u64).saturating_mul(2),
            });
            // Every value has a byte at least, so more values than bytes is a lie about a length.
            if values > (self.input.len() - self.at) as u64 {
                return Err(DataError::Syntax);
            }
        }
        Ok(())
    }

    /// Passes over one value and checks it: strings are UTF-8, keys are strings and differ, numbers are finite, no
    /// extension types, no deeper than [`DATA_DEPTH_MAX`]. `depth` arrays and maps are round the value.
    pub(crate) fn check(&mut self, depth: usize) -> Result<(), DataError> {
        match self.head()? {
            Head::Nil | Head::Bool(_) | Head::Int(_) | Head::Uint(_) => Ok(()),
            Head::Float(number) if number.is_finite() => Ok(()),
            Head::Float(_) => Err(DataError::Number),
            Head::Str(bytes) => self.text(bytes).map(drop),
            Head::Bin(bytes) => self.take(bytes).map(drop),
            Head::Ext(_) => Err(DataError::Extension),
            Head::Array(_) | Head::Map(_) if depth == DATA_DEPTH_MAX => Err(DataError::Depth),
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
}

/// Checks that the bytes are one value, by [`Reader::check`].
pub(crate) fn check(bytes: &[u8]) -> Result<(), DataError> {
    let mut reader = Reader::new(bytes);
    reader.check(0)?;
    if reader.at() == bytes.len() { Ok(()) } else { Err(DataError::Syntax) }
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

/// Appends a signed integer in its shortest form.
pub(crate) fn put_int(out: &mut Vec<u8>, number: i64) {
    let wide = number.to_be_bytes();
    match number {
        0.. => put_uint(out, number.unsigned_abs()),
        -32..=-1 => out.push(wide[7]),
        -0x80..=-33 => out.extend_from_slice(&[0xd0, wide[7]]),
        -0x8000..=-0x81 => out.extend_from_slice(&[0xd1, wide[6], wide[7]]),
        -0x8000_0000..=-0x8001 => {
            out.push(0xd2);
            out.extend_from_slice(&wide[4..]);
        }
        _ => {
            out.push(0xd3);
            out.extend_from_slice(&wide);
        }
    }
}

/// Appends a string. Names are far below the 4 GiB that four bytes of length can tell, and data is held to it when it
/// is checked.
pub(crate) fn put_str(out: &mut Vec<u8>, text: &str) {
    let bytes = text.len();
    let wide = (bytes as u64).to_be_bytes();
    match bytes {
        0..=31 => out.push(0xa0 | wide[7]),
        32..=0xff => out.extend_from_slice(&[0xd9, wide[7]]),
        0x100..=0xffff => out.extend_from_slice(&[0xda, wide[6], wide[7]]),
        _ => out.extend_from_slice(&[0xdb, wide[4], wide[5], wide[6], wide[7]]),
    }
    out.extend_from_slice(text.as_bytes());
}

/// Appends the head of a map of at most 15 entries.
pub(crate) fn put_map(out: &mut Vec<u8>, entries: u8) {
    debug_assert!(entries < 16, "the short form of a map holds 15 entries");
    out.push(0x80 | entries);
}

/// Appends the head of an array.
pub(crate) fn put_array(out: &mut Vec<u8>, entries: usize) {
    let wide = (entries as u64).to_be_bytes();
    match entries {
        0..=15 => out.push(0x90 | wide[7]),
        16..=0xffff => out.extend_from_slice(&[0xdc, wide[6], wide[7]]),
        _ => out.extend_from_slice(&[0xdd, wide[4], wide[5], wide[6], wide[7]]),
    }
}

#[cfg(test)]
mod tests;

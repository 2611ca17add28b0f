//! Checked data of one codec, written in the other. Keys keep their order.

use crate::data_error::DataError;
use crate::json::{self, Kind, Number, Sink};
use crate::msgpack::{self, Head, Reader};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Appends a JSON value as MessagePack: integers and lengths in their shortest form, all other numbers as float 64.
///
/// # Errors
/// Those of the check that came before.
pub(crate) fn to_msgpack(text: &[u8], out: &mut Vec<u8>) -> Result<(), DataError> {
    json::walk(text, &mut Packer(out))
}

/// Appends a MessagePack value as JSON. Binary data becomes a string in base64 (RFC 4648 section 4, padded).
///
/// # Errors
/// Those of the check that came before.
pub(crate) fn to_json(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), DataError> {
    value_to_json(&mut Reader::new(bytes), out)
}

/// Writes MessagePack. The head of an array or object is one byte until its count is known and needs more.
struct Packer<'o>(&'o mut Vec<u8>);

impl Sink for Packer<'_> {
    const KEYS: bool = false;

    fn null(&mut self) {
        self.0.push(0xc0);
    }

    fn boolean(&mut self, value: bool) {
        self.0.push(if value { 0xc3 } else { 0xc2 });
    }

    fn number(&mut self, number: Number) {
        match number {
            Number::Uint(number) => msgpack::put_uint(self.0, number),
            Number::Int(number) => msgpack::put_int(self.0, number),
            Number::Float(number) => {
                self.0.push(0xcb);
                self.0.extend_from_slice(&number.to_be_bytes());
            }
        }
    }

    fn string(&mut self, text: &str) {
        msgpack::put_str(self.0, text);
    }

    fn open(&mut self) -> usize {
        self.0.push(0);
        self.0.len() - 1
    }

    fn close(&mut self, place: usize, kind: Kind, count: usize) {
        let (short, two, four) = match kind {
            Kind::Array => (0x90, 0xdc, 0xdd),
            Kind::Object => (0x80, 0xde, 0xdf),
        };
        let wide = (count as u64).to_be_bytes();
        match count {
            0..=15 => self.0[place] = short | wide[7],
            16..=0xffff => drop(self.0.splice(place..=place, [two, wide[6], wide[7]])),
            _ => drop(self.0.splice(place..=place, [four, wide[4], wide[5], wide[6], wide[7]])),
        }
    }
}

/// As deep as the check let the value be.
fn value_to_json(reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), DataError> {
    match reader.head()? {
        Head::Nil => out.extend_from_slice(b"null"),
        Head::Bool(true) => out.extend_from_slice(b"true"),
        Head::Bool(false) => out.extend_from_slice(b"false"),
        Head::Int(number) => json::put(out, &number),
        Head::Uint(number) => json::put(out, &number),
        Head::Float(number) => json::put(out, &number),
        Head::Str(bytes) => json::put(out, reader.text(bytes)?),
        Head::Bin(bytes) => json::put(out, &STANDARD.encode(reader.take(bytes)?)),
        Head::Ext(_) => return Err(DataError::Extension),
        Head::Array(items) => {
            out.push(b'[');
            for item in 0..items {
                if item > 0 {
                    out.push(b',');
                }
                value_to_json(reader, out)?;
            }
            out.push(b']');
        }
        Head::Map(entries) => {
            out.push(b'{');
            for entry in 0..entries {
                if entry > 0 {
                    out.push(b',');
                }
                json::put(out, reader.key()?);
                out.push(b':');
                value_to_json(reader, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

//! Objects in either codec, written by hand where they hold an application's data, which goes out as it came in.

use crate::payload::{Codec, DataRef};
use crate::{json, msgpack};

/// Writes objects in either codec.
pub(crate) struct Writer<'o> {
    codec: Codec,
    out: &'o mut Vec<u8>,
}

impl<'o> Writer<'o> {
    pub(crate) const fn new(codec: Codec, out: &'o mut Vec<u8>) -> Self {
        Self { codec, out }
    }

    pub(crate) fn map(&mut self, fields: u8) {
        match self.codec {
            Codec::Json => self.out.push(b'{'),
            Codec::Msgpack => msgpack::put_map(self.out, fields),
        }
    }

    pub(crate) fn end(&mut self) {
        if self.codec == Codec::Json {
            self.out.push(b'}');
        }
    }

    pub(crate) fn key(&mut self, key: &str, first: bool) {
        match self.codec {
            Codec::Json => {
                if !first {
                    self.out.push(b',');
                }
                json::put(self.out, key);
                self.out.push(b':');
            }
            Codec::Msgpack => msgpack::put_str(self.out, key),
        }
    }

    pub(crate) fn text(&mut self, key: &str, text: &str, first: bool) {
        self.key(key, first);
        match self.codec {
            Codec::Json => json::put(self.out, text),
            Codec::Msgpack => msgpack::put_str(self.out, text),
        }
    }

    pub(crate) fn uint(&mut self, key: &str, number: u64) {
        self.key(key, false);
        self.number(number);
    }

    pub(crate) fn number(&mut self, number: u64) {
        match self.codec {
            Codec::Json => json::put_uint(self.out, number),
            Codec::Msgpack => msgpack::put_uint(self.out, number),
        }
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        match (self.codec, value) {
            (Codec::Json, true) => self.out.extend_from_slice(b"true"),
            (Codec::Json, false) => self.out.extend_from_slice(b"false"),
            (Codec::Msgpack, value) => self.out.push(0xc2 | u8::from(value)),
        }
    }

    /// A value that is written as it came in.
    pub(crate) fn data(&mut self, data: DataRef<'_>) {
        data.append(self.codec, self.out);
    }

    /// An array, each of whose items is written by `item`.
    pub(crate) fn list<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        match self.codec {
            Codec::Json => self.out.push(b'['),
            Codec::Msgpack => msgpack::put_array(self.out, items.len()),
        }
        for (at, one) in items.iter().enumerate() {
            if at > 0 && self.codec == Codec::Json {
                self.out.push(b',');
            }
            item(self, one);
        }
        if self.codec == Codec::Json {
            self.out.push(b']');
        }
    }
}

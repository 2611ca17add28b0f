//! Checking JSON values, and writing the few that frames need.

use crate::limit::DATA_DEPTH_MAX;
use crate::payload::{DataError, KeySet};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, Serialize};
use std::cell::Cell;
use std::fmt;

/// Checks one JSON value (RFC 8259): syntax, keys that differ, numbers in range, no deeper than [`DATA_DEPTH_MAX`].
pub(crate) fn check(text: &[u8]) -> Result<(), DataError> {
    let cause = Cell::new(DataError::Syntax);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let walked = Walk { depth: 0, cause: &cause }.deserialize(&mut deserializer);
    walked.and_then(|()| deserializer.end()).map_err(|error| {
        if error.to_string().starts_with("number out of range") { DataError::Number } else { cause.get() }
    })
}

/// Appends a value. Only for values whose serialisation cannot fail: numbers and strings.
pub(crate) fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("writing a number or a string to memory does not fail");
}

/// Appends an unsigned integer.
pub(crate) fn put_uint(out: &mut Vec<u8>, number: u64) {
    put(out, &number);
}

#[derive(Clone, Copy)]
struct Walk<'c> {
    depth: usize,
    cause: &'c Cell<DataError>,
}

impl Walk<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == DATA_DEPTH_MAX {
            return Err(self.fail(DataError::Depth));
        }
        Ok(Self { depth: self.depth + 1, cause: self.cause })
    }

    fn fail<E: Error>(self, cause: DataError) -> E {
        self.cause.set(cause);
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        if number.is_finite() { Ok(()) } else { Err(self.fail(DataError::Number)) }
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut keys = KeySet::default();
        while entries.next_key_seed(Key(&mut keys))?.is_some() {
            entries.next_value_seed(inner)?;
        }
        keys.finish().map_err(|cause| self.fail(cause))
    }
}

struct Key<'k>(&'k mut KeySet);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<(), E> {
        self.0.add(key);
        Ok(())
    }
}

/// The id of a command whose other parts could not be read, so that the answer can still carry it.
pub(crate) fn id_of(text: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Only {
        id: Option<u64>,
    }
    serde_json::from_slice::<Only>(text).ok().and_then(|only| only.id)
}

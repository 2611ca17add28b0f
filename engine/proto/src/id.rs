//! Numbers with a meaning: sessions, streams, epochs, positions.

use crate::strict;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// A session's id: 128 random bits, 32 hexadecimal digits on the wire.
// Aligned as a pointer is: beside one it takes 24 bytes, not 32, in each of many thousand timers.
#[repr(Rust, packed(8))]
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u128);

/// What proves that a session is the client's own when it comes back to it: 128 random bits, 32 hexadecimal digits on
/// the wire. Compared in constant time, and never shown by `Debug`.
// As SessionId.
#[repr(Rust, packed(8))]
#[derive(Clone, Copy)]
pub struct Secret(pub u128);

impl Secret {
    /// Whether both are the same, in a time that does not tell where they differ.
    #[must_use]
    pub const fn is(self, other: Self) -> bool {
        // A word without a branch: nothing here ends early.
        self.0 ^ other.0 == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Which life of a stream its offsets count. A new epoch means that what the old offsets counted is gone.
/// Random, 16 hexadecimal digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

/// The short number of a stream, the same for all its subscribers on this node and start.
pub type StreamNumber = u32;

/// A place in a stream: offsets rise by one for each entry, the first is 1, and 0 is the place before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The life of the stream that the offset counts in.
    pub epoch: Epoch,
    /// The last entry that was received, 0 for none.
    pub offset: u64,
}

/// A text is not the hexadecimal form of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdError;

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the hexadecimal digits that the server gave")
    }
}

impl std::error::Error for IdError {}

macro_rules! hexadecimal {
    ($name:ident, $int:ty, $digits:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{:0", $digits, "x}"), { self.0 })
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let digits = text.len() == $digits && text.bytes().all(|b| b.is_ascii_hexdigit());
                if !digits {
                    return Err(IdError);
                }
                <$int>::from_str_radix(text, 16).map(Self).map_err(|_| IdError)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                strict::text(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

hexadecimal!(SessionId, u128, 32);
hexadecimal!(Secret, u128, 32);
hexadecimal!(Epoch, u64, 16);

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Epoch, Position, SessionId};

    #[test]
    fn ids_survive_the_wire() {
        let position = Position { epoch: Epoch(0xab), offset: 17 };
        let text = serde_json::to_string(&position).unwrap();
        assert_eq!(text, r#"{"epoch":"00000000000000ab","offset":17}"#);
        assert_eq!(serde_json::from_str::<Position>(&text).unwrap(), position);
        let id = SessionId(1);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn only_whole_ids_are_read() {
        for text in ["", "ab", "+0000000000000ab", "00000000000000ag", "00000000000000abc"] {
            assert!(text.parse::<Epoch>().is_err(), "{text}");
        }
    }
}

//! Why a key can't be used, or a token not be made.

use std::fmt;

/// What is wrong with a key, a setting or a file, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// The secret has too few bytes for its algorithm.
    ShortSecret {
        /// How many it needs.
        bytes_min: usize,
    },
    /// A key that can't be used.
    Key(&'static str),
    /// More keys than there may be.
    Keys {
        /// How many there may be.
        keys_max: usize,
    },
    /// A key of which no algorithm is allowed, or an allowed algorithm that no key has.
    Algorithms(&'static str),
    /// Not an address that keys are fetched from.
    KeysUrl(&'static str),
    /// No requests can be made to fetch keys.
    Client(String),
    /// Too large a leeway.
    Leeway {
        /// How large it may be, in seconds.
        seconds_max: u64,
    },
    /// The file of revocations can't be used.
    File(String),
    /// The token could not be made.
    Sign,
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortSecret { bytes_min } => write!(
                f,
                "JWT_SECRET has fewer than {bytes_min} bytes and could be guessed; make one with `openssl rand -hex 32`"
            ),
            Self::Key(what) | Self::Algorithms(what) | Self::KeysUrl(what) => f.write_str(what),
            Self::Keys { keys_max } => write!(f, "more than {keys_max} keys: take out those that are used no more"),
            Self::Client(what) => write!(f, "keys can't be fetched: {what}"),
            Self::Leeway { seconds_max } => {
                write!(f, "a leeway above {seconds_max} s: set the machines' clocks instead (NTP)")
            }
            Self::File(what) => f.write_str(what),
            Self::Sign => f.write_str("the token could not be signed"),
        }
    }
}

impl std::error::Error for AuthError {}

//! How a connection ends other than by a close frame.

use std::{error::Error as StdError, fmt, io};

use super::violation::Violation;

/// What ends a connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke the protocol or a limit, and was told so.
    Violation(Violation),
    /// The peer ended the TCP connection without a close frame.
    Lost,
    /// The peer took nothing for `write_timeout_ms`.
    Stalled,
    /// The connection had ended before.
    Closed,
    /// What was to be sent may not be sent. The connection is as it was.
    Unsendable(&'static str),
    /// The socket failed.
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => write!(f, "the peer was closed with {}: {violation}", violation.close_code()),
            Self::Lost => f.write_str("the peer ended the connection without closing it"),
            Self::Stalled => f.write_str("the peer did not take what was sent"),
            Self::Closed => f.write_str("the connection has ended"),
            Self::Unsendable(why) => f.write_str(why),
            Self::Io(error) => write!(f, "the connection failed: {error}"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Violation(violation) => Some(violation),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

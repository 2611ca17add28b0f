//! What can go wrong for a host.

use std::error::Error as StdError;
use std::fmt;
use tidings_proto::code::Code;

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration contradicts itself or a limit; the message names the setting.
    Config,
    /// A name, an event or data is not of the form that the protocol allows.
    Input,
    /// There is no such thing: no session of this id is connected.
    NotFound,
    /// The data are larger than the namespace allows.
    TooLarge,
    /// A named limit is reached.
    Limit,
    /// The store cannot be opened, or has failed: nothing is certainly on disk. The message says what to do.
    Store,
    /// As much waits for the disk as may: try again later.
    Busy,
    /// The engine shuts down.
    Stopped,
    /// The engine was started outside a tokio runtime.
    Runtime,
}

/// An error of the engine: what kind, which code, and a message that tells what to do.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: Box<str>,
    retry_after_ms: Option<u64>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Box<str>>) -> Self {
        Self { kind, message: message.into(), retry_after_ms: None, source: None }
    }

    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    pub(crate) const fn with_retry_after_ms(mut self, retry_after_ms: Option<u64>) -> Self {
        self.retry_after_ms = retry_after_ms;
        self
    }

    /// When to try again, where that is known.
    #[must_use]
    pub const fn retry_after_ms(&self) -> Option<u64> {
        self.retry_after_ms
    }

    /// What kind of trouble it is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The code of the same trouble on the wire.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self.kind {
            ErrorKind::Config | ErrorKind::Runtime => Code::Internal,
            ErrorKind::Input => Code::BadRequest,
            ErrorKind::NotFound => Code::NotFound,
            ErrorKind::TooLarge => Code::TooLarge,
            ErrorKind::Limit => Code::Limit,
            ErrorKind::Busy => Code::Busy,
            ErrorKind::Stopped | ErrorKind::Store => Code::Unavailable,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

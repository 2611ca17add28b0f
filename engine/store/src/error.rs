//! What can go wrong with a store, and what its operator can do about it.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system failed a read or a write.
    Io,
    /// No space is left on the device, or a quota is used up.
    Full,
    /// The directory or a file in it may not be read or written.
    Denied,
    /// The path is not a directory, or not one of a store.
    NotAStore,
    /// No file descriptor is left.
    Descriptors,
    /// What is on disk is not what was written.
    Damaged,
    /// Another process has the store open.
    Locked,
    /// The store was written by a newer release.
    Version,
    /// The library below panicked.
    Panicked,
    /// The store did not open in time.
    Timeout,
    /// An earlier write or sync failed, so nothing more is written until the store is opened afresh.
    Poisoned,
    /// A key or value that no store takes.
    Refused,
}

impl ErrorKind {
    /// What to do next.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Io => "look for the device in the system's log, then start again",
            Self::Full => "make room on the device; a daemon that runs goes on by itself then",
            Self::Denied => "give the user that runs tidingsd the right to read and write the directory and its files",
            Self::NotAStore => "name the store's directory, or an empty one for a new store",
            Self::Descriptors => "raise the limit of open files (`ulimit -n`, LimitNOFILE)",
            Self::Damaged => {
                "stop the daemon; `tidingsd store check` tells what is lost and `tidingsd store compact` keeps what is \
                 whole, but where they cannot read the directory either, only a copy of it from before helps"
            }
            Self::Locked => "stop the process that has it open, or give this one another directory",
            Self::Version => "run the release that wrote it, or a newer one",
            Self::Panicked => {
                "open the store afresh; where that fails again, only a copy of the directory from before helps"
            }
            Self::Timeout => {
                "see that the device is alive and give a large store more time; if it never opens, restore the directory \
                 from a copy"
            }
            Self::Poisoned => "open the store afresh",
            Self::Refused => "lower the namespace's `data_bytes_max`",
        }
    }
}

/// Why a store did not do what it was asked to. Its text says what to do next.
#[derive(Debug, Clone)]
pub struct StoreError {
    kind: ErrorKind,
    what: String,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// An error of this kind; `what` says what happened, and to what.
    #[must_use]
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), source: None }
    }

    /// The same, with what caused it.
    #[must_use]
    pub fn because(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// A failure of the operating system while doing `what`.
    #[must_use]
    pub fn io(what: impl fmt::Display, error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::Full,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Denied,
            io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => ErrorKind::NotAStore,
            _ if matches!(error.raw_os_error(), Some(EMFILE | ENFILE)) => ErrorKind::Descriptors,
            _ => ErrorKind::Io,
        };
        Self::new(kind, format!("{what}: {error}")).because(error)
    }

    /// What kind of trouble it is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// The process has no file descriptor left; `std` has no name for it.
const EMFILE: i32 = 24;
/// The system has none left.
const ENFILE: i32 = 23;

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.kind.remedy())
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

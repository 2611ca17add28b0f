//! Calls of sled, whose panics become errors.

use crate::error::{ErrorKind, StoreError};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls sled. `what` says what for, in the words "could not {what}".
pub(crate) fn call<T>(what: &str, work: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, StoreError> {
    // After a panic sled is not written any more, and what is read carries checksums.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| translate(what, error)),
        Err(panic) => Err(panicked(what, &*panic)),
    }
}

/// Does something of sled's that has no result, such as closing it.
pub(crate) fn shrug(work: impl FnOnce()) {
    // It is given up in any case, and whether it ended well shows when it is opened again.
    let _ = catch_unwind(AssertUnwindSafe(work));
}

/// The error that a caught panic becomes.
pub(crate) fn panicked(what: &str, panic: &(dyn Any + Send)) -> StoreError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word");
    // A panic's message may go over many lines, and an error is one.
    let line = text.lines().next().unwrap_or_default();
    StoreError::new(ErrorKind::Panicked, format!("could not {what}: sled panicked: {line}"))
}

fn translate(what: &str, error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => {
            StoreError::new(ErrorKind::Locked, format!("could not {what}: another process has it")).because(error)
        }
        // A file that ends too early is a damaged one.
        sled::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => damaged(what, error),
        sled::Error::Io(error) => StoreError::io(format!("could not {what}"), error),
        other => damaged(what, other),
    }
}

fn damaged(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::new(ErrorKind::Damaged, format!("could not {what}: {error}")).because(error)
}

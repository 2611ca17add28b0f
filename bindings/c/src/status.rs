//! What a function returns, and the error that it fills in.

use std::borrow::Cow;
use std::ffi::c_char;
use tidings::error::{Error, ErrorKind};

/// What became of a call. Every function returns one of these as an `int32_t`; the numbers never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TidingsStatus {
    /// Done.
    Ok = 0,
    /// An argument cannot be: a pointer that must not be NULL, a text that is no UTF-8, a struct whose size is none.
    InvalidArgument = -1,
    /// The configuration contradicts itself or a limit; the message names the setting.
    Config = -2,
    /// A name, an event or data is not of the form that the protocol allows.
    Input = -3,
    /// There is no such thing.
    NotFound = -4,
    /// The data are larger than the namespace allows.
    TooLarge = -5,
    /// A named limit is reached.
    Limit = -6,
    /// The store cannot be opened, or has failed: nothing is certainly on disk.
    Store = -7,
    /// As much waits for the disk as may: try again later.
    Busy = -8,
    /// The engine shuts down, or has.
    Stopped = -9,
    /// The system has no thread, descriptor or memory for the engine.
    Runtime = -10,
    /// The id is none, or of something that is over: a question that was answered or came to its deadline, a session or a
    /// local connection that is gone.
    Stale = -11,
    /// The address cannot be listened on.
    Listen = -12,
    /// The library has failed inside; the engine answers `TIDINGS_STATUS_POISONED` from now on.
    Panic = -13,
    /// The library has failed inside before: stop and free the engine.
    Poisoned = -14,
    /// The process is a fork of the one that started the engine, whose threads are not here.
    Forked = -15,
    /// Called from a wake or release callback, which may call nothing.
    Reentrant = -16,
}

/// Bytes of an error's message, its end included.
pub const TIDINGS_ERROR_MESSAGE_BYTES: usize = 256;

/// What went wrong. The caller allocates it, sets `size` to `sizeof(tidings_error)` and hands it in, or NULL. It is written
/// when something went wrong, and left alone otherwise.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct TidingsError {
    /// `sizeof(tidings_error)`, set by the caller.
    pub size: u32,
    /// What the function returned: a `tidings_status`.
    pub status: i32,
    /// The same trouble as clients are told it: a `tidings_code`, or 0.
    pub code: i32,
    /// When to try again, in milliseconds; 0 where that is not known.
    pub retry_after_ms: u64,
    /// What is wrong and what to do, in UTF-8, ended by a zero byte.
    pub message: [c_char; TIDINGS_ERROR_MESSAGE_BYTES],
}

/// Why a call did not do what it should.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: TidingsStatus,
    pub(crate) code: i32,
    pub(crate) retry_after_ms: u64,
    pub(crate) message: Cow<'static, str>,
}

impl Failure {
    pub(crate) fn new(status: TidingsStatus, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code: 0, retry_after_ms: 0, message: message.into() }
    }

    pub(crate) fn argument(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(TidingsStatus::InvalidArgument, message)
    }

    pub(crate) fn stale(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(TidingsStatus::Stale, message)
    }

    /// The error as its caller gets it. The message is cut where it does not fit, at the end of a character.
    pub(crate) fn error(&self) -> TidingsError {
        let mut message = [0; TIDINGS_ERROR_MESSAGE_BYTES];
        let fits = |end: &usize| self.message.is_char_boundary(*end);
        let end = (0..TIDINGS_ERROR_MESSAGE_BYTES.min(self.message.len() + 1)).rev().find(fits).unwrap_or_default();
        for (to, from) in message.iter_mut().zip(self.message.as_bytes().iter().take(end)) {
            *to = from.cast_signed();
        }
        TidingsError {
            size: 0,
            status: self.status as i32,
            code: self.code,
            retry_after_ms: self.retry_after_ms,
            message,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Config => TidingsStatus::Config,
            ErrorKind::NotFound => TidingsStatus::NotFound,
            ErrorKind::TooLarge => TidingsStatus::TooLarge,
            ErrorKind::Limit => TidingsStatus::Limit,
            ErrorKind::Store => TidingsStatus::Store,
            ErrorKind::Busy => TidingsStatus::Busy,
            ErrorKind::Stopped => TidingsStatus::Stopped,
            ErrorKind::Runtime => TidingsStatus::Runtime,
            // A kind that is added later is told by its code.
            _ => TidingsStatus::Input,
        };
        Self {
            status,
            code: error.code().number().into(),
            retry_after_ms: error.retry_after_ms().unwrap_or_default(),
            message: error.to_string().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, TIDINGS_ERROR_MESSAGE_BYTES, TidingsStatus};

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let error = Failure::new(TidingsStatus::Input, "ü".repeat(TIDINGS_ERROR_MESSAGE_BYTES)).error();
        let bytes: Vec<u8> =
            error.message.iter().map(|byte| byte.cast_unsigned()).take_while(|byte| *byte != 0).collect();
        assert_eq!(String::from_utf8(bytes).unwrap(), "ü".repeat((TIDINGS_ERROR_MESSAGE_BYTES - 1) / 2));
        assert_eq!(error.message[TIDINGS_ERROR_MESSAGE_BYTES - 1], 0);
    }
}

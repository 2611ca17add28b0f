//! What a host does to sessions.

use crate::border;
use crate::engine::TidingsEngine;
use crate::memory::{text, wanted};
use crate::status::{Failure, TidingsError, TidingsStatus};
use std::ffi::c_char;
use std::mem::MaybeUninit;
use tidings::inspect::SessionId;

impl TidingsEngine {
    fn session(&self, session: u64) -> Result<SessionId, Failure> {
        self.parts().sessions.find(session).ok_or_else(|| Failure::stale("there is no session of this id any more"))
    }
}

/// Ends every session of a user: those that are connected with close code 3504, and those that wait for their clients to come
/// back. None of them can be resumed. `*count` (which may be NULL) becomes how many those were.
///
/// Thread: any. Blocks: no. Owner: the id is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_disconnect_user(
    engine: Option<&TidingsEngine>,
    user: *const c_char,
    user_len: usize,
    count: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_disconnect_user", engine, error, |engine| {
        // SAFETY: the caller's promise.
        let user = unsafe { text(user, user_len, "user") }?;
        let ended = engine.inner().disconnect_user(user);
        if let Some(count) = count {
            count.write(ended as u64);
        }
        Ok(())
    })
}

/// Ends a session: with close code 3504 if it is connected. It cannot be resumed.
///
/// Thread: any. Blocks: no. `TIDINGS_STATUS_STALE` or `TIDINGS_STATUS_NOT_FOUND`: it is over already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_disconnect_session(
    engine: Option<&TidingsEngine>,
    session: u64,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_disconnect_session", engine, error, |engine| {
        if engine.inner().disconnect_session(engine.session(session)?) {
            return Ok(());
        }
        Err(Failure::new(TidingsStatus::NotFound, "the session is over already"))
    })
}

/// Subscribes a connected session to a channel, whatever its user's own rights are. `*changed` (which may be NULL) becomes 1, or
/// 0 if it was subscribed already.
///
/// Thread: any. Blocks: no. Owner: the name is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_subscribe_session(
    engine: Option<&TidingsEngine>,
    session: u64,
    channel: *const c_char,
    channel_len: usize,
    changed: Option<&mut MaybeUninit<i32>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_subscribe_session", engine, error, |engine| {
        // SAFETY: the caller's promise.
        let channel = unsafe { text(channel, channel_len, "channel") }?;
        let has_changed = engine.inner().subscribe_session(engine.session(session)?, channel)?;
        if let Some(changed) = changed {
            changed.write(has_changed.into());
        }
        Ok(())
    })
}

/// Ends a connected session's part in a channel. `*changed` (which may be NULL) becomes 1, or 0 if it was not subscribed.
///
/// Thread: any. Blocks: no. Owner: the name is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_unsubscribe_session(
    engine: Option<&TidingsEngine>,
    session: u64,
    channel: *const c_char,
    channel_len: usize,
    changed: Option<&mut MaybeUninit<i32>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_unsubscribe_session", engine, error, |engine| {
        // SAFETY: the caller's promise.
        let channel = unsafe { text(channel, channel_len, "channel") }?;
        let has_changed = engine.inner().unsubscribe_session(engine.session(session)?, channel)?;
        if let Some(changed) = changed {
            changed.write(has_changed.into());
        }
        Ok(())
    })
}

/// Finds the session whose id on the wire, 32 hexadecimal digits, is `name`: `*session` becomes its number here.
///
/// Thread: any. Blocks: no. Owner: the name is copied. `TIDINGS_STATUS_NOT_FOUND`: there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_session_named(
    engine: Option<&TidingsEngine>,
    name: *const c_char,
    name_len: usize,
    session: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_session_named", engine, error, |engine| {
        let session = wanted(session, "session")?;
        // SAFETY: the caller's promise.
        let name = unsafe { text(name, name_len, "name") }?;
        let none = |_| Failure::new(TidingsStatus::Input, "a session's id on the wire has 32 hexadecimal digits");
        let id: SessionId = name.parse().map_err(none)?;
        if engine.inner().session(id).is_none() {
            return Err(Failure::new(TidingsStatus::NotFound, "there is no such session"));
        }
        session.write(engine.parts().sessions.number(id));
        Ok(())
    })
}

//! Revoking tokens.

use crate::border;
use crate::draft::{Draft, Numbers};
use crate::engine::TidingsEngine;
use crate::event::TidingsEventKind;
use crate::memory::{text, wanted};
use crate::requests::Telling;
use crate::status::{Failure, TidingsError};
use std::ffi::c_char;
use std::mem::MaybeUninit;

/// Revokes the token of this name (`admission->token`): nobody is admitted by it any more, and the sessions that were are closed
/// with 3506 and cannot be resumed. It is kept in memory until `until_s`, in seconds since 1970, or with 0 for good; say it again
/// after a start. The request `*request` is done when all have been told: `TIDINGS_EVENT_KIND_DONE`, `count` how many sessions.
///
/// Thread: any. Blocks: no. Owner: the name is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_revoke_token(
    engine: Option<&TidingsEngine>,
    name: *const c_char,
    name_len: usize,
    until_s: u64,
    request: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_revoke_token", engine, error, |engine| {
        let request = wanted(request, "request")?;
        // SAFETY: the caller's promise.
        let name = unsafe { text(name, name_len, "name") }?;
        if name.is_empty() {
            return Err(Failure::argument("`name` is empty"));
        }
        engine.parts().revoked.add_token(name, until_s)?;
        request.write(engine.end_revoked(None));
        Ok(())
    })
}

/// Revokes all tokens of a user that were issued (`admission->issued_s`) up to `issued_before_s`, in seconds since 1970, or with 0
/// up to now, and those that do not say when. Otherwise as `tidings_revoke_token`.
///
/// Thread: any. Blocks: no. Owner: the id is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_revoke_user(
    engine: Option<&TidingsEngine>,
    user: *const c_char,
    user_len: usize,
    issued_before_s: u64,
    until_s: u64,
    request: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_revoke_user", engine, error, |engine| {
        let request = wanted(request, "request")?;
        // SAFETY: the caller's promise.
        let user = unsafe { text(user, user_len, "user") }?;
        if user.is_empty() {
            return Err(Failure::argument("`user` is empty"));
        }
        engine.parts().revoked.add_user(user, issued_before_s, until_s)?;
        request.write(engine.end_revoked(Some(user.to_owned())));
        Ok(())
    })
}

impl TidingsEngine {
    fn end_revoked(&self, user: Option<String>) -> u64 {
        let engine = self.inner().clone();
        self.request(async move {
            let count = engine.end_revoked(user.as_deref()).await as u64;
            Ok(Box::new(move |id, tell: &mut dyn FnMut(&Draft<'_>)| {
                let numbers = Numbers { count, ..Numbers::default() };
                tell(&Draft { id, numbers, ..Draft::new(TidingsEventKind::Done) });
            }) as Telling)
        })
    }
}

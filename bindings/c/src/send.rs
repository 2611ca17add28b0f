//! Sending to users.

use crate::batch::TidingsBatch;
use crate::border;
use crate::draft::{Chunk, Draft, Numbers};
use crate::engine::TidingsEngine;
use crate::event::TidingsEventKind;
use crate::memory::{TidingsView, check_sized, put_sized, text, texts, wanted};
use crate::message::{self, TidingsMessage, TidingsSent, level};
use crate::requests::Telling;
use crate::status::TidingsError;
use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;

/// Sends an event to every device of a user: at once to those that are connected, and, where the engine keeps things on
/// disk, later to those that are not. `*sent` (which may be NULL) becomes what came of it.
///
/// Thread: any. Blocks: no. Owner: everything is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_send(
    engine: Option<&TidingsEngine>,
    user: *const c_char,
    user_len: usize,
    message: *const TidingsMessage,
    sent: *mut TidingsSent,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_send", engine, error, |engine| {
        // SAFETY: the caller's promise.
        let (user, (spoken, data)) = unsafe { (text(user, user_len, "user")?, message::read(message)?) };
        if !sent.is_null() {
            // SAFETY: the same.
            unsafe { check_sized(sent, "sent") }?;
        }
        let told = engine.inner().send_accepted(user, &spoken.with(&data))?;
        if sent.is_null() {
            return Ok(());
        }
        let told = TidingsSent { size: 0, level: level(told.level) as i32, sessions: told.sessions as u64 };
        // SAFETY: the same.
        unsafe { put_sized(sent, &told, "sent") }
    })
}

/// The same, and when it is on disk the request `*request` is done: `TIDINGS_EVENT_KIND_DONE`, `count` the user's sessions,
/// `detail` a `tidings_level`.
///
/// Thread: any. Blocks: no. Owner: everything is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_send_stored(
    engine: Option<&TidingsEngine>,
    user: *const c_char,
    user_len: usize,
    message: *const TidingsMessage,
    request: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_send_stored", engine, error, |engine| {
        let request = wanted(request, "request")?;
        // SAFETY: the caller's promise.
        let (user, (spoken, data)) = unsafe { (text(user, user_len, "user")?, message::read(message)?) };
        let stored = engine.inner().send_stored(user, &spoken.with(&data));
        request.write(engine.request(async move {
            let sent = stored.await?;
            Ok(Box::new(move |id, tell: &mut dyn FnMut(&Draft<'_>)| {
                let numbers = Numbers { count: sent.sessions as u64, ..Numbers::default() };
                let detail = level(sent.level) as i32;
                tell(&Draft { id, numbers, detail, ..Draft::new(TidingsEventKind::Done) });
            }) as Telling)
        }));
        Ok(())
    })
}

/// Sends one event to many users; its data are on disk once. `*sent` (which may be NULL) becomes to how many. Where full
/// inboxes refuse the sender, `*full` (which may be NULL) becomes a batch of `TIDINGS_EVENT_KIND_INBOX_FULL`, one for each of
/// them, or NULL. On an error those before the user at which it failed were sent to.
///
/// Thread: any. Blocks: no. Owner: everything is copied; the caller frees `*full`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_send_many(
    engine: Option<&TidingsEngine>,
    users: *const TidingsView,
    users_count: usize,
    message: *const TidingsMessage,
    sent: Option<&mut MaybeUninit<u64>>,
    full: Option<&mut MaybeUninit<*mut TidingsBatch>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_send_many", engine, error, |engine| {
        // SAFETY: the caller's promise.
        let (users, (spoken, data)) = unsafe { (texts(users, users_count, "users")?, message::read(message)?) };
        let told = engine.inner().send_to_each(&users, &spoken.with(&data))?;
        if let Some(sent) = sent {
            sent.write(told.sent as u64);
        }
        if let Some(full) = full {
            full.write(ptr::null_mut());
            let mut chunk = Chunk::default();
            told.full.iter().for_each(|at| chunk.push(&inbox_full(0, *at)));
            if !chunk.is_empty() {
                TidingsBatch::give(chunk, full);
            }
        }
        Ok(())
    })
}

/// The same, and when it is on disk the request `*request` is done: `TIDINGS_EVENT_KIND_INBOX_FULL` for each user whose inbox is
/// full and refuses the sender, then `TIDINGS_EVENT_KIND_DONE`, `count` to how many users it was sent.
///
/// Thread: any. Blocks: no. Owner: everything is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_send_many_stored(
    engine: Option<&TidingsEngine>,
    users: *const TidingsView,
    users_count: usize,
    message: *const TidingsMessage,
    request: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_send_many_stored", engine, error, |engine| {
        let request = wanted(request, "request")?;
        // SAFETY: the caller's promise.
        let (users, (spoken, data)) = unsafe { (texts(users, users_count, "users")?, message::read(message)?) };
        let stored = engine.inner().send_to_each_stored(&users, &spoken.with(&data));
        request.write(engine.request(async move {
            let told = stored.await?;
            Ok(Box::new(move |id, tell: &mut dyn FnMut(&Draft<'_>)| {
                told.full.iter().for_each(|at| tell(&inbox_full(id, *at)));
                let numbers = Numbers { count: told.sent as u64, ..Numbers::default() };
                tell(&Draft { id, numbers, ..Draft::new(TidingsEventKind::Done) });
            }) as Telling)
        }));
        Ok(())
    })
}

fn inbox_full(id: u64, at: usize) -> Draft<'static> {
    let numbers = Numbers { count: at as u64, ..Numbers::default() };
    Draft { id, numbers, ..Draft::new(TidingsEventKind::InboxFull) }
}

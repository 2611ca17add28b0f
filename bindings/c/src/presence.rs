//! Who is there.

use crate::batch::TidingsBatch;
use crate::border;
use crate::draft::{Chunk, Draft, Numbers, Texts};
use crate::engine::TidingsEngine;
use crate::event::TidingsEventKind as Kind;
use crate::memory::{TidingsView, text, texts, wanted};
use crate::present::present;
use crate::status::TidingsError;
use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;

/// Whether a user has a device that is there: connected, or lost for less than the grace. One that hides is. `*online` becomes
/// 1 or 0.
///
/// Thread: any. Blocks: no. Owner: the id is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_is_online(
    engine: Option<&TidingsEngine>,
    user: *const c_char,
    user_len: usize,
    online: Option<&mut MaybeUninit<i32>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_is_online", engine, error, |engine| {
        // SAFETY: the caller's promise.
        let user = unsafe { text(user, user_len, "user") }?;
        wanted(online, "online")?.write(engine.inner().is_user_online(user).into());
        Ok(())
    })
}

/// How present users are, all at the same moment: `*batch` becomes one `TIDINGS_EVENT_KIND_PRESENCE` for each, in the order in
/// which they are named.
///
/// Thread: any. Blocks: no. Owner: the ids are copied; the caller frees `*batch`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_presence(
    engine: Option<&TidingsEngine>,
    users: *const TidingsView,
    users_count: usize,
    batch: Option<&mut MaybeUninit<*mut TidingsBatch>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_presence", engine, error, |engine| {
        let batch = wanted(batch, "batch")?;
        batch.write(ptr::null_mut());
        // SAFETY: the caller's promise.
        let users = unsafe { texts(users, users_count, "users") }?;
        let mut chunk = Chunk::default();
        engine.inner().presence_of(&users).iter().for_each(|user| chunk.push(&present(user)));
        TidingsBatch::give(chunk, batch);
        Ok(())
    })
}

/// Who is in a channel as others see it, or with `list` 0 how many: `*batch` becomes one `TIDINGS_EVENT_KIND_MEMBER` for each who
/// is listed, then `TIDINGS_EVENT_KIND_DONE`: `count` how many there are, `detail` 1 if all of them are listed.
///
/// Thread: any. Blocks: no. Owner: the name is copied; the caller frees `*batch`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_channel_presence(
    engine: Option<&TidingsEngine>,
    channel: *const c_char,
    channel_len: usize,
    list: i32,
    batch: Option<&mut MaybeUninit<*mut TidingsBatch>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_channel_presence", engine, error, |engine| {
        let batch = wanted(batch, "batch")?;
        batch.write(ptr::null_mut());
        // SAFETY: the caller's promise.
        let channel = unsafe { text(channel, channel_len, "channel") }?;
        let there = engine.inner().channel_presence(channel, list != 0);
        let (mut chunk, mut out) = (Chunk::default(), Vec::new());
        for member in &there.members {
            let texts = Texts { user: &member.user, ..Texts::default() };
            let mut draft = Draft { texts, at_ms: member.at_ms, ..Draft::new(Kind::Member) };
            if let Some(info) = &member.info {
                (draft.codec, draft.texts.data) = engine.parts().requests.form().write(info, &mut out);
            }
            chunk.push(&draft);
        }
        let numbers = Numbers { count: there.count as u64, ..Numbers::default() };
        chunk.push(&Draft { numbers, detail: there.complete.into(), ..Draft::new(Kind::Done) });
        TidingsBatch::give(chunk, batch);
        Ok(())
    })
}

/// The sessions of a user, those included that wait for their clients to come back: `*batch` becomes one
/// `TIDINGS_EVENT_KIND_SESSION` for each, followed by one `TIDINGS_EVENT_KIND_SESSION_CHANNEL` for each of its channels.
///
/// Thread: any. Blocks: no. Owner: the id is copied; the caller frees `*batch`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_sessions(
    engine: Option<&TidingsEngine>,
    user: *const c_char,
    user_len: usize,
    batch: Option<&mut MaybeUninit<*mut TidingsBatch>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_sessions", engine, error, |engine| {
        let batch = wanted(batch, "batch")?;
        batch.write(ptr::null_mut());
        // SAFETY: the caller's promise.
        let user = unsafe { text(user, user_len, "user") }?;
        let mut chunk = Chunk::default();
        for view in engine.inner().sessions(user) {
            let session = engine.parts().sessions.number(view.session);
            let name = view.session.to_string();
            let device = view.device.as_deref().unwrap_or_default();
            let texts = Texts { user: &view.user, target: device, data: name.as_bytes(), ..Texts::default() };
            let numbers = Numbers { count: view.channels.len() as u64, ..Numbers::default() };
            let detail = view.connected.into();
            chunk.push(&Draft { session, texts, numbers, detail, ..Draft::new(Kind::Session) });
            for channel in &view.channels {
                let texts = Texts { target: channel, ..Texts::default() };
                chunk.push(&Draft { session, texts, ..Draft::new(Kind::SessionChannel) });
            }
        }
        TidingsBatch::give(chunk, batch);
        Ok(())
    })
}

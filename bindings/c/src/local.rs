//! What a host says and ends on local connections.

use crate::border;
use crate::engine::TidingsEngine;
use crate::memory::{bytes, wanted};
use crate::status::TidingsError;
use std::ffi::c_char;
use std::mem::MaybeUninit;
use tidings::Codec;

/// Opens a connection inside the process. What the engine sends to it comes as `TIDINGS_EVENT_KIND_LOCAL_FRAME`; when the engine
/// ends it, `TIDINGS_EVENT_KIND_LOCAL_CLOSED` comes. `*local` becomes its id.
///
/// Thread: any. Blocks: no. End it with `tidings_local_close`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_local_open(
    engine: Option<&TidingsEngine>,
    local: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_local_open", engine, error, |engine| {
        let local = wanted(local, "local")?;
        local.write(engine.parts().locals.open(engine.inner(), engine.handle())?);
        Ok(())
    })
}

/// Says something on a local connection: one or more frames of the protocol in JSON, one a line.
///
/// Thread: any. Blocks: no. Owner: the frames are copied. `TIDINGS_STATUS_STALE`: it was closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_local_send(
    engine: Option<&TidingsEngine>,
    local: u64,
    frames: *const c_char,
    frames_len: usize,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_local_send", engine, error, |engine| {
        // SAFETY: the caller's promise.
        let frames = unsafe { bytes(frames, frames_len, "frames") }?;
        engine.parts().locals.find(local)?.batch().message(Codec::Json, frames);
        Ok(())
    })
}

/// Ends a local connection. Frames of it that wait can still be polled; its id is stale.
///
/// Thread: any. Blocks: no. `TIDINGS_STATUS_STALE`: it was closed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_local_close(
    engine: Option<&TidingsEngine>,
    local: u64,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_local_close", engine, error, |engine| engine.parts().locals.end(local))
}

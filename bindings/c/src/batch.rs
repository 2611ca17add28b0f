//! Events in the host's hands: polled, read, freed.

use crate::border;
use crate::draft::Chunk;
use crate::engine::{Needs, TidingsEngine};
use crate::event::TidingsEvent;
use crate::memory::{put_sized, wanted};
use crate::queue::Polled;
use crate::ready::TidingsWake;
use crate::status::{Failure, TidingsError, TidingsStatus};
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

/// Some events, which belong to whoever got them.
#[derive(Debug)]
pub struct TidingsBatch(Chunk);

impl TidingsBatch {
    /// Hands events out.
    pub(crate) fn give(chunk: Chunk, batch: &mut MaybeUninit<*mut Self>) {
        batch.write(Box::into_raw(Box::new(Self(chunk))));
    }
}

/// Takes events that wait: at most some thousand, in the order in which they came. Where none waits, it waits for one for
/// `timeout_ms` (0: not at all; less than 0: as long as it takes), and `*batch` becomes NULL when none came. After the engine
/// was stopped, what waits is given out, and then `TIDINGS_STATUS_STOPPED` returned.
///
/// Thread: any, several at the same time too. Blocks: for `timeout_ms`. Owner: the caller, who frees `*batch` with
/// `tidings_batch_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_engine_poll(
    engine: Option<&TidingsEngine>,
    timeout_ms: i32,
    batch: Option<&mut MaybeUninit<*mut TidingsBatch>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter_if("tidings_engine_poll", engine, Needs::Whole, error, |engine| {
        let batch = wanted(batch, "batch")?;
        batch.write(ptr::null_mut());
        let patience = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        match engine.parts().queue.poll(patience) {
            Polled::Events(chunk) => TidingsBatch::give(chunk, batch),
            Polled::Nothing => {}
            Polled::Ended => {
                engine.check(Needs::Whole)?;
                return Err(Failure::new(TidingsStatus::Stopped, "the engine was stopped, and no event is left"));
            }
        }
        Ok(())
    })
}

/// A descriptor that can be read from (`POLLIN`) for as long as events wait, and after the engine was stopped: for poll, epoll,
/// libuv, asyncio and their like. Only wait on it; polling the engine until `*batch` is NULL makes it quiet.
///
/// Thread: any. Blocks: no. Owner: the engine; `*descriptor` is the same each time, and good until the engine is freed. Do not
/// read, write or close it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_engine_fd(
    engine: Option<&TidingsEngine>,
    descriptor: Option<&mut MaybeUninit<i32>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter_if("tidings_engine_fd", engine, Needs::Whole, error, |engine| {
        let descriptor = wanted(descriptor, "descriptor")?;
        let made = engine.parts().queue.descriptor();
        descriptor.write(made.map_err(|error| {
            Failure::new(TidingsStatus::Runtime, format!("no descriptor can be had: {error}; raise ulimit -n"))
        })?);
        Ok(())
    })
}

/// Has `wake` called with `context` when events begin to wait: once, and again after a poll has found none left. NULL ends
/// it: when this returns, what was set before is not running and will not be called. Where events wait already, nothing is called
/// for them: poll once after this.
///
/// Thread: any; `wake` is called from threads of the engine and from those that call the library. Blocks: until a `wake` that
/// is running returns. Owner: `context` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_engine_on_ready(
    engine: Option<&TidingsEngine>,
    wake: TidingsWake,
    context: *mut c_void,
    error: *mut TidingsError,
) -> i32 {
    border::enter_if("tidings_engine_on_ready", engine, Needs::Whole, error, |engine| {
        engine.parts().queue.ready().set_wake(wake, context);
        Ok(())
    })
}

/// Tells how many events a batch has: `*count`. NULL has none.
///
/// Thread: any, several at the same time too. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_batch_count(
    batch: Option<&TidingsBatch>,
    count: Option<&mut MaybeUninit<usize>>,
    error: *mut TidingsError,
) -> i32 {
    border::cross("tidings_batch_count", error, || {
        wanted(count, "count")?.write(batch.map_or(0, |batch| batch.0.len()));
        Ok(())
    })
}

/// Reads the event at place `index`, from 0. The caller has set `event->size`.
///
/// Thread: any, several at the same time too. Blocks: no. Owner: what the event's views point at is the batch's, and good
/// until that is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_batch_get(
    batch: Option<&TidingsBatch>,
    index: usize,
    event: *mut TidingsEvent,
    error: *mut TidingsError,
) -> i32 {
    border::cross("tidings_batch_get", error, || {
        let none = || Failure::new(TidingsStatus::NotFound, "the batch has no event at this place");
        let found = border::there(batch, "batch")?.0.get(index).ok_or_else(none)?;
        // SAFETY: the caller's promise, and the event is any bytes but for its size.
        unsafe { put_sized(event, &found, "event") }
    })
}

/// Frees a batch and sets `*batch` to NULL; the views of its events are no longer good. NULL, in either place, is nothing to
/// free. It may outlive its engine.
///
/// Thread: any, when no other call uses it. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_batch_free(batch: Option<&mut *mut TidingsBatch>) -> i32 {
    border::cross("tidings_batch_free", ptr::null_mut(), || {
        // SAFETY: it was given out by this library, and the caller uses it nowhere else.
        drop(batch.and_then(|batch| unsafe { border::give_back(batch) }));
        Ok(())
    })
}

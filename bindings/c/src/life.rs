//! The life of an engine: started, drained, stopped, freed.

use crate::border;
use crate::config::TidingsConfig;
use crate::engine::{Needs, TidingsEngine};
use crate::memory::wanted;
use crate::status::TidingsError;
use std::mem::{self, MaybeUninit};
use std::time::Duration;

/// The longest patience that clocks can add up, ten years, in milliseconds.
const PATIENCE_MS_MAX: u64 = 10 * 365 * 86_400_000;

fn patience(ms: u64) -> Duration {
    Duration::from_millis(ms.min(PATIENCE_MS_MAX))
}

/// Starts an engine. Where `store.path` is set, the store there is opened, which may take a while.
///
/// Thread: any. Blocks: while the store is opened. Owner: the configuration stays the caller's and may be freed or used again;
/// the caller frees `*engine` with `tidings_engine_free`. After a fork an engine works in the process alone that started it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_engine_start(
    config: Option<&TidingsConfig>,
    engine: Option<&mut MaybeUninit<*mut TidingsEngine>>,
    error: *mut TidingsError,
) -> i32 {
    border::cross("tidings_engine_start", error, || {
        let engine = wanted(engine, "engine")?;
        let settings = border::there(config, "config")?.settings()?;
        engine.write(Box::into_raw(Box::new(TidingsEngine::start(&settings)?)));
        Ok(())
    })
}

/// Tells what an engine is doing: `*state` becomes a `tidings_state`.
///
/// Thread: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_engine_state(
    engine: Option<&TidingsEngine>,
    state: Option<&mut MaybeUninit<i32>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter_if("tidings_engine_state", engine, Needs::Nothing, error, |engine| {
        wanted(state, "state")?.write(engine.state());
        Ok(())
    })
}

/// Begins to stop an engine without waiting: it takes no more connections, tells each client when to come back, and lets what
/// waits for them leave. When all are gone or `patience_ms` is over, the request `*request` is done: `TIDINGS_EVENT_KIND_DONE`,
/// `count` the sessions that are still there. Then stop it.
///
/// Thread: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_engine_drain(
    engine: Option<&TidingsEngine>,
    patience_ms: u64,
    request: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_engine_drain", engine, error, |engine| {
        let request = wanted(request, "request")?;
        request.write(engine.drain(patience(patience_ms)));
        Ok(())
    })
}

/// Stops an engine: takes no more connections, tells each client when to come back, lets what waits for them leave, for at most
/// `patience_ms`; then what waits for the disk is written, and the threads end. `*left` (which may be NULL) becomes how many
/// sessions were still there. What waits can be polled after it. An engine that was stopped is not stopped twice: that is
/// no error.
///
/// Thread: any but a callback. Other threads that poll are woken. Blocks: for up to twice `patience_ms`, and up to
/// 30 s for a disk that does not answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_engine_stop(
    engine: Option<&TidingsEngine>,
    patience_ms: u64,
    left: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter_if("tidings_engine_stop", engine, Needs::Nothing, error, |engine| {
        let count = engine.stop(patience(patience_ms));
        if let Some(left) = left {
            left.write(count as u64);
        }
        Ok(())
    })
}

/// Frees an engine and sets `*engine` to NULL. NULL, in either place, is nothing to free. An engine that was not stopped is
/// stopped first, without patience. Batches are their owner's and stay. In a fork of the process that started it, what it holds
/// is left alone, and `TIDINGS_STATUS_FORKED` is returned.
///
/// Thread: any, when no other call uses it. Blocks: no, if it was stopped; else as `tidings_engine_stop`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_engine_free(engine: Option<&mut *mut TidingsEngine>) -> i32 {
    border::cross("tidings_engine_free", std::ptr::null_mut(), || {
        // SAFETY: it is from `tidings_engine_start`, and the caller uses it nowhere else.
        let Some(engine) = engine.and_then(|engine| unsafe { border::give_back(engine) }) else { return Ok(()) };
        if let Err(failure) = engine.check(Needs::Nothing) {
            // Its threads are in another process, so nothing of it would end here.
            mem::forget(engine);
            return Err(failure);
        }
        engine.stop(Duration::ZERO);
        Ok(())
    })
}

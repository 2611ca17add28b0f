//! The border: every function crosses it, and no panic does.

use crate::engine::{Needs, TidingsEngine};
use crate::memory::{check_sized, put_sized};
use crate::reentry::is_inside;
use crate::status::{Failure, TidingsError, TidingsStatus};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{mem, ptr};

/// Carries out a call that has to do with no engine.
pub(crate) fn cross(name: &str, error: *mut TidingsError, body: impl FnOnce() -> Result<(), Failure>) -> i32 {
    answer(error, || {
        if is_inside() {
            return Err(reentrant());
        }
        guarded(name, body)
    })
}

/// Carries out a call of a running engine.
pub(crate) fn enter(
    name: &str,
    engine: Option<&TidingsEngine>,
    error: *mut TidingsError,
    body: impl FnOnce(&TidingsEngine) -> Result<(), Failure>,
) -> i32 {
    enter_if(name, engine, Needs::Running, error, body)
}

/// The same of an engine that need not be running.
pub(crate) fn enter_if(
    name: &str,
    engine: Option<&TidingsEngine>,
    needs: Needs,
    error: *mut TidingsError,
    body: impl FnOnce(&TidingsEngine) -> Result<(), Failure>,
) -> i32 {
    answer(error, || {
        if is_inside() {
            return Err(reentrant());
        }
        let engine = there(engine, "engine")?;
        engine.check(needs)?;
        let done = guarded(name, || body(engine));
        if matches!(&done, Err(failure) if failure.status == TidingsStatus::Panic) {
            engine.poison();
        }
        done
    })
}

/// Something of the caller's that must be there.
pub(crate) fn there<'a, T>(pointer: Option<&'a T>, name: &'static str) -> Result<&'a T, Failure> {
    pointer.ok_or_else(|| Failure::argument(format!("`{name}` is NULL")))
}

/// Takes back what was handed out by `Box::into_raw`, and leaves NULL in its place.
///
/// # Safety
/// It was, and is used nowhere else.
pub(crate) unsafe fn give_back<T>(pointer: &mut *mut T) -> Option<Box<T>> {
    let pointer = mem::replace(pointer, ptr::null_mut());
    // SAFETY: the caller's promise.
    (!pointer.is_null()).then(|| unsafe { Box::from_raw(pointer) })
}

fn reentrant() -> Failure {
    Failure::new(
        TidingsStatus::Reentrant,
        "a wake or release callback may call nothing: let it wake your loop, and call from there",
    )
}

fn guarded(name: &str, body: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let called = catch_unwind(AssertUnwindSafe(|| {
        planted(name);
        body()
    }));
    called.unwrap_or_else(|_| {
        let text =
            "the library has failed inside, which is a bug of it: stop and free the engine, and report what it wrote";
        Err(Failure::new(TidingsStatus::Panic, text))
    })
}

/// Panics where a test wants it.
#[cfg(feature = "planted-panics")]
fn planted(name: &str) {
    let is_planted = std::env::var("TIDINGS_PLANTED_PANIC").is_ok_and(|planted| planted == name);
    assert!(!is_planted, "planted in {name}");
}

#[cfg(not(feature = "planted-panics"))]
const fn planted(_: &str) {}

fn answer(error: *mut TidingsError, call: impl FnOnce() -> Result<(), Failure>) -> i32 {
    if !error.is_null() {
        // SAFETY: the caller promises that what is not NULL begins with its size.
        if unsafe { check_sized(error, "error") }.is_err() {
            return TidingsStatus::InvalidArgument as i32;
        }
    }
    match call() {
        Ok(()) => TidingsStatus::Ok as i32,
        Err(failure) => {
            if !error.is_null() {
                // SAFETY: it was looked at before the call. What it cannot hold was found out then.
                let _ = unsafe { put_sized(error, &failure.error(), "error") };
            }
            failure.status as i32
        }
    }
}

//! Functions of the host's that the engine calls, from wherever it is: they may call nothing back.

use std::cell::Cell;

thread_local! {
    /// Whether this thread is inside one.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Whether the caller is such a function.
pub(crate) fn is_inside() -> bool {
    INSIDE.get()
}

/// Calls one.
pub(crate) fn call(function: impl FnOnce()) {
    // It may be called inside another: a callback that lets go of a buffer.
    let before = INSIDE.replace(true);
    function();
    INSIDE.set(before);
}

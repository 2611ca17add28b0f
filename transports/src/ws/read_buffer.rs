//! One read buffer for each thread, so that none is held for each connection.

use std::cell::Cell;

/// What one read may bring.
const READ_BYTES: usize = 64 * 1024;

thread_local! {
    static BUFFER: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Lends out this thread's buffer. Whoever asks inside `work` again gets another one, which is thrown away after.
pub(crate) fn with_read_buffer<R>(work: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut buffer = BUFFER.take().unwrap_or_else(|| vec![0; READ_BYTES].into_boxed_slice());
    let result = work(&mut buffer);
    BUFFER.set(Some(buffer));
    result
}

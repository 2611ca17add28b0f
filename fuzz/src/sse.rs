//! The address and the header of a request for server-sent events.

/// The query, a NUL, `Last-Event-ID`, a NUL, `Authorization`.
pub fn run(bytes: &[u8]) {
    #[cfg(fuzzing)]
    tidings_transports::fuzzing::sse(bytes);
    #[cfg(not(fuzzing))]
    let _ = bytes;
}

//! What proxies, and clients that would be one, say of where a request came from.

/// Lines of a header, each behind a byte that says which one it is.
pub fn run(bytes: &[u8]) {
    #[cfg(fuzzing)]
    tidings_transports::fuzzing::forwarded(bytes);
    #[cfg(not(fuzzing))]
    let _ = bytes;
}

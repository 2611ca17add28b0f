//! A stream on disk against its model, with failures and crashes.

/// The bytes are the chance by which it is chosen what happens.
pub fn run(bytes: &[u8]) {
    #[cfg(fuzzing)]
    tidings_core::fuzzing::durable(bytes);
    #[cfg(not(fuzzing))]
    let _ = bytes;
}

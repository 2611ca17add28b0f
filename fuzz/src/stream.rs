//! A stream in memory against its model.

/// The bytes are the chance by which it is chosen what happens.
pub fn run(bytes: &[u8]) {
    #[cfg(fuzzing)]
    tidings_core::fuzzing::stream(bytes);
    #[cfg(not(fuzzing))]
    let _ = bytes;
}

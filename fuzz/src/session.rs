//! A session against random frames, answers and looks at the clock.

/// The bytes are the chance by which it is chosen what happens.
pub fn run(bytes: &[u8]) {
    #[cfg(fuzzing)]
    tidings_core::fuzzing::session(bytes);
    #[cfg(not(fuzzing))]
    let _ = bytes;
}

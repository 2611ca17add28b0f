//! What an application answers to the hook.

/// The question, and the answer's body.
pub fn run(bytes: &[u8]) {
    #[cfg(fuzzing)]
    tidings_hook::fuzzing::answer(bytes);
    #[cfg(not(fuzzing))]
    let _ = bytes;
}

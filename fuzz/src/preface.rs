//! The PROXY protocol, over a socket.

/// Where the bytes are torn, and what a connection begins with.
pub fn run(bytes: &[u8]) {
    #[cfg(fuzzing)]
    tidings_transports::fuzzing::preface(bytes);
    #[cfg(not(fuzzing))]
    let _ = bytes;
}

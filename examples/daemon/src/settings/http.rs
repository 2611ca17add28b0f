//! What HTTP and WebSocket peers are held to before and below the protocol.

use serde::{Deserialize, Serialize};
use tidings_transports::Limits;

/// The settings of the section `http`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    /// Connections beyond `limits.connections_max`, for everything that is not a WebSocket.
    pub(crate) connections_spare: usize,
    /// Time for a request's header to arrive.
    pub(crate) handshake_timeout_ms: u64,
    /// Bytes of a request's header.
    pub(crate) header_bytes_max: usize,
    /// Fields of a request's header.
    pub(crate) headers_max: usize,
    /// Frames that one message may be cut into.
    pub(crate) fragments_max: u32,
    /// Time from a message's first byte to its last.
    pub(crate) message_timeout_ms: u64,
    /// Time in which nothing leaves of an answer that waits.
    pub(crate) write_timeout_ms: u64,
    /// Time for connections to end when the server stops.
    pub(crate) drain_timeout_ms: u64,
}

impl Default for Http {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            connections_spare: 1_000,
            handshake_timeout_ms: limits.handshake_timeout_ms,
            header_bytes_max: limits.header_bytes_max,
            headers_max: limits.headers_max,
            fragments_max: limits.fragments_max,
            message_timeout_ms: limits.message_timeout_ms,
            write_timeout_ms: limits.write_timeout_ms,
            drain_timeout_ms: 10_000,
        }
    }
}

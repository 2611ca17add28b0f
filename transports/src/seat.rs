//! A place among the connections that one listener may serve.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One of `connections_max` places. Whoever holds a clone keeps it taken; it's free again when the last one is dropped.
///
/// A connection that is upgraded leaves the HTTP server but not the limit, so its seat goes with it: by the request's
/// extensions to the handshake, and from there to whoever holds the socket.
#[derive(Clone, Debug)]
pub struct Seat {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Seat {
    /// Takes a place, if there is one.
    pub(crate) fn take(seats: &Arc<Semaphore>) -> Option<Self> {
        let permit = Arc::clone(seats).try_acquire_owned().ok()?;
        Some(Self { _permit: Arc::new(permit) })
    }
}

//! A place among the connections that one listener may serve.

use std::sync::{Arc, OnceLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::visitors::Guest;

/// One of `connections_max` places. Whoever holds a clone keeps it taken; it's free again when the last one is dropped.
///
/// A connection that is upgraded leaves the HTTP server but not the limit, so its seat goes with it: by the request's
/// extensions to the handshake, and from there to whoever holds the socket.
#[derive(Clone, Debug)]
pub struct Seat {
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    _permit: OwnedSemaphorePermit,
    /// Its place among those of its address, once that is known.
    guest: OnceLock<Guest>,
}

impl Seat {
    /// Takes a place, if there is one.
    pub(crate) fn take(seats: &Arc<Semaphore>) -> Option<Self> {
        let permit = Arc::clone(seats).try_acquire_owned().ok()?;
        Some(Self { held: Arc::new(Held { _permit: permit, guest: OnceLock::new() }) })
    }

    /// It counts for an address as well.
    pub(crate) fn seat_guest(&self, guest: Guest) {
        // A connection has one address, and is asked for it once.
        let _ = self.held.guest.set(guest);
    }
}

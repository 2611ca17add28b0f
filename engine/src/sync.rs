//! Taking locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. A panic under a lock ends the session or the channel it hit by being reported there; what the lock guards is
/// consistent between any two of its fields' updates as far as memory goes, so others go on with it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Whether this process is the one that an engine was started in.
//!
//! A fork has the engine's memory and none of its threads: locks may be held by nobody, and what waits for a thread waits
//! for ever. So functions ask here first. Asking the system for the process's number would cost a tenth of a publication.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often this process was forked off another, since the library was first used.
static FORKS: AtomicU64 = AtomicU64::new(0);

static WATCHED: Once = Once::new();

extern "C" fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Counts forks from now on.
pub(crate) fn watch() {
    WATCHED.call_once(|| {
        // SAFETY: `forked` may run in a child of a process with many threads: it touches nothing but an atomic number. It
        // lives as long as the library, whose handlers the system forgets when it is unloaded.
        let failed = unsafe { libc::pthread_atfork(None, None, Some(forked)) };
        if failed != 0 {
            tracing::warn!("forks of this process cannot be noticed: there is no memory for it");
        }
    });
}

/// A number that differs in a fork.
pub(crate) fn count() -> u64 {
    FORKS.load(Ordering::Relaxed)
}

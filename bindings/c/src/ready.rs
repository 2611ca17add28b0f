//! How a host's own loop finds out that events wait: a descriptor, or a call that carries nothing.

use crate::reentry;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::{Errno, read, write};
use std::ffi::c_void;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Called when events begin to wait, from whatever thread made them. It carries nothing: poll for them. It must not wait, must
/// not call the library, and is never called twice at the same time.
pub type TidingsWake = Option<unsafe extern "C" fn(context: *mut c_void)>;

/// What a host waits on.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    bell: OnceLock<Bell>,
    wake: Mutex<Option<Wake>>,
}

/// A descriptor that is readable while it rings.
#[derive(Debug)]
struct Bell {
    reads: OwnedFd,
    /// The other end, where the two differ.
    writes: Option<OwnedFd>,
}

#[derive(Debug)]
struct Wake {
    call: unsafe extern "C" fn(context: *mut c_void),
    context: *mut c_void,
}

// SAFETY: the header says that the function is called from any thread, with this context.
unsafe impl Send for Wake {}

impl Bell {
    #[cfg(target_os = "linux")]
    fn new() -> io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        Ok(Self { reads: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?, writes: None })
    }

    #[cfg(not(target_os = "linux"))]
    fn new() -> io::Result<Self> {
        use rustix::fs::{OFlags, fcntl_setfl};
        use rustix::io::{FdFlags, fcntl_setfd};
        let (reads, writes) = rustix::pipe::pipe()?;
        for end in [&reads, &writes] {
            fcntl_setfd(end, FdFlags::CLOEXEC)?;
            fcntl_setfl(end, OFlags::NONBLOCK)?;
        }
        Ok(Self { reads, writes: Some(writes) })
    }

    fn ring(&self) {
        // A counter or a pipe that is full rings already.
        let _ = write(self.writes.as_ref().unwrap_or(&self.reads), &1_u64.to_ne_bytes());
    }

    fn hush(&self) {
        let mut bytes = [0; 64];
        while matches!(read(&self.reads, &mut bytes), Ok(1..) | Err(Errno::INTR)) {
            if self.writes.is_none() {
                break;
            }
        }
    }
}

impl Ready {
    /// The descriptor, which is made when it is first wanted.
    pub(crate) fn descriptor(&self, rings: bool) -> io::Result<i32> {
        if let Some(bell) = self.bell.get() {
            return Ok(bell.reads.as_raw_fd());
        }
        let bell = Bell::new()?;
        if rings {
            bell.ring();
        }
        Ok(self.bell.get_or_init(|| bell).reads.as_raw_fd())
    }

    pub(crate) fn raise(&self) {
        self.bell.get().into_iter().for_each(Bell::ring);
    }

    pub(crate) fn lower(&self) {
        self.bell.get().into_iter().for_each(Bell::hush);
    }

    /// Calls this from now on. When it returns, what was called before is not called any more.
    pub(crate) fn set_wake(&self, wake: TidingsWake, context: *mut c_void) {
        let wake = wake.map(|call| Wake { call, context });
        *self.wake.lock().unwrap_or_else(PoisonError::into_inner) = wake;
    }

    /// Calls the host, if it wants to be called.
    pub(crate) fn call(&self) {
        let wake = self.wake.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Wake { call, context }) = &*wake else { return };
        // SAFETY: the host gave the function to be called so, and is told when that ends.
        reentry::call(|| unsafe { call(*context) });
    }
}

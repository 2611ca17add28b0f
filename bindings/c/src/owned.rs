//! Bytes of the host's that the engine keeps.

use crate::memory::{TidingsView, bytes};
use crate::reentry;
use crate::status::Failure;
use std::ffi::c_void;

/// Called when the engine needs a buffer no more, once, from whatever thread was last to need it. It must not call the
/// library.
pub type TidingsRelease = Option<unsafe extern "C" fn(context: *mut c_void)>;

/// A buffer of the host's, which is released when this is dropped.
#[derive(Debug)]
pub(crate) struct Owned {
    held: &'static [u8],
    release: TidingsRelease,
    context: *mut c_void,
}

// SAFETY: the header says that the buffer is not written to while it is here, and that it is released from any thread.
unsafe impl Send for Owned {}

impl Owned {
    /// Nothing yet, to be released all the same.
    pub(crate) const fn new(release: TidingsRelease, context: *mut c_void) -> Self {
        Self { held: &[], release, context }
    }

    /// Holds these bytes.
    ///
    /// # Safety
    /// They stay until they are released, and nobody writes to them.
    pub(crate) unsafe fn hold(&mut self, view: TidingsView) -> Result<(), Failure> {
        // SAFETY: they stay for as long as this, and this gives them out for no longer than it lives.
        self.held = unsafe { bytes(view.data, view.len, "message->data") }?;
        Ok(())
    }
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        self.held
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let Some(release) = self.release.take() else { return };
        // SAFETY: the host gave the function to be called so, once.
        reentry::call(|| unsafe { release(self.context) });
    }
}

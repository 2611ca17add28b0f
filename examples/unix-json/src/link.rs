//! The half that leaves.

use rustix::net::{Shutdown, shutdown};
use std::io::{self, IoSlice};
use std::task::{Context, Poll};
use tidings::link::{Link, WireForm};
use tokio::net::UnixStream;

/// A socket that the engine writes to while a task reads from it.
pub(crate) struct UnixLink(pub(crate) UnixStream);

impl Link for UnixLink {
    fn form(&self) -> WireForm {
        WireForm::JsonLines
    }

    fn try_write_vectored(&self, frames: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(frames)
    }

    fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_write_ready(context)
    }

    fn finish(&self) {
        // It fails when the other side has gone, and then the reader sees that by itself. So it is below.
        let _ = shutdown(&self.0, Shutdown::Write);
    }

    fn abort(&self) {
        let _ = shutdown(&self.0, Shutdown::Both);
    }
}

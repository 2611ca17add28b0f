//! How an outbox's bytes leave: what a new transport implements.
//!
//! A transport is two halves. The half that leaves is a [`Link`]: the engine hands it rendered frames whenever there are
//! some, from whatever thread has them. The half that comes in is the transport's own task: it reads, finds the borders
//! of messages, and feeds them to the [`Port`](crate::port::Port) that [`Engine::open`](crate::Engine::open) returned.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};
pub use tidings_proto::wire::WireForm;

/// The outgoing half of a connection. Calls come from any thread, one at a time for each link.
pub trait Link: Send + Sync + 'static {
    /// The form in which frames are rendered for this link. The same for as long as it lives.
    fn form(&self) -> WireForm;

    /// Writes as much as the other side takes now, without waiting, and returns how many bytes that were. The slices
    /// hold whole frames, or what is left of one.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when nothing can be written now: the engine then waits by
    /// [`Link::poll_writable`]. Any other error ends the connection.
    fn try_write_vectored(&self, frames: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Waits until writing may succeed again. Polled by one task at a time.
    ///
    /// # Errors
    /// An error ends the connection.
    fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Whether the client answers pings. Where it can't, as a browser's `EventSource`, it is pinged all the same, so that it
    /// knows that the server lives, and whoever made the link sees to it that one that is gone is found: by the socket,
    /// which gives up when nobody acknowledges what it sends.
    fn answers_pings(&self) -> bool {
        true
    }

    /// The session's token was not taken, and the connection is about to end: for transports that count who tries too often.
    fn refused(&self) {}

    /// Everything was written and nothing will follow: tell the other side, and go on reading until it closes too.
    fn finish(&self);

    /// End the connection now, in both directions, so that the task that reads from it ends as well.
    fn abort(&self);
}

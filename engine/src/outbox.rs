//! What waits for one connection's socket: frames already rendered, bounded in bytes and in pieces.
//!
//! The lock of an outbox is a leaf: nothing is locked under it, and nothing is written under it.

use crate::link::Link;
use crate::sync::lock;
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::mem;
use std::sync::{Arc, Mutex};
use tidings_core::stream::Subscriber;
use tidings_proto::id::SessionId;
use tidings_proto::wire::WireForm;

/// Most slices in one vectored write. More than that wait for the next.
const SLICES_MAX: usize = 64;

/// What an outbox may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutboxLimits {
    pub(crate) bytes_max: usize,
    pub(crate) pieces_max: usize,
}

/// The outbox of one connection.
pub(crate) struct Outbox {
    session: SessionId,
    form: WireForm,
    home: u8,
    link: Arc<dyn Link>,
    queue: Mutex<Queue>,
}

/// What became of frames that were pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// They wait, and somebody is on the way to flush them already; or the connection is over.
    Waiting,
    /// They wait, and whoever pushed them sees to it that [`Outbox::flush`] is called.
    Dirty,
    /// There is no room. A later flush will answer [`Flushed::room_again`].
    Full,
}

/// How a flush ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flushed {
    /// The socket takes no more: wait until it is writable, then call [`Outbox::unblock`].
    pub(crate) blocked: bool,
    /// Something was refused for want of room, and there is room now.
    pub(crate) room_again: bool,
    /// Bytes that left.
    pub(crate) bytes: usize,
}

#[derive(Default)]
struct Queue {
    pieces: Pieces,
    /// Of `pieces` and of whatever is being written.
    bytes: usize,
    /// Somebody is on the way to flush.
    dirty: bool,
    /// Somebody writes.
    writing: bool,
    /// The socket would block, somebody waits for it.
    blocked: bool,
    /// Something was refused for want of room.
    refused: bool,
    /// Nothing is taken any more; when all is written the link is finished.
    closing: bool,
    /// The link is of no use any more.
    closed: bool,
}

impl Outbox {
    pub(crate) fn new(session: SessionId, home: u8, link: Arc<dyn Link>) -> Self {
        Self { session, form: link.form(), home, link, queue: Mutex::default() }
    }

    pub(crate) const fn session(&self) -> SessionId {
        self.session
    }

    pub(crate) const fn session_ref(&self) -> &SessionId {
        &self.session
    }

    /// Which flusher serves this outbox.
    pub(crate) fn home(&self) -> usize {
        usize::from(self.home)
    }

    pub(crate) fn link(&self) -> &dyn Link {
        &*self.link
    }

    /// Takes rendered frames if there is room. An empty outbox takes one piece of any size.
    pub(crate) fn push(&self, frames: Bytes, limits: OutboxLimits) -> Pushed {
        let mut queue = lock(&self.queue);
        if queue.closing || queue.closed || frames.is_empty() {
            return Pushed::Waiting;
        }
        let too_many = queue.bytes + frames.len() > limits.bytes_max || queue.pieces.count() >= limits.pieces_max;
        if queue.bytes > 0 && too_many {
            queue.refused = true;
            return Pushed::Full;
        }
        queue.append(frames)
    }

    /// Whether it is worth while to read for this connection: at least half of its room is free. If not, a later flush
    /// will answer [`Flushed::room_again`]; never for one that is over.
    pub(crate) fn wants_more(&self, limits: OutboxLimits) -> bool {
        let mut queue = lock(&self.queue);
        let has_room = queue.bytes == 0 || queue.bytes * 2 < limits.bytes_max;
        queue.refused |= !has_room;
        has_room && !queue.closing && !queue.closed
    }

    /// Takes the last frames of the connection, and nothing after them. With `at_once`, what waits before them is
    /// given up, but for a piece of which some has left already.
    pub(crate) fn push_last(&self, frames: Bytes, at_once: bool) -> Pushed {
        let mut queue = lock(&self.queue);
        if queue.closing || queue.closed {
            return Pushed::Waiting;
        }
        if at_once {
            queue.pieces.rest = None;
            queue.bytes = queue.pieces.first.len();
        }
        queue.closing = true;
        queue.append(frames)
    }

    /// Whether nothing can leave any more.
    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.queue).closed
    }

    /// Whether the last frames were taken.
    pub(crate) fn is_closing(&self) -> bool {
        let queue = lock(&self.queue);
        queue.closing || queue.closed
    }

    /// Bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        lock(&self.queue).bytes
    }

    /// The socket is writable again, or was never blocked: writes what waits.
    pub(crate) fn unblock(&self, limits: OutboxLimits) -> Flushed {
        lock(&self.queue).blocked = false;
        self.flush(limits)
    }

    /// Gives up all that waits.
    pub(crate) fn shut(&self) {
        let mut queue = lock(&self.queue);
        *queue = Queue { closed: true, writing: queue.writing, ..Queue::default() };
    }

    /// Writes what waits, until nothing does or the socket would block. Does nothing while another thread writes or the
    /// socket is known to block: whoever writes looks again.
    pub(crate) fn flush(&self, limits: OutboxLimits) -> Flushed {
        let mut flushed = Flushed::default();
        loop {
            let mut pieces = {
                let mut queue = lock(&self.queue);
                queue.dirty = false;
                if queue.writing || queue.blocked || queue.closed {
                    return flushed;
                }
                if queue.pieces.first.is_empty() {
                    flushed.room_again |= std::mem::take(&mut queue.refused);
                    if queue.closing {
                        queue.closed = true;
                        drop(queue);
                        self.link.finish();
                    }
                    return flushed;
                }
                queue.writing = true;
                mem::take(&mut queue.pieces)
            };
            let (bytes, result) = self.write(&mut pieces);
            flushed.bytes += bytes;
            let mut queue = lock(&self.queue);
            queue.writing = false;
            if queue.closed {
                return flushed;
            }
            queue.put_back(pieces, bytes);
            if let Err(error) = result {
                if error.kind() == io::ErrorKind::WouldBlock {
                    queue.blocked = true;
                    flushed.blocked = true;
                    if queue.refused && queue.bytes * 2 < limits.bytes_max {
                        queue.refused = false;
                        flushed.room_again = true;
                    }
                    return flushed;
                }
                *queue = Queue { closed: true, ..Queue::default() };
                drop(queue);
                self.link.abort();
                return flushed;
            }
        }
    }

    /// Writes until nothing is left or the link takes no more. Returns how many bytes left.
    fn write(&self, pieces: &mut Pieces) -> (usize, io::Result<()>) {
        let mut total = 0;
        while !pieces.first.is_empty() {
            let result = match &pieces.rest {
                None => self.link.try_write_vectored(&[IoSlice::new(&pieces.first)]),
                Some(rest) => {
                    let mut slices = [IoSlice::new(&[]); SLICES_MAX];
                    slices[0] = IoSlice::new(&pieces.first);
                    let mut count = 1;
                    for (slot, piece) in slices[1..].iter_mut().zip(rest.iter()) {
                        *slot = IoSlice::new(piece);
                        count += 1;
                    }
                    self.link.try_write_vectored(&slices[..count])
                }
            };
            match result {
                Ok(0) => return (total, Err(io::ErrorKind::WriteZero.into())),
                Ok(bytes) => {
                    total += bytes;
                    pieces.advance(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (total, Err(error)),
            }
        }
        (total, Ok(()))
    }
}

/// Pieces in order.
#[derive(Default)]
struct Pieces {
    /// The piece at the head, or what is left of it; empty only when there is none. Most rounds need no more than this.
    first: Bytes,
    /// The pieces behind it. Boxed, because an idle or quick connection has none.
    #[expect(clippy::box_collection, reason = "8 bytes instead of 32 in each of many thousand outboxes")]
    rest: Option<Box<VecDeque<Bytes>>>,
}

impl Pieces {
    fn count(&self) -> usize {
        usize::from(!self.first.is_empty()) + self.rest.as_ref().map_or(0, |rest| rest.len())
    }

    fn add(&mut self, piece: Bytes) {
        if self.first.is_empty() {
            self.first = piece;
        } else {
            self.rest.get_or_insert_default().push_back(piece);
        }
    }

    fn advance(&mut self, mut bytes: usize) {
        while bytes > 0 {
            let taken = bytes.min(self.first.len());
            self.first.advance(taken);
            bytes -= taken;
            if self.first.is_empty() {
                self.first = self.rest.as_mut().and_then(|rest| rest.pop_front()).unwrap_or_default();
            }
        }
        if self.rest.as_ref().is_some_and(|rest| rest.is_empty()) {
            self.rest = None;
        }
    }
}

impl Queue {
    fn append(&mut self, frames: Bytes) -> Pushed {
        self.bytes += frames.len();
        self.pieces.add(frames);
        if self.dirty || self.writing || self.blocked {
            return Pushed::Waiting;
        }
        self.dirty = true;
        Pushed::Dirty
    }

    /// What could not be written goes before what was pushed meanwhile.
    fn put_back(&mut self, mut left: Pieces, written: usize) {
        self.bytes = self.bytes.saturating_sub(written);
        if left.first.is_empty() {
            return;
        }
        let Pieces { first, rest } = mem::take(&mut self.pieces);
        if !first.is_empty() {
            left.add(first);
            rest.into_iter().flat_map(|rest| *rest).for_each(|piece| left.add(piece));
        }
        self.pieces = left;
    }
}

impl Subscriber for Outbox {
    fn form(&self) -> WireForm {
        self.form
    }
}

#[cfg(test)]
mod tests;

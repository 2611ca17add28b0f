//! Connections inside the process: the host speaks for a client, and hears its frames as events.

use crate::draft::{Draft, Texts};
use crate::event::{TidingsCodec, TidingsEventKind as Kind};
use crate::queue::Queue;
use crate::slots::Slots;
use crate::status::{Failure, TidingsStatus};
use memchr::memchr_iter;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tidings::Engine;
use tidings::link::{Link, WireForm};
use tidings::port::Port;
use tokio::runtime::Handle;

/// The local connections of an engine.
#[derive(Debug)]
pub(crate) struct Locals {
    queue: Arc<Queue>,
    ports: Arc<Mutex<Ports>>,
}

/// `None` until it is open.
type Ports = Slots<Option<Arc<Port>>>;

/// The outgoing half of one.
struct Line {
    queue: Arc<Queue>,
    id: AtomicU64,
    ended: AtomicBool,
    ports: Arc<Mutex<Ports>>,
    handle: Handle,
}

fn lock(ports: &Mutex<Ports>) -> MutexGuard<'_, Ports> {
    ports.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Locals {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self { queue, ports: Arc::default() }
    }

    /// Opens one, and returns its id.
    pub(crate) fn open(&self, engine: &Engine, handle: &Handle) -> Result<u64, Failure> {
        let line = Arc::new(Line {
            queue: Arc::clone(&self.queue),
            id: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            ports: Arc::clone(&self.ports),
            handle: handle.clone(),
        });
        let id = lock(&self.ports).add(None);
        line.id.store(id, Ordering::Relaxed);
        let port = engine.open(line).inspect_err(|_| {
            lock(&self.ports).remove(id);
        })?;
        let port = Arc::new(port);
        let mut ports = lock(&self.ports);
        if let Some(place) = ports.find_mut(id) {
            *place = Some(port);
            return Ok(id);
        }
        // It has ended before it began: the engine shuts down. The port goes when nothing is locked.
        drop(ports);
        Err(Failure::new(TidingsStatus::Stopped, "the engine shuts down"))
    }

    /// Where what one says is fed in.
    pub(crate) fn find(&self, id: u64) -> Result<Arc<Port>, Failure> {
        let port = lock(&self.ports).find(id).and_then(Option::clone);
        port.ok_or_else(|| Failure::stale("there is no local connection of this id any more"))
    }

    /// Ends one.
    pub(crate) fn end(&self, id: u64) -> Result<(), Failure> {
        let ended = lock(&self.ports).remove(id);
        // Dropped when nothing is locked: that ends the session.
        ended.map(drop).ok_or_else(|| Failure::stale("there is no local connection of this id any more"))
    }

    /// Ends all of them.
    pub(crate) fn close(&self) {
        let ended = lock(&self.ports).drain();
        // Dropped when nothing is locked: that ends the sessions.
        drop(ended);
    }
}

impl Link for Line {
    fn form(&self) -> WireForm {
        WireForm::JsonLines
    }

    /// All or nothing, so that what is handed in is always whole frames.
    fn try_write_vectored(&self, frames: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.ended.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let id = self.id.load(Ordering::Relaxed);
        let lines = frames.iter().flat_map(|frames| lines(frames));
        let drafts = lines.map(|data| {
            let texts = Texts { data, ..Texts::default() };
            Draft { id, texts, codec: TidingsCodec::Json, ..Draft::new(Kind::LocalFrame) }
        });
        match self.queue.frames(drafts) {
            Ok(()) => Ok(frames.iter().map(|frames| frames.len()).sum()),
            Err(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_over = self.ended.load(Ordering::Relaxed);
        if is_over || self.queue.wants_room(context.waker()) { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn finish(&self) {
        self.abort();
    }

    fn abort(&self) {
        if self.ended.swap(true, Ordering::Relaxed) {
            return;
        }
        let (id, queue, ports) = (self.id.load(Ordering::Relaxed), Arc::clone(&self.queue), Arc::clone(&self.ports));
        // Where this is called something may be locked that the end of a session needs.
        self.handle.spawn(async move {
            let ended = lock(&ports).remove(id);
            if ended.is_some() {
                queue.tell(&Draft { id, ..Draft::new(Kind::LocalClosed) });
            }
        });
    }
}

/// The frames among bytes, which end in line ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut begin = 0;
    memchr_iter(b'\n', bytes).map(move |end| {
        let line = &bytes[begin..end];
        begin = end + 1;
        line
    })
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn each_frame_is_a_line() {
        assert_eq!(lines(b"a\nbc\n").collect::<Vec<_>>(), [&b"a"[..], b"bc"]);
        assert_eq!(lines(b"").count(), 0);
    }
}

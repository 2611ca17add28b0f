//! What a host asked for and is told of later.

use crate::draft::{Draft, Texts};
use crate::event::{TidingsCodec, TidingsEventKind};
use crate::queue::Queue;
use crate::settings::DataForm;
use crate::status::{Failure, TidingsStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tidings::{Codec, Data};
use tokio::runtime::Handle;

/// Tells what a request of this id came to. Its last event is that it is done.
pub(crate) type Telling = Box<dyn FnOnce(u64, &mut dyn FnMut(&Draft<'_>)) + Send>;

/// Requests of one host.
#[derive(Debug)]
pub(crate) struct Requests {
    queue: Arc<Queue>,
    next: AtomicU64,
    form: DataForm,
}

impl Requests {
    pub(crate) fn new(queue: Arc<Queue>, form: DataForm) -> Self {
        Self { queue, next: AtomicU64::new(1), form }
    }

    /// How data in events are written.
    pub(crate) const fn form(&self) -> DataForm {
        self.form
    }

    /// Has something done, and tells the host what came of it. Returns the request's id. Where the runtime ends first, it is
    /// told so.
    pub(crate) fn begin(
        &self,
        handle: &Handle,
        work: impl Future<Output = Result<Telling, Failure>> + Send + 'static,
    ) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut pledge = Pledge { queue: Some(Arc::clone(&self.queue)), id };
        handle.spawn(async move {
            let done = work.await;
            let Some(queue) = pledge.queue.take() else { return };
            match done {
                Ok(telling) => queue.tell_all(|tell| telling(id, tell)),
                Err(failure) => fail(&queue, id, &failure),
            }
        });
        id
    }
}

/// Sees to it that a request is done, one way or the other.
struct Pledge {
    queue: Option<Arc<Queue>>,
    id: u64,
}

impl Drop for Pledge {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            fail(&queue, self.id, &Failure::new(TidingsStatus::Stopped, "the engine was stopped before this was done"));
        }
    }
}

fn fail(queue: &Queue, id: u64, failure: &Failure) {
    let texts = Texts { data: failure.message.as_bytes(), ..Texts::default() };
    let (status, code) = (failure.status as i32, failure.code);
    queue.tell(&Draft { id, status, code, texts, ..Draft::new(TidingsEventKind::Done) });
}

impl DataForm {
    /// Data as the host wants it: how it is written, and the bytes, in `out` where they had to be written anew.
    pub(crate) fn write<'a>(self, data: &'a Data, out: &'a mut Vec<u8>) -> (TidingsCodec, &'a [u8]) {
        let view = data.as_ref();
        let wanted = match self {
            Self::AsSent => view.codec(),
            Self::Json => Codec::Json,
            Self::Msgpack => Codec::Msgpack,
        };
        let codec = match wanted {
            Codec::Json => TidingsCodec::Json,
            Codec::Msgpack => TidingsCodec::Msgpack,
        };
        if wanted == view.codec() {
            return (codec, view.bytes());
        }
        out.clear();
        view.append(wanted, out);
        (codec, out)
    }
}

//! The thread that reads from the disk for members that are behind: a page for one, then a page for the next, so that who
//! has missed much keeps nobody waiting.

use crate::cell::Cell;
use crate::fan::Fan;
use crate::flush::settle;
use crate::shared::{Shared, Store};
use crate::sync::lock;
use crate::upkeep;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tidings_core::stream::{Forward, PageRead, Slot};

/// Data of one page. What is rendered of it is about as much for each codec, and waits in the member's outbox.
const PAGE_BYTES: usize = 48 * 1024;

/// Most entries of one page: what is rendered of small ones is mostly their frames, which their data do not tell.
const PAGE_ENTRIES: u64 = 256;

/// How long the thread sleeps when nobody is behind.
const PATIENCE: Duration = Duration::from_secs(1);

/// A member that needs entries from the disk. At most a few for each member of each stream.
pub(crate) struct Wanted {
    pub(crate) cell: Arc<Cell>,
    pub(crate) slot: Slot,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Wanted>,
    /// Those for whom reading failed: they wait until the store is open again.
    failed: Vec<Wanted>,
    stopping: bool,
}

/// The queue of those who are behind.
#[derive(Default)]
pub(crate) struct Reader {
    queue: Mutex<Queue>,
    ready: Condvar,
}

impl Reader {
    pub(crate) fn want(&self, wanted: Wanted) {
        lock(&self.queue).waiting.push_back(wanted);
        self.ready.notify_one();
    }

    /// The store is open again.
    pub(crate) fn retry(&self) {
        let mut queue = lock(&self.queue);
        let failed = std::mem::take(&mut queue.failed);
        queue.waiting.extend(failed);
        drop(queue);
        self.ready.notify_one();
    }

    pub(crate) fn stop(&self) {
        lock(&self.queue).stopping = true;
        self.ready.notify_one();
    }

    /// The next one. `Ok(None)` when there is none for a while, an error when there will be none.
    fn next(&self) -> Result<Option<Wanted>, Stopped> {
        let queue = lock(&self.queue);
        let idle = |queue: &mut Queue| queue.waiting.is_empty() && !queue.stopping;
        let waited = self.ready.wait_timeout_while(queue, PATIENCE, idle);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        if queue.stopping { Err(Stopped) } else { Ok(queue.waiting.pop_front()) }
    }
}

struct Stopped;

/// The thread's whole life.
pub(crate) fn run(shared: &Arc<Shared>, store: &Store) {
    while let Ok(wanted) = store.reader.next() {
        let work = || {
            if let Some(wanted) = wanted {
                read(shared, store, wanted);
            }
            upkeep::sweep(shared, store, shared.clock.now().instant);
        };
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            tracing::error!("reading for a member panicked; the others go on");
        }
    }
}

fn read(shared: &Arc<Shared>, store: &Store, wanted: Wanted) {
    let Wanted { cell, slot, from, to } = wanted;
    let Some(number) = cell.stream().disk_number() else { return };
    let page_to = to.min(from.saturating_add(PAGE_ENTRIES - 1));
    let page = match store.disk.page(number, from, page_to, PAGE_BYTES) {
        Ok(page) => page,
        Err(error) => {
            if !store.commit.is_failing() {
                tracing::error!(%error, "the store cannot be read; it is opened afresh");
            }
            lock(&store.reader.queue).failed.push(Wanted { cell, slot, from, to });
            store.commit.fail();
            return;
        }
    };
    if !page.damaged.is_empty() {
        shared.counters.damaged.add(page.damaged.len() as u64);
        tracing::error!(
            stream = %cell.shared_name(),
            offsets = ?page.damaged,
            "entries on disk are damaged and told as a gap; see `tidingsd store check`"
        );
    }
    let is_whole = page.entries.last().is_none_or(|last| last.offset >= page_to);
    let mut fan = Fan::new(shared.settled.outbox);
    let read = PageRead { from, to: page_to, entries: &page.entries, is_whole };
    let forward = cell.stream().hand_over(slot, read, shared.clock.now(), &mut fan);
    settle(shared, fan);
    if let Forward::Read { from, to } = forward {
        store.reader.want(Wanted { cell, slot, from, to });
    }
}

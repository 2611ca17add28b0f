//! The thread that reads from the disk for members that are behind: a page for one, then a page for the next, so that who
//! has missed much keeps nobody waiting.

use crate::behind::Wanted;
use crate::fan::Fan;
use crate::flush::settle;
use crate::shared::{Shared, Store};
use crate::upkeep;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tidings_core::stream::{Forward, PageRead};

/// Data of one page. What is rendered of it is about as much for each codec, and waits in the member's outbox.
const PAGE_BYTES: usize = 48 * 1024;

/// Most entries of one page: what is rendered of small ones is mostly their frames, which their data do not tell.
const PAGE_ENTRIES: u64 = 256;

/// The thread's whole life.
pub(crate) fn run(shared: &Arc<Shared>, store: &Store) {
    while let Ok(wanted) = store.behind.next() {
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
            store.behind.failed(Wanted { cell, slot, from, to });
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
        store.behind.want(Wanted { cell, slot, from, to });
    }
}

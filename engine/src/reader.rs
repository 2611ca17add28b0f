//! The thread that reads from the disk for members that are behind: a page for one, then a page for the next, so that who
//! has missed much keeps nobody waiting.

use crate::behind::Wanted;
use crate::fan::Fan;
use crate::flush::{go_on, settle};
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
    let mut fan = Fan::new(shared.settled.outbox);
    let (number, from, to) = {
        let mut stream = wanted.cell.stream();
        let Some(number) = stream.disk_number() else { return };
        // What is read for somebody who has no room, or is gone, is read in vain.
        let has_room = stream.member(wanted.slot).is_some_and(|outbox| outbox.wants_more(shared.settled.outbox));
        if !has_room {
            return;
        }
        match stream.catch_up(wanted.slot, shared.clock.now(), &mut fan) {
            Forward::Read { from, to } => (number, from, to.min(from.saturating_add(PAGE_ENTRIES - 1))),
            Forward::UpToDate | Forward::Full => {
                drop(stream);
                return settle(shared, fan);
            }
        }
    };
    let page = match store.disk.page(number, from, to, PAGE_BYTES) {
        Ok(page) => page,
        Err(error) => {
            if !store.commit.is_failing() {
                tracing::error!(%error, "the store cannot be read; it is opened afresh");
            }
            store.behind.failed(wanted);
            store.commit.fail();
            return settle(shared, fan);
        }
    };
    if !page.damaged.is_empty() {
        shared.counters.damaged.add(page.damaged.len() as u64);
        tracing::error!(
            stream = %wanted.cell.shared_name(),
            offsets = ?page.damaged,
            "entries on disk are damaged and told as a gap; see `tidingsd store check`"
        );
    }
    let read = PageRead { from, to: page.reached.min(to), entries: &page.entries, is_whole: true };
    let forward = wanted.cell.stream().hand_over(wanted.slot, read, shared.clock.now(), &mut fan);
    settle(shared, fan);
    go_on(shared, &wanted.cell, wanted.slot, forward);
}

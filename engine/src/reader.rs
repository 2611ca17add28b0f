//! The thread that reads from the disk, for members that are behind and for clients that ask: a page for one, then a page for
//! the next, so that who has missed much keeps nobody waiting.

use crate::behind::{Wanted, Work};
use crate::fan::Fan;
use crate::flush::{go_on, settle};
use crate::outbox::Outbox;
use crate::past::unread;
use crate::place::Failed;
use crate::shared::{Shared, Store};
use crate::upkeep;
use crate::wish::Asked;
use bytes::Bytes;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tidings_core::stream::{Delivery, Forward, PageRead};
use tidings_proto::frame::{Failure, ServerFrame};
use tidings_proto::wire;

/// Data of one page. What is rendered of it is about as much for each codec, and waits in the member's outbox.
const PAGE_BYTES: usize = 48 * 1024;

/// Most entries of one page: what is rendered of small ones is mostly their frames, which their data do not tell.
const PAGE_ENTRIES: u64 = 256;

/// The thread's whole life.
pub(crate) fn run(shared: &Arc<Shared>, store: &Store) {
    while let Ok(next) = store.behind.next() {
        let work = || {
            match next {
                Some(Work::Member(wanted)) => read(shared, store, wanted),
                Some(Work::History(asked)) => answer(shared, &asked),
                None => {}
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
            store.behind.failed(wanted);
            store.cannot_be_read(&error);
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

/// Tells a client what it wanted to see, or why not.
fn answer(shared: &Arc<Shared>, asked: &Asked) {
    let Asked { wish, to, id } = asked;
    let mut fan = Fan::new(shared.settled.outbox);
    let answered = wish.answer(shared, to, *id).and_then(|answer| match fan.push(to, Bytes::from(answer)) {
        Delivery::Taken => Ok(()),
        Delivery::Full => Err(unread()),
    });
    if let Err(failed) = answered {
        refuse(shared, to, *id, failed, &mut fan);
    }
    settle(shared, fan);
}

fn refuse(shared: &Shared, to: &Arc<Outbox>, id: u64, failed: Failed, fan: &mut Fan) {
    let Failed { code, text, retry_after_ms, limit } = failed;
    shared.counters.errors.add(1);
    if let Some(limit) = limit {
        shared.counters.reached(limit, 1);
    }
    let mut frame = Vec::new();
    let failure = ServerFrame::Error(Failure { code, message: text, retry_after_ms });
    wire::render(to.link().form(), Some(id), &failure, &mut frame);
    if fan.reply(to, Bytes::from(frame)) == Delivery::Full {
        // It asks without reading the answers.
        fan.unanswered.push(Arc::clone(to));
    }
}

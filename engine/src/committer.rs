//! The one thread that writes to the disk: it takes all that waits, writes, syncs once, and answers all.

use crate::commit::Taken;
use crate::landing::{land, refuse_all};
use crate::shared::{Shared, Store};
use crate::upkeep;
use crate::waiting::Waiting;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidings_store::archive::Archive;
use tidings_store::error::{ErrorKind, StoreError};

/// How often streams whose heads have changed are looked after, and what was written without a barrier gets one.
const UPKEEP_EVERY: Duration = Duration::from_millis(250);

/// Waits between tries to open the store afresh: the first, and the longest.
const REOPEN_FIRST: Duration = Duration::from_millis(250);
const REOPEN_LONGEST: Duration = Duration::from_secs(5);

/// The thread's whole life.
pub(crate) fn run(shared: &Arc<Shared>, store: &Store) {
    let mut unsynced = false;
    let mut looked_after = Instant::now();
    let mut patience = Patience::default();
    loop {
        let Taken { waiting, failing, stopping } = store.commit.take(UPKEEP_EVERY);
        let is_due = stopping || looked_after.elapsed() >= UPKEEP_EVERY;
        // What upkeep has written without a barrier gets one when nothing else has brought it.
        let sync = !waiting.landings.is_empty() || (unsynced && is_due);
        unsynced = !sync && (unsynced || !waiting.ops.is_empty());
        let work = || {
            if failing {
                give_up(shared, store, waiting);
                return Err(());
            }
            carry_out(shared, store, waiting, sync)
        };
        let worked = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            tracing::error!("the thread that writes to the store panicked; the store is opened afresh");
            store.commit.fail();
            Err(())
        });
        if worked.is_ok() && is_due {
            looked_after = Instant::now();
            let looked = guarded(|| {
                look_after(shared, store);
                Ok(())
            });
            if looked.is_err() {
                tracing::error!("looking after what is on disk panicked; the store is opened afresh");
                store.commit.fail();
            }
        }
        if stopping && (worked.is_err() || store.commit.is_idle()) {
            end(store, worked.is_ok());
            return;
        }
        if worked.is_err() {
            open_afresh(shared, store, &mut patience);
            unsynced = false;
        }
    }
}

/// Writes all that waited, syncs once, and answers all.
fn carry_out(shared: &Arc<Shared>, store: &Store, waiting: Waiting, sync: bool) -> Result<(), ()> {
    let written = guarded(|| {
        store.disk.with(|archive| {
            if !waiting.ops.is_empty() {
                archive.write(&waiting.ops)?;
            }
            if sync { archive.sync() } else { Ok(()) }
        })
    });
    if let Err(error) = written {
        shared.counters.store_failures.add(1);
        tracing::error!(
            %error,
            "the store failed: durable publications are refused until it is open afresh; everything else goes on"
        );
        store.commit.fail();
        let placed = waiting.landings.iter().filter_map(|landing| landing.cell.as_ref());
        placed.chain(&waiting.upkeep).for_each(|cell| store.disk.doubt(cell));
        give_up(shared, store, waiting);
        return Err(());
    }
    store.commit.done(waiting.bytes());
    waiting.upkeep.iter().for_each(|cell| cell.written());
    land(shared, waiting.landings);
    Ok(())
}

/// Nothing of this is certainly on disk.
fn give_up(shared: &Arc<Shared>, store: &Store, waiting: Waiting) {
    store.commit.done(waiting.bytes());
    for cell in waiting.upkeep {
        cell.stream().unsettle();
        store.commit.soil(&cell);
        cell.written();
    }
    refuse_all(shared, waiting.landings);
}

fn end(store: &Store, is_whole: bool) {
    if is_whole && let Err(error) = guarded(|| store.disk.with(Archive::sync)) {
        tracing::error!(%error, "the last sync failed; everything that was told to be stored is");
    }
    store.disk.close();
    store.closed.send_replace(true);
}

/// A panic of what is below counts as a failure of the store.
fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(StoreError::new(ErrorKind::Panicked, "the thread that writes to the store panicked")))
}

/// Queues the heads that have changed and the removal of what is kept no longer. It waits for no barrier: what a crash
/// takes of it is only delivered or removed again.
fn look_after(shared: &Arc<Shared>, store: &Store) {
    store.commit.queue_ops(upkeep::old_keys(shared, store));
    for cell in store.commit.take_soiled() {
        upkeep::collect(shared, store, &cell);
    }
}

/// How long to wait before the store is opened afresh.
#[derive(Default)]
struct Patience {
    pause: Duration,
    opened: Option<Instant>,
}

impl Patience {
    /// The pause before the next try: none for a store that was open for long. One that fails as soon as it is open keeps
    /// this thread no busier than one that cannot be opened.
    fn next(&mut self) -> Duration {
        if self.opened.take().is_some_and(|opened| opened.elapsed() > REOPEN_LONGEST) {
            self.pause = Duration::ZERO;
        }
        let pause = self.pause;
        self.pause = (pause * 2).clamp(REOPEN_FIRST, REOPEN_LONGEST);
        pause
    }
}

/// Opens the store afresh, however often that has to be tried, and brings every stream to what is on disk.
fn open_afresh(shared: &Arc<Shared>, store: &Store, patience: &mut Patience) {
    loop {
        let pause = patience.next();
        // What was queued before nothing more was taken.
        give_up(shared, store, store.commit.take(Duration::ZERO).waiting);
        if store.commit.is_stopping_within(pause) {
            return;
        }
        let opened = guarded(|| store.disk.reopen()).and_then(|()| guarded(|| upkeep::settle_all(shared, store)));
        match opened {
            Ok(()) => break,
            Err(error) => tracing::warn!(%error, "the store cannot be opened yet; it is tried again"),
        }
    }
    patience.opened = Some(Instant::now());
    store.commit.go_on();
    tracing::info!("the store is open again: durable publications are taken");
    store.behind.retry();
}

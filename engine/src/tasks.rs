//! The tasks that run as long as the engine does: flushers, and one that looks at the clock.

use crate::conn::Conn;
use crate::error::{Error, ErrorKind};
use crate::flush::run_flusher;
use crate::shared::{Shared, Store, Timer};
use crate::stats;
use crate::streams::sweep;
use crate::sync::lock;
use crate::timers::TICK_MS;
use crate::turn::{Turn, close_session, still_there};
use crate::{committer, reader, telling};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tidings_core::time::Now;
use tidings_proto::code::Code;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::dispatcher::{get_default, with_default};
use tracing::subscriber::NoSubscriber;

/// How often counters go to the metrics recorder.
const RECORD_EVERY_TICKS: u64 = 1_000 / TICK_MS;

/// How often users are forgotten who have nothing to be remembered for.
const TIDY_EVERY_TICKS: u64 = 5 * RECORD_EVERY_TICKS;

/// Starts them.
///
/// # Errors
/// The runtime has no timers.
pub(crate) fn spawn_all(shared: &Arc<Shared>) -> Result<(), Error> {
    // tokio has no other way to find this out than to try.
    let ticks = catch_unwind(|| interval(Duration::from_millis(TICK_MS))).map_err(|_| {
        Error::new(ErrorKind::Runtime, "the runtime has no timers: build it with `enable_time` or `enable_all`")
    })?;
    for home in 0..shared.flushing.queues.len() {
        shared.flushing.handle.spawn(run_flusher(Arc::clone(shared), home));
    }
    shared.flushing.handle.spawn(run_clock(Arc::clone(shared), ticks));
    let ticks = interval(Duration::from_millis(shared.settled.presence_tick_ms));
    shared.flushing.handle.spawn(telling::run(Arc::clone(shared), ticks));
    if shared.store.is_some() {
        spawn_thread("tidings-commit", shared, committer::run)?;
        spawn_thread("tidings-reader", shared, reader::run)?;
    }
    Ok(())
}

/// What waits for the disk has threads of its own.
fn spawn_thread(name: &str, shared: &Arc<Shared>, run: fn(&Arc<Shared>, &Store)) -> Result<(), Error> {
    let shared = Arc::clone(shared);
    // A host may have a subscriber for its engine's threads alone, beside that of the process.
    let logs = get_default(|logs| (!logs.is::<NoSubscriber>()).then(|| logs.clone()));
    let work = move || {
        let Some(store) = &shared.store else { return };
        match &logs {
            Some(logs) => with_default(logs, || run(&shared, store)),
            None => run(&shared, store),
        }
    };
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map(drop).map_err(|error| {
        let text = "the store's threads cannot be started: raise the limit of processes of this user (ulimit -u)";
        Error::new(ErrorKind::Runtime, text).with_source(error)
    })
}

async fn run_clock(shared: Arc<Shared>, mut ticks: Interval) {
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut due = Vec::new();
    let mut count = 0_u64;
    while !shared.is_stopping() || shared.sessions.len() > 0 {
        ticks.tick().await;
        let now = shared.clock.now();
        shared.due_timers(now, &mut due);
        for timer in due.drain(..) {
            if catch_unwind(AssertUnwindSafe(|| look_after(&shared, timer, now))).is_err() {
                tracing::error!("looking after a session or a channel panicked; the others go on");
            }
        }
        count += 1;
        if count.is_multiple_of(RECORD_EVERY_TICKS) {
            if count.is_multiple_of(TIDY_EVERY_TICKS) {
                shared.users.paces.tidy();
            }
            shared.users.paces.look();
            stats::record(&shared.stats());
            shared.counters.record_limits();
        }
    }
}

fn look_after(shared: &Arc<Shared>, timer: Timer, now: Now) {
    match timer {
        Timer::Session(id) => {
            if let Some(conn) = shared.sessions.find(id)
                && conn.armed() <= now.instant
            {
                tick_session(shared, &conn);
            }
        }
        Timer::Slow(id) => {
            if let Some(conn) = shared.sessions.find(id) {
                close_session(shared, &conn, Code::Slow);
            }
        }
        Timer::Stream(cell) => sweep(shared, &cell, now),
        Timer::Parked(session) => shared.identities.expire(session, now.instant),
    }
}

fn tick_session(shared: &Arc<Shared>, conn: &Arc<Conn>) {
    let mut turn = Turn::new(shared, conn);
    let now = turn.now;
    if lock(&conn.session).is_closed() {
        // Whoever closed it arms the timer and then enqueues the last frames. Until both are done, this is a timer of
        // before; afterwards the other side had the time to take those frames and close.
        if conn.outbox.is_closing() && conn.armed() <= now.instant {
            conn.outbox.shut();
            conn.outbox.link().abort();
        }
        return;
    }
    turn.step(|session, turn| {
        if let Some(next) = session.tick(&shared.settled.rules.limits, now, turn) {
            shared.arm(conn, next.max(now.instant + 1));
        }
        still_there(shared, session, now);
    });
    turn.finish();
}

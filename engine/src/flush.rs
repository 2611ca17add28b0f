//! From outboxes to sockets, and what follows: waiting for a socket that would block, and bringing a connection forward
//! that had no room.

use crate::behind::Wanted;
use crate::cell::Cell;
use crate::fan::Fan;
use crate::outbox::{Flushed, Outbox};
use crate::shared::{Shared, Timer};
use crate::sync::lock;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tidings_core::limit::Limit;
use tidings_core::stream::{Forward, Slot};
use tidings_core::time::Now;
use tidings_proto::id::SessionId;
use tokio::task::yield_now;
use tokio::time::timeout;

/// Up to this many outboxes are written by whoever filled them; more go to the flushers, where the next round gathers
/// while this one is written.
const INLINE_MAX: usize = 8;

/// A flusher gives way to others after this many sockets.
const YIELD_AFTER: usize = 256;

/// Counts a batch of deliveries and sees to it that they leave.
pub(crate) fn settle(shared: &Arc<Shared>, fan: Fan) {
    shared.counters.delivered.add(fan.delivered);
    shared.counters.skipped.add(fan.skipped);
    shared.counters.reached(Limit::Outbox, fan.full);
    for outbox in &fan.unanswered {
        shared.add_timer(shared.clock.now().instant, Timer::Slow(outbox.session()));
    }
    if fan.dirty.len() > INLINE_MAX {
        shared.queue_flush(fan.dirty);
        return;
    }
    let mut bytes = 0;
    for outbox in &fan.dirty {
        bytes += flush(shared, outbox);
    }
    shared.counters.bytes_out.add(bytes);
}

fn flush(shared: &Arc<Shared>, outbox: &Arc<Outbox>) -> u64 {
    let Some(flushed) = guarded(outbox, || outbox.flush(shared.settled.outbox)) else { return 0 };
    if flushed.blocked {
        shared.flushing.handle.spawn(drain(Arc::clone(shared), Arc::clone(outbox)));
    }
    if flushed.room_again {
        bring_forward(shared, outbox.session());
    }
    flushed.bytes as u64
}

/// Calls into a link. One that panics is a bug of its transport: it loses this connection and no other.
fn guarded<T>(outbox: &Outbox, call: impl FnOnce() -> T) -> Option<T> {
    let called = catch_unwind(AssertUnwindSafe(call)).ok();
    if called.is_none() {
        tracing::error!(session = %outbox.session(), "the link of a connection panicked; the connection is given up");
        outbox.shut();
        // If this panics as well, its reader has to find out by itself.
        let _ = catch_unwind(AssertUnwindSafe(|| outbox.link().abort()));
    }
    called
}

/// Waits for a socket that would block, and writes whenever it would not. Ends when nothing waits or the connection is
/// over.
async fn drain(shared: Arc<Shared>, outbox: Arc<Outbox>) {
    let patience = Duration::from_millis(shared.settled.times.slow_timeout_ms);
    let mut told = false;
    while !outbox.is_closed() {
        match timeout(patience, poll_fn(|context| outbox.link().poll_writable(context))).await {
            Ok(Ok(())) => {
                let flushed = guarded(&outbox, || outbox.unblock(shared.settled.outbox));
                let Some(Flushed { blocked, room_again, bytes }) = flushed else { return };
                shared.counters.bytes_out.add(bytes as u64);
                if room_again {
                    bring_forward(&shared, outbox.session());
                }
                if !blocked {
                    return;
                }
                told &= bytes == 0;
            }
            Ok(Err(_)) => {
                outbox.shut();
                outbox.link().abort();
            }
            Err(_) if told => {}
            Err(_) => {
                told = true;
                shared.add_timer(shared.clock.now().instant, Timer::Slow(outbox.session()));
            }
        }
    }
}

/// Delivers to a connection what it had no room for, as far as there is room now.
fn bring_forward(shared: &Arc<Shared>, session: SessionId) {
    let Some(conn) = shared.sessions.find(session) else { return };
    let mut streams: Vec<(Arc<Cell>, Slot)> =
        lock(&conn.session).streams().map(|stream| (Arc::clone(&stream.channel), stream.slot)).collect();
    // In turn, so that a busy stream does not keep the others back for ever.
    if !streams.is_empty() {
        let begin = conn.begin_forward(streams.len());
        streams.rotate_left(begin);
    }
    let mut fan = Fan::new(shared.settled.outbox);
    let now = shared.clock.now();
    for (cell, slot) in streams {
        if catch_up(shared, &cell, slot, now, &mut fan) == Forward::Full {
            // No room is left. The outbox will tell when there is.
            break;
        }
    }
    if let Some(device) = shared.identities.device_of(conn.session_id(), &conn) {
        shared.presence().forward(device, &mut fan);
    }
    shared.counters.delivered.add(fan.delivered);
    shared.counters.skipped.add(fan.skipped);
    // Not written here: one who reads slowly must not keep this thread.
    shared.queue_flush(fan.dirty);
}

/// Brings a member forward, as far as its outbox has room and memory has what it needs. The rest is read by the reader.
pub(crate) fn catch_up(shared: &Shared, cell: &Arc<Cell>, slot: Slot, now: Now, fan: &mut Fan) -> Forward {
    let forward = cell.stream().catch_up(slot, now, fan);
    go_on(shared, cell, slot, forward);
    forward
}

/// Has the reader read what a member needs from the disk.
pub(crate) fn go_on(shared: &Shared, cell: &Arc<Cell>, slot: Slot, forward: Forward) {
    if let (Forward::Read { .. }, Some(store)) = (forward, &shared.store) {
        store.behind.want(Wanted { cell: Arc::clone(cell), slot });
    }
}

/// One flusher: a round writes all that waits, while the next round gathers.
pub(crate) async fn run_flusher(shared: Arc<Shared>, home: usize) {
    let queue = &shared.flushing.queues[home];
    let mut round = Vec::new();
    while !shared.is_stopping() || shared.sessions.len() > 0 {
        queue.notify.notified().await;
        round = queue.take(round);
        let mut bytes = 0;
        for (at, outbox) in round.iter().enumerate() {
            bytes += flush(&shared, outbox);
            if at % YIELD_AFTER == YIELD_AFTER - 1 {
                yield_now().await;
            }
        }
        shared.counters.bytes_out.add(bytes);
        let crowd = round.len();
        round.clear();
        // After a peak the memory goes back.
        round.shrink_to(crowd.saturating_mul(4));
    }
}

//! What the store needs beside publications: heads that have changed, entries that nobody waits for, keys that are old, and
//! streams whose users stay away.

use crate::cell::Cell;
use crate::fan::Fan;
use crate::flush::settle;
use crate::shared::{Shared, Store};
use crate::streams::with_stream;
use crate::sync::lock;
use std::sync::Arc;
use tidings_core::keys::{Known, Placed};
use tidings_core::time::Instant;
use tidings_proto::kept::Kind;
use tidings_store::error::{ErrorKind, StoreError};
use tidings_store::op::{KeptKey, Op};

/// How often old keys are removed from the disk.
const KEYS_EVERY_MS: u64 = 30_000;

/// How many streams the sweeper looks at in one go, and how often. A million take five hours.
const SWEEP_STREAMS: usize = 256;
pub(crate) const SWEEP_EVERY_MS: u64 = 5_000;

/// Queues what the upkeep of one stream writes.
pub(crate) fn collect(shared: &Arc<Shared>, store: &Store, cell: &Arc<Cell>) {
    cell.clean();
    // One that was taken out of the directory since may be there again, as another cell with a newer head.
    let Some(mut stream) = cell.living() else { return cell.written() };
    let now = shared.clock.now();
    let number = stream.disk_number().unwrap_or_default();
    let Some(upkeep) = stream.upkeep(now, &mut |from| store.disk.edge(number, from)) else {
        drop(stream);
        return cell.written();
    };
    let (kind, name) = (cell.kind(), cell.shared_name());
    let head = upkeep.head.map(|head| Op::Head { kind, name: Arc::clone(name), head });
    let remove = upkeep.remove.map(|(from, to)| Op::Remove { stream: number, from, to });
    if head.is_none() && remove.is_none() {
        drop(stream);
        cell.written();
    } else if !store.commit.keep_up(cell, head.into_iter().chain(remove)) {
        stream.unsettle();
        drop(stream);
        store.commit.soil(cell);
        return cell.written();
    }
    if upkeep.more {
        store.commit.soil(cell);
    }
}

/// The removal of old idempotency keys from the disk, now and then.
pub(crate) fn old_keys(shared: &Shared, store: &Store) -> Option<Op> {
    let now_ms = shared.clock.steady_wall_ms();
    let mut next = lock(&store.keys_due_ms);
    if now_ms < *next {
        return None;
    }
    *next = now_ms + KEYS_EVERY_MS;
    let before_ms = now_ms.saturating_sub(shared.settled.times.idempotency_window_ms);
    Some(Op::ForgetKeys { before_ms })
}

/// After the store was opened, for the first time or afresh: keys that it has kept are known again.
pub(crate) fn restore_keys(shared: &Shared, store: &Store) -> Result<(), StoreError> {
    let since_ms = shared.clock.steady_wall_ms().saturating_sub(shared.settled.times.idempotency_window_ms);
    let kept = store.disk.with(|archive| archive.keys(since_ms))?;
    let now_ms = shared.clock.steady_wall_ms();
    let mut keys = lock(&shared.keys);
    for KeptKey { publisher, key, at, kind, name, epoch, offset, .. } in kept {
        let channel = (kind == Kind::Channel).then_some(name);
        let placed = Placed { channel, epoch, offset };
        keys.restore(publisher.as_deref(), &key, at, placed.clone());
        // Noted again since, by somebody who is going to be refused.
        if !matches!(keys.note(publisher.as_deref(), &key, now_ms), Known::Done(_)) {
            keys.tell(publisher.as_deref(), &key, Known::Done(placed));
        }
    }
    Ok(())
}

/// The store was opened afresh: every stream that is in memory goes on from what is on disk.
pub(crate) fn settle_all(shared: &Arc<Shared>, store: &Store) -> Result<(), StoreError> {
    restore_keys(shared, store)?;
    let mut fan = Fan::new(shared.settled.outbox);
    for cell in shared.streams.channels.all().into_iter().chain(shared.streams.users.all()) {
        if cell.stream().disk_number().is_none() {
            continue;
        }
        let loaded = store.disk.with(|archive| archive.load(cell.kind(), cell.shared_name()));
        let on_disk = match loaded {
            Ok(kept) => kept.map_or(0, |kept| kept.head.last),
            // What is in memory of it is good, and its head is written again.
            Err(error) if error.kind() == ErrorKind::Damaged => {
                tracing::error!(%error, "a stream goes on from what is in memory of it");
                0
            }
            Err(error) => return Err(error),
        };
        let Some(mut stream) = cell.living() else { continue };
        // What is behind the barrier was, or is about to be, given to members.
        stream.reopened(on_disk.max(cell.landed()), shared.clock.now(), &mut fan);
        drop(stream);
        store.commit.soil(&cell);
    }
    settle(shared, fan);
    Ok(())
}

/// Looks after a few streams that nobody uses: what has expired goes, though its user stays away.
pub(crate) fn sweep(shared: &Arc<Shared>, store: &Store, now: Instant) {
    let mut sweep = lock(&store.sweep);
    if now < sweep.due {
        return;
    }
    sweep.due = now + SWEEP_EVERY_MS;
    let after = sweep.after.as_ref().map(|(kind, name)| (*kind, &**name));
    let Ok(names) = store.disk.with(|archive| archive.names(after, SWEEP_STREAMS)) else { return };
    sweep.after = names.last().cloned();
    drop(sweep);
    for (kind, name) in names {
        let wanted = with_stream(shared, kind, &name, |cell, stream| {
            stream.wants_upkeep(shared.clock.now()).then(|| Arc::clone(cell))
        });
        if let Ok(Some(cell)) = wanted {
            store.commit.soil(&cell);
        }
    }
}

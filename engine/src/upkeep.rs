//! What the store needs beside publications: heads that have changed, entries that nobody waits for, keys that are old, and
//! streams whose users stay away.

use crate::cell::Cell;
use crate::fan::Fan;
use crate::flush::settle;
use crate::shared::{Shared, Store};
use crate::streams::with_stream;
use crate::sync::lock;
use std::sync::Arc;
use tidings_core::keys::Placed;
use tidings_core::time::Instant;
use tidings_proto::kept::Kind;
use tidings_store::error::StoreError;
use tidings_store::op::{KeptKey, Op};

/// How often old keys are removed from the disk.
const KEYS_EVERY_MS: u64 = 30_000;

/// How many streams the sweeper looks at in one go, and how often. A million take five hours.
const SWEEP_STREAMS: usize = 256;
pub(crate) const SWEEP_EVERY_MS: u64 = 5_000;

/// Queues what the upkeep of one stream writes.
pub(crate) fn collect(shared: &Arc<Shared>, store: &Store, cell: &Arc<Cell>) {
    cell.clean();
    let mut stream = cell.stream();
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
        cell.written();
        store.commit.soil(cell);
        return;
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
    let kept = store.disk.archive()?.keys(since_ms)?;
    let mut keys = lock(&shared.keys);
    for KeptKey { publisher, key, at, kind, name, epoch, offset, .. } in kept {
        let channel = (kind == Kind::Channel).then_some(name);
        keys.restore(publisher.as_deref(), &key, at, Placed { channel, epoch, offset });
    }
    Ok(())
}

/// The store was opened afresh: every stream that is in memory goes on from what is on disk.
pub(crate) fn settle_all(shared: &Arc<Shared>, store: &Store) -> Result<(), StoreError> {
    restore_keys(shared, store)?;
    let archive = store.disk.archive()?;
    let mut fan = Fan::new(shared.settled.outbox);
    for cell in shared.channels.all().into_iter().chain(shared.users.all()) {
        let mut stream = cell.stream();
        if stream.disk_number().is_none() {
            continue;
        }
        let last = archive.load(cell.kind(), cell.shared_name())?.map_or(0, |kept| kept.head.last);
        stream.reopened(last, shared.clock.now(), &mut fan);
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
    let Ok(names) = store.disk.archive().and_then(|archive| archive.names(after, SWEEP_STREAMS)) else { return };
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


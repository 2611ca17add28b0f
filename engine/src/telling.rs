//! Tells how present users are, once a tick.

use crate::fan::Fan;
use crate::flush::settle;
use crate::host::HostEvent;
use crate::shared::Shared;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tidings_core::time::Now;
use tokio::task::yield_now;
use tokio::time::{Interval, MissedTickBehavior};

/// About as many frames are enqueued before others get a turn.
const FRAMES_MAX: u64 = 2_000;

/// Tells some of what has changed. Returns whether there is more.
fn tell(shared: &Arc<Shared>, now: Now, begins: bool) -> bool {
    let mut fan = Fan::new(shared.settled.outbox);
    let mut changes = Vec::new();
    let telling = {
        let mut board = shared.presence().board();
        if begins {
            board.tick(now);
        }
        board.tell(now, FRAMES_MAX, &mut fan, &mut changes)
    };
    shared.counters.presence_changes.add(changes.len() as u64);
    shared.counters.presence_told.add(telling.told);
    settle(shared, fan);
    for change in changes {
        shared.host.event(HostEvent::Presence(change));
    }
    telling.more
}

/// Tells what has changed, once a tick, as long as the engine runs.
pub(crate) async fn run(shared: Arc<Shared>, mut ticks: Interval) {
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !shared.is_stopping() || shared.sessions.len() > 0 {
        ticks.tick().await;
        let now = shared.clock.now();
        let mut begins = true;
        loop {
            let told = catch_unwind(AssertUnwindSafe(|| tell(&shared, now, begins)));
            match told {
                Ok(true) => begins = false,
                Ok(false) => break,
                Err(_) => {
                    tracing::error!("telling who is present panicked; the engine goes on");
                    break;
                }
            }
            yield_now().await;
        }
    }
}

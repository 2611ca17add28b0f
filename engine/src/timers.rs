//! One timer wheel (Varghese and Lauck, 1987, hashed wheel): adding is a push, and a tick looks at one slot.

use std::mem;
use tidings_core::time::Instant;

/// How exact timers are.
pub(crate) const TICK_MS: u64 = 50;

const SLOTS: usize = 1_024;

/// Times at which something must be looked at. Timers are never taken out: who is called too early or in vain finds
/// nothing due.
pub(crate) struct Wheel<T> {
    slots: Vec<Vec<(Instant, T)>>,
    /// The tick that was looked at last.
    tick: u64,
}

impl<T> Wheel<T> {
    pub(crate) fn new(now: Instant) -> Self {
        let slots = std::iter::repeat_with(Vec::new).take(SLOTS).collect();
        Self { slots, tick: now.0 / TICK_MS }
    }

    /// Calls back at `at` or up to [`TICK_MS`] later.
    pub(crate) fn add(&mut self, at: Instant, timer: T) {
        let tick = at.0.div_ceil(TICK_MS).max(self.tick + 1);
        self.slots[slot_of(tick)].push((at, timer));
    }

    /// Takes what is due by `now` and appends it to `due`.
    pub(crate) fn advance(&mut self, now: Instant, due: &mut Vec<T>) {
        let target = now.0 / TICK_MS;
        // After a long pause each slot is looked at once, however many ticks have passed.
        let first = (self.tick + 1).max((target + 1).saturating_sub(SLOTS as u64));
        for tick in first..=target {
            let slot = &mut self.slots[slot_of(tick)];
            for (at, timer) in mem::take(slot) {
                if at <= now {
                    due.push(timer);
                } else {
                    slot.push((at, timer));
                }
            }
        }
        self.tick = self.tick.max(target);
    }
}

fn slot_of(tick: u64) -> usize {
    usize::try_from(tick % SLOTS as u64).expect("below 1,024")
}

#[cfg(test)]
mod tests {
    use super::{SLOTS, TICK_MS, Wheel};
    use proptest::prelude::*;
    use tidings_core::time::Instant;

    proptest! {
        #[test]
        fn every_timer_fires_once_and_soon(
            ats in prop::collection::vec(0_u64..200_000, 0..50),
            steps in prop::collection::vec(1_u64..(TICK_MS * SLOTS as u64 * 2), 1..50),
        ) {
            let mut wheel = Wheel::new(Instant(0));
            for at in &ats {
                wheel.add(Instant(*at), *at);
            }
            let (mut now, mut fired) = (0, Vec::new());
            for step in steps {
                now += step;
                let mut due = Vec::new();
                wheel.advance(Instant(now), &mut due);
                prop_assert!(due.iter().all(|at| *at <= now));
                fired.extend(due);
                let late = ats.iter().filter(|at| **at + 2 * TICK_MS < now && !fired.contains(at)).count();
                prop_assert_eq!(late, 0);
            }
            fired.sort_unstable();
            let mut expected: Vec<_> = ats.iter().copied().filter(|at| fired.contains(at)).collect();
            expected.sort_unstable();
            prop_assert_eq!(fired, expected);
        }
    }
}

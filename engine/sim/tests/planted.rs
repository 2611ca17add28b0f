//! The simulator finds every bug that is planted in its server.

use tidings_sim::bug::Bug;
use tidings_sim::world::run;

/// Every bug is found within so many seeds; most of them within ten.
const SEEDS_MAX: u64 = 600;

#[test]
fn every_planted_bug_is_found() {
    let missed: Vec<&str> = Bug::ALL
        .iter()
        .filter(|bug| !(0..SEEDS_MAX).any(|seed| run(seed, Some(**bug), false).violation.is_some()))
        .map(|bug| bug.name())
        .collect();
    assert!(missed.is_empty(), "not found within {SEEDS_MAX} seeds: {missed:?}");
}

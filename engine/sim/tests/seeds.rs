//! Without a bug no seed breaks a promise, and a seed is the same life each time.

use tidings_sim::tally::Tally;
use tidings_sim::world::run;

const SEEDS: u64 = 100;

#[test]
fn every_promise_is_kept() {
    let mut sum = Tally::default();
    for seed in 0..SEEDS {
        let ending = run(seed, None, false);
        sum.add(&ending.tally);
        if let Some(violation) = ending.violation {
            panic!("{violation}\nagain: cargo run --release -p tidings-sim -- --seeds 1 --first {seed}");
        }
    }
    assert!(sum.delivered > 0 && sum.resumed > 0 && sum.power_cuts > 0 && sum.failed_syncs > 0, "{sum}");
}

#[test]
fn a_seed_is_the_same_life_each_time() {
    for seed in 0..5 {
        assert_eq!(run(seed, None, false).tally, run(seed, None, true).tally, "seed {seed}");
    }
}

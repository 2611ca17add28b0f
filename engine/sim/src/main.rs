//! `tidings-sim`: runs seeds until one breaks a promise.

use clap::Parser;
use std::process::ExitCode;
use tidings_sim::bug::Bug;
use tidings_sim::tally::Tally;
use tidings_sim::world::run;

/// Simulate clients, network, disk, clock and crashes round the real core, and prove the delivery guarantees.
#[derive(Debug, Parser)]
struct Args {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Plant a bug, to see that it is found.
    #[arg(long)]
    bug: Option<Bug>,
}

/// Seeds between two lines of progress.
const PROGRESS: u64 = 100;

/// So many seeds exercise everything at least once.
const ENOUGH: u64 = 1_000;

fn main() -> ExitCode {
    let Args { seeds, first, bug } = Args::parse();
    let mut sum = Tally::default();
    for seed in first..first.saturating_add(seeds) {
        let ending = run(seed, bug, false);
        sum.add(&ending.tally);
        if ending.violation.is_some() {
            return fail(seed, bug);
        }
        let done = seed - first + 1;
        if done.is_multiple_of(PROGRESS) {
            println!("{done} of {seeds} seeds: {} delivered, {} resumed", sum.delivered, sum.resumed);
        }
    }
    println!("{seeds} seeds kept every promise; {sum}");
    let missing = sum.missing();
    if seeds >= ENOUGH && !missing.is_empty() {
        println!("never happened: {}", missing.join(", "));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Tells what was broken, and what led to it.
fn fail(seed: u64, bug: Option<Bug>) -> ExitCode {
    let ending = run(seed, bug, true);
    for line in &ending.trace {
        println!("{line}");
    }
    match &ending.violation {
        Some(violation) => println!("seed {seed}: {violation}"),
        None => println!("seed {seed} failed, and did not when it was run again: the simulator is not deterministic"),
    }
    let bug = bug.map(|bug| format!(" --bug {bug}")).unwrap_or_default();
    println!("again: cargo run --release -p tidings-sim -- --seeds 1 --first {seed}{bug}");
    ExitCode::FAILURE
}

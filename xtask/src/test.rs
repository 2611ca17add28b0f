//! All tests, on any machine: what they need is installed first, and told.

mod c;
mod chromium;
mod clients;
mod crash;
mod daemon;
mod foreign;
mod fuzz;
mod node;
mod outcome;
mod python;
mod sim;
mod suite;
mod tally;
mod typescript;

use crate::check;
use crate::house::House;
use crate::tree::Tree;
use outcome::Outcome;
use std::time::{Duration, Instant};
use tally::Tally;

/// Prove the rules (`check`) and pass every test, those with foreign clients included.
///
/// What the tests need and the machine lacks is installed, and told: cargo-deny; Python packages in target/venv, Node
/// packages in tests/clients, clients/typescript, clients/react and examples/daemon/page, and Chromium and xfsprogs by
/// apt-get when this runs as root on Debian. A step that fails does not keep the others from running. The last line is
/// `N passed, N failed`: tests, and one for each step that failed as a whole.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out the tests in a browser, and the installing of one.
    #[arg(long)]
    quick: bool,
    /// Leave out the rules, which `cargo xtask check` proves alone.
    #[arg(long)]
    no_check: bool,
}

struct Step {
    name: &'static str,
    took: Duration,
    outcome: anyhow::Result<Outcome>,
}

/// Runs every step and prints what became of each.
///
/// # Errors
/// When the workspace cannot be read.
pub(crate) fn main(args: &Args) -> anyhow::Result<bool> {
    let house = House::read(Tree::here())?;
    let mut steps = Vec::new();
    if !args.no_check {
        steps.push(step("check", || Ok(Outcome::Ran(Tally::default(), check::prove_all()?))));
    }
    steps.push(step("suite", || suite::run(&house)));
    if c::exists(&house) {
        steps.push(step("c", || c::run(&house)));
    }
    steps.push(step("sim", || sim::run(&house)));
    steps.push(step("fuzz", || fuzz::run(&house)));
    if foreign::exists(&house) {
        steps.push(step("daemon", || daemon::build(&house.tree)));
        steps.push(step("python", || python::prepare(&house.tree)));
        steps.push(step("node", || node::prepare(&house.tree)));
        if !args.quick {
            steps.push(step("chromium", || chromium::install(&house.tree)));
        }
        steps.push(step("foreign", || foreign::run(&house, args.quick)));
        for package in &typescript::PACKAGES {
            steps.push(step(package.name, || typescript::run(&house.tree, package, args.quick)));
        }
    } else {
        steps.push(step("foreign", || Ok(Outcome::Skipped("there is no package tidings-e2e"))));
    }
    steps.push(step("crash", || crash::run(&house)));
    Ok(summary(&steps))
}

fn step(name: &'static str, run: impl FnOnce() -> anyhow::Result<Outcome>) -> Step {
    println!("== {name}");
    let start = Instant::now();
    let outcome = run();
    Step { name, took: start.elapsed(), outcome }
}

/// Prints the steps and the sum of their tests, and tells whether nothing failed.
fn summary(steps: &[Step]) -> bool {
    let mut sum = Tally::default();
    println!("== summary");
    for Step { name, took, outcome } in steps {
        let told = match outcome {
            Ok(Outcome::Skipped(why)) => format!("skipped: {why}"),
            Ok(Outcome::Ran(tally, true)) if tally.is_empty() => "done".to_owned(),
            Ok(Outcome::Ran(tally, true)) => tally.to_string(),
            Ok(Outcome::Ran(tally, false)) if tally.failed == 0 => format!("FAILED as a whole; {tally}"),
            Ok(Outcome::Ran(tally, false)) => format!("FAILED: {tally}"),
            Err(error) => format!("FAILED: {error:#}"),
        };
        println!("{name:<9} {:>6.1} s  {told}", took.as_secs_f64());
        sum.add(match outcome {
            Ok(Outcome::Skipped(_)) => Tally::default(),
            Ok(Outcome::Ran(tally, true)) => *tally,
            // Tests that did not build, or a rule that is broken, are a failure though no test counted it.
            Ok(Outcome::Ran(tally, false)) => Tally { failed: tally.failed.max(1), ..*tally },
            Err(_) => Tally { passed: 0, failed: 1 },
        });
    }
    println!("{sum}");
    sum.failed == 0
}

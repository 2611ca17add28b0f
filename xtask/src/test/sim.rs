//! A short run of the simulator: what `cargo xtask sim` does for long.

use super::outcome::Outcome;
use crate::house::House;
use crate::run;
use crate::sim;

/// Enough to find most of what it can find, in half a minute.
const SEEDS: &str = "300";

/// Runs it as the suite has built it: a release would take longer to build than to run.
///
/// # Errors
/// When cargo or the simulator cannot be started.
pub(crate) fn run(house: &House) -> anyhow::Result<Outcome> {
    if house.find(sim::PACKAGE).is_none() {
        return Ok(Outcome::Skipped("there is no package tidings-sim"));
    }
    if !run::shown(run::cargo(&house.tree).args(["build", "--bins", "--package", sim::PACKAGE]))? {
        return Ok(Outcome::done(false));
    }
    run::shown(sim::program(&house.tree, "debug").args(["--seeds", SEEDS])).map(Outcome::done)
}

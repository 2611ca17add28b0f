//! A short run of the crash tests: what `cargo xtask crash` does for long.

use super::outcome::Outcome;
use super::tally::Tally;
use crate::crash;
use crate::house::House;
use crate::run;

/// Few enough rounds for a minute, and some of each kind.
const ROUNDS: [&str; 6] = ["--kills", "6", "--cuts", "3", "--full", "1"];

/// Runs them. Each round counts as a test.
///
/// # Errors
/// When cargo or the tests cannot be started.
pub(crate) fn run(house: &House) -> anyhow::Result<Outcome> {
    if house.find(crash::PACKAGE).is_none() {
        return Ok(Outcome::Skipped("there is no package tidings-crash"));
    }
    crash::prepare(&house.tree);
    let Some(daemon) = crash::build(&house.tree, false)? else { return Ok(Outcome::done(false)) };
    let mut tally = Tally::default();
    let good = run::read(crash::program(&house.tree, &daemon).args(ROUNDS), |line| tally.read(line))?;
    Ok(Outcome::Ran(tally, good))
}

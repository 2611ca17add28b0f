//! A short run of the fuzz targets: what `cargo xtask fuzz` does for long.

use super::outcome::Outcome;
use crate::fuzz;
use crate::house::House;

/// Enough to try all that was found before, and a little more.
const SECONDS: u64 = 5;

/// Runs each for a moment.
///
/// # Errors
/// When cargo or a target cannot be started.
pub(crate) fn run(house: &House) -> anyhow::Result<Outcome> {
    match fuzz::build::missing() {
        Some(missing) => {
            println!("NOTHING IS FUZZED: {missing}");
            Ok(Outcome::Skipped("this machine cannot build fuzz targets; see above"))
        }
        None => fuzz::run_all(&house.tree, SECONDS).map(Outcome::done),
    }
}

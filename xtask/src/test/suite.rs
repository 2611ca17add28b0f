//! Every crate's own tests, and the examples in its documentation.

use super::outcome::Outcome;
use super::tally::Tally;
use super::{c, foreign};
use crate::house::House;
use crate::run;

/// Runs `cargo test` over the workspace, but for the tests with foreign clients and with compilers.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn run(house: &House) -> anyhow::Result<Outcome> {
    let mut command = run::cargo(&house.tree);
    command.args(["test", "--workspace", "--no-fail-fast"]);
    if c::exists(house) {
        command.args(["--exclude", c::PACKAGE]);
    }
    if foreign::exists(house) {
        command.args(["--exclude", foreign::PACKAGE]);
    }
    let mut tally = Tally::default();
    let good = run::read(&mut command, |line| tally.read(line))?;
    Ok(Outcome::Ran(tally, good))
}

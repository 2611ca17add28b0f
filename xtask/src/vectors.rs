//! The conformance vectors: one for each frame in each codec.

use crate::house::House;
use crate::run;
use crate::tree::Tree;

/// The test of `tidings-proto` that compares the tables of codes and limits in conformance/ with the crate's own, and
/// holds all other vectors against the code.
const GENERATOR: &str = "conformance";

/// Set, it lets that test write the tables.
const WRITE: &str = "TIDINGS_WRITE_VECTORS";

/// Write the tables in conformance/ anew, or see whether they are up to date.
///
/// The vectors for frames, data and names are written by `python3 conformance/make`, apart from the code that they judge.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail when a file differs from what would be written.
    #[arg(long)]
    check: bool,
}

/// Runs the generator.
///
/// # Errors
/// When the workspace cannot be read or cargo cannot be started.
pub(crate) fn main(args: &Args) -> anyhow::Result<bool> {
    let house = House::read(Tree::here())?;
    if !has_generator(&house) {
        println!("tidings-proto has no test `{GENERATOR}`, which writes the tables in conformance/.");
        return Ok(true);
    }
    generate(&house.tree, args.check)
}

/// Whether the workspace has a generator.
pub(crate) fn has_generator(house: &House) -> bool {
    house.find("tidings-proto").is_some_and(|proto| proto.tests.iter().any(|name| name == GENERATOR))
}

/// Runs the generator, or with `check` only compares.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn generate(tree: &Tree, check: bool) -> anyhow::Result<bool> {
    let mut command = run::cargo(tree);
    command.args(["test", "--quiet", "--package", "tidings-proto", "--test", GENERATOR]);
    if check {
        command.env_remove(WRITE);
    } else {
        command.env(WRITE, "1");
    }
    run::shown(&mut command)
}

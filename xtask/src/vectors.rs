//! The conformance vectors: one for each frame in each codec.

use crate::house::House;
use crate::run;
use crate::tree::Tree;

/// The example of `tidings-proto` that writes the vectors, or compares them when it is told `--check`.
const GENERATOR: &str = "vectors";

/// Write the files in conformance/ anew, or see whether they are up to date.
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
        println!("The vectors in conformance/ are written by hand; tidings-proto has no example `{GENERATOR}`.");
        return Ok(true);
    }
    generate(&house.tree, args.check)
}

/// Whether the workspace has a generator.
pub(crate) fn has_generator(house: &House) -> bool {
    house.find("tidings-proto").is_some_and(|proto| proto.examples.iter().any(|name| name == GENERATOR))
}

/// Runs the generator, or with `check` only compares.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn generate(tree: &Tree, check: bool) -> anyhow::Result<bool> {
    let mut command = run::cargo(tree);
    command.args(["run", "--quiet", "--package", "tidings-proto", "--example", GENERATOR, "--"]);
    if check {
        command.arg("--check");
    }
    run::shown(&mut command)
}

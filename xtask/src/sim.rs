//! The simulator.

use crate::run;
use crate::tree::Tree;
use std::process::Command;

/// The package that holds it, and its program.
pub(crate) const PACKAGE: &str = "tidings-sim";

/// Simulate clients, network, disk, clock and crashes round the real core, and prove the delivery guarantees.
///
/// Builds `tidings-sim` for release and runs it. A seed that breaks a promise is printed with what led to it and with the
/// command that repeats it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Passed on to `tidings-sim`; `cargo xtask sim -- --help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Builds the simulator and runs it.
///
/// # Errors
/// When cargo or the simulator cannot be started.
pub(crate) fn main(args: &Args) -> anyhow::Result<bool> {
    let tree = Tree::here();
    if !run::shown(run::cargo(&tree).args(["build", "--release", "--bins", "--package", PACKAGE]))? {
        return Ok(false);
    }
    run::shown(program(&tree, "release").args(&args.args))
}

/// The simulator as it was built in a profile's folder.
pub(crate) fn program(tree: &Tree, profile: &str) -> Command {
    run::program(tree, &tree.target().join(profile).join(PACKAGE).to_string_lossy())
}

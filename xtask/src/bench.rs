//! Measuring the daemon against the floor.

use crate::run;
use crate::tree::Tree;

/// Build for release and measure the daemon beside the floor: `tidings-load bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Passed on to `tidings-load bench`; `cargo xtask bench -- --help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Builds both programs and runs the measurement.
///
/// # Errors
/// When cargo or the measurement cannot be started.
pub(crate) fn main(args: &Args) -> anyhow::Result<bool> {
    let tree = Tree::here();
    let mut build = run::cargo(&tree);
    build.args(["build", "--release", "--bins", "--package", "tidingsd", "--package", "tidings-load"]);
    if !run::shown(&mut build)? {
        return Ok(false);
    }
    let release = tree.target().join("release");
    let mut bench = run::program(&tree, &release.join("tidings-load").to_string_lossy());
    bench.arg("bench").arg("--daemon").arg(release.join("tidingsd")).args(&args.args);
    run::shown(&mut bench)
}

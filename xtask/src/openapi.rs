//! The document of the HTTP API, `docs/openapi.json`.

use crate::house::House;
use crate::run;
use crate::tree::Tree;

/// The test of `tidings-transports` that compares the file with what the code says.
const TEST: &str = "openapi";

/// Set, it lets that test write the file.
const WRITE: &str = "TIDINGS_WRITE_OPENAPI";

/// Write docs/openapi.json anew, or see whether it is up to date.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail when the file differs from what would be written.
    #[arg(long)]
    check: bool,
}

/// Writes it.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn main(args: &Args) -> anyhow::Result<bool> {
    write(&Tree::here(), args.check)
}

/// Whether the workspace has an HTTP API.
pub(crate) fn exists(house: &House) -> bool {
    house.find("tidings-transports").is_some_and(|one| one.tests.iter().any(|name| name == TEST))
}

/// Writes it, or with `check` only compares.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn write(tree: &Tree, check: bool) -> anyhow::Result<bool> {
    let mut command = run::cargo(tree);
    command.args(["test", "--quiet", "--package", "tidings-transports", "--test", TEST]);
    if check {
        command.env_remove(WRITE);
    } else {
        command.env(WRITE, "1");
    }
    run::shown(&mut command)
}

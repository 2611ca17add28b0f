//! Tests with clients that we did not write, over real sockets, against the daemon as users get it.
//!
//! They live in the package `tidings-e2e` and are told by the environment where things are:
//! `TIDINGS_DAEMON` (the release binary), `TIDINGS_PYTHON` (an interpreter with the pinned packages), `TIDINGS_CLIENTS`
//! (the folder of scripts, Node's packages in it) and, unless it is left out, `TIDINGS_CHROMIUM`.

use super::outcome::Outcome;
use super::tally::Tally;
use super::{chromium, clients, daemon, python};
use crate::house::House;
use crate::run;

/// The package that holds them.
pub(crate) const PACKAGE: &str = "tidings-e2e";

/// The feature without which it has only the tests that cargo alone can run.
const FEATURE: &str = "foreign";

/// The test target that needs a browser: the file `tests/browser.rs` of the package.
const BROWSER: &str = "browser";

/// Whether the workspace has any.
pub(crate) fn exists(house: &House) -> bool {
    house.find(PACKAGE).is_some()
}

/// Runs them; without those in a browser when `quick`.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn run(house: &House, quick: bool) -> anyhow::Result<Outcome> {
    let tree = &house.tree;
    let mut command = run::cargo(tree);
    command.args(["test", "--package", PACKAGE, "--features", FEATURE, "--no-fail-fast"]);
    if quick {
        let tests = house.find(PACKAGE).into_iter().flat_map(|one| &one.tests).filter(|name| *name != BROWSER);
        tests.for_each(|name| {
            command.args(["--test", name]);
        });
    } else {
        command.env("TIDINGS_CHROMIUM", chromium::PATH);
    }
    command.env("TIDINGS_DAEMON", daemon::path(tree));
    command.env("TIDINGS_PYTHON", python::interpreter(tree));
    command.env("TIDINGS_CLIENTS", tree.path(clients::FOLDER));
    let mut tally = Tally::default();
    let good = run::read(&mut command, |line| tally.read(line))?;
    Ok(Outcome::Ran(tally, good))
}

//! Node, for its clients.

use super::clients::{FOLDER, Stamp};
use super::outcome::Outcome;
use crate::run;
use crate::tree::Tree;
use anyhow::ensure;
use std::path::Path;

/// Installs what `tests/clients/package-lock.json` pins.
///
/// # Errors
/// When there is no npm, or the packages cannot be had.
pub(crate) fn prepare(tree: &Tree) -> anyhow::Result<Outcome> {
    let pins = Path::new(FOLDER).join("package-lock.json");
    if !tree.has(&pins) {
        return Ok(Outcome::Skipped("no client asks for Node packages"));
    }
    let stamp = Stamp::new(tree, &pins, &tree.path(FOLDER).join("node_modules"));
    if stamp.is_fresh() {
        return Ok(Outcome::Skipped("its packages are installed"));
    }
    println!("Installing the packages of {} into {FOLDER}/node_modules, for the Node clients.", pins.display());
    let mut npm = run::program(tree, "npm");
    // The browser comes from the system: the packages must not fetch another.
    npm.args(["ci", "--no-audit", "--no-fund"]).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    ensure!(run::shown(npm.current_dir(tree.path(FOLDER)))?, "npm cannot install the packages");
    stamp.keep()?;
    Ok(Outcome::done(true))
}

//! A browser.

use super::outcome::Outcome;
use crate::run;
use crate::tree::Tree;
use anyhow::{bail, ensure};
use std::path::Path;

/// Where Debian puts it.
pub(crate) const PATH: &str = "/usr/bin/chromium";

/// Installs Chromium by apt-get, unless it is there.
///
/// # Errors
/// When this does not run as root, or apt-get cannot install it.
pub(crate) fn install(tree: &Tree) -> anyhow::Result<Outcome> {
    if Path::new(PATH).exists() {
        return Ok(Outcome::Skipped("it is installed"));
    }
    if !is_root(tree) {
        bail!("the tests in a browser need {PATH}: `sudo apt-get install chromium`, or leave them out with --quick");
    }
    println!("Installing Chromium, for the tests in a browser (--quick leaves them out).");
    let mut update = run::program(tree, "apt-get");
    ensure!(run::shown(update.args(["update", "--quiet"]))?, "apt-get cannot fetch its lists");
    let mut install = run::program(tree, "apt-get");
    install.args(["install", "--yes", "--quiet", "--no-install-recommends", "chromium"]);
    ensure!(run::shown(install.env("DEBIAN_FRONTEND", "noninteractive"))?, "apt-get cannot install chromium");
    ensure!(Path::new(PATH).exists(), "chromium was installed, but {PATH} is not there");
    Ok(Outcome::done(true))
}

fn is_root(tree: &Tree) -> bool {
    let output = run::program(tree, "id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

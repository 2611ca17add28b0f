//! Programs that come from Debian.

use crate::run;
use crate::tree::Tree;
use anyhow::ensure;
use std::path::Path;

/// Installs `package` by apt-get, unless `path`, which it brings, is there. Tells whether it was missing.
///
/// # Errors
/// When this does not run as root, or apt-get cannot install it.
pub(crate) fn install(tree: &Tree, package: &str, path: &str, why: &str) -> anyhow::Result<bool> {
    if Path::new(path).exists() {
        return Ok(false);
    }
    ensure!(is_root(tree), "{why} need {path}: `sudo apt-get install {package}`");
    println!("Installing {package}, for {why}.");
    let mut update = run::program(tree, "apt-get");
    ensure!(run::shown(update.args(["update", "--quiet"]))?, "apt-get cannot fetch its lists");
    let mut install = run::program(tree, "apt-get");
    install.args(["install", "--yes", "--quiet", "--no-install-recommends", package]);
    ensure!(run::shown(install.env("DEBIAN_FRONTEND", "noninteractive"))?, "apt-get cannot install {package}");
    ensure!(Path::new(path).exists(), "{package} was installed, but {path} is not there");
    Ok(true)
}

/// Whether this runs as root.
pub(crate) fn is_root(tree: &Tree) -> bool {
    let output = run::program(tree, "id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

//! A browser.

use super::outcome::Outcome;
use crate::apt;
use crate::tree::Tree;

/// Where Debian puts it.
pub(crate) const PATH: &str = "/usr/bin/chromium";

/// Installs Chromium by apt-get, unless it is there.
///
/// # Errors
/// When this does not run as root, or apt-get cannot install it.
pub(crate) fn install(tree: &Tree) -> anyhow::Result<Outcome> {
    let why = "the tests in a browser (--quick leaves them out)";
    Ok(if apt::install(tree, "chromium", PATH, why)? {
        Outcome::done(true)
    } else {
        Outcome::Skipped("it is installed")
    })
}

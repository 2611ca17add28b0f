//! The daemon, as users get it.

use super::outcome::Outcome;
use crate::run;
use crate::tree::Tree;
use std::path::PathBuf;

/// Builds it for release.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn build(tree: &Tree) -> anyhow::Result<Outcome> {
    println!("Building tidingsd for release: clients that we did not write talk to it over real sockets.");
    run::shown(run::cargo(tree).args(["build", "--release", "--package", "tidingsd", "--bins"])).map(Outcome::done)
}

/// Where it then is.
pub(crate) fn path(tree: &Tree) -> PathBuf {
    tree.target().join("release").join("tidingsd")
}

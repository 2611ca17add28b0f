//! Python, for its clients.

use super::clients::{FOLDER, Stamp};
use super::outcome::Outcome;
use crate::run;
use crate::tree::Tree;
use anyhow::ensure;
use std::path::{Path, PathBuf};

/// The interpreter that has the packages.
pub(crate) fn interpreter(tree: &Tree) -> PathBuf {
    folder(tree).join("bin").join("python")
}

fn folder(tree: &Tree) -> PathBuf {
    tree.target().join("venv")
}

/// Makes a virtual environment in `target/venv` with the packages of `tests/clients/requirements.txt`.
///
/// # Errors
/// When there is no Python, or the packages cannot be had.
pub(crate) fn prepare(tree: &Tree) -> anyhow::Result<Outcome> {
    let pins = Path::new(FOLDER).join("requirements.txt");
    if !tree.has(&pins) {
        return Ok(Outcome::Skipped("no client asks for Python packages"));
    }
    let stamp = Stamp::new(tree, &pins, &folder(tree));
    if stamp.is_fresh() {
        return Ok(Outcome::Skipped("its packages are installed"));
    }
    println!("Installing the packages of {} into target/venv, for the Python clients.", pins.display());
    let made = run::shown(run::program(tree, "python3").args(["-m", "venv", "--clear"]).arg(folder(tree)))?;
    ensure!(made, "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv");
    let mut pip = run::program(tree, &interpreter(tree).to_string_lossy());
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--requirement"]).arg(pins);
    ensure!(run::shown(&mut pip)?, "pip cannot install the packages");
    stamp.keep()?;
    Ok(Outcome::done(true))
}

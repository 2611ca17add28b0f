//! The folder of the clients that we did not write, and what was installed for them.

#[cfg(test)]
mod tests;

use crate::tree::Tree;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder: scripts in Python and JavaScript, with the files that pin their packages.
pub(crate) const FOLDER: &str = "tests/clients";

/// A copy of a file of pinned packages, kept beside what was installed by it: while they are the same, nothing has to be
/// installed anew.
pub(crate) struct Stamp {
    pins: PathBuf,
    copy: PathBuf,
}

impl Stamp {
    /// What `pins` asks for is installed in `installed`, an absolute path.
    pub(crate) fn new(tree: &Tree, pins: &Path, installed: &Path) -> Self {
        Self { pins: tree.path(pins), copy: installed.join("installed-by") }
    }

    /// Whether what is installed is what is pinned.
    pub(crate) fn is_fresh(&self) -> bool {
        matches!((fs::read(&self.pins), fs::read(&self.copy)), (Ok(pins), Ok(copy)) if pins == copy)
    }

    /// Remembers that it is.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub(crate) fn keep(&self) -> anyhow::Result<()> {
        fs::copy(&self.pins, &self.copy)?;
        Ok(())
    }
}

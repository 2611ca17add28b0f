//! The project's files.

use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold what tools made, not what people wrote.
const MADE: [&str; 6] = [".git", "target", "node_modules", "__pycache__", "tidings-data", "dist"];

/// The folder that holds the project, and every file in it that somebody wrote.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// The project in `root`.
    pub(crate) fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The project that this program was built in.
    pub(crate) fn here() -> Self {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().map(Path::to_path_buf).unwrap_or_default();
        Self::at(root)
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where `file` is on this machine.
    pub(crate) fn path(&self, file: impl AsRef<Path>) -> PathBuf {
        self.root.join(file)
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target(&self) -> PathBuf {
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.path("target"), |folder| self.path(folder))
    }

    /// Whether there is something at `file`.
    pub(crate) fn has(&self, file: impl AsRef<Path>) -> bool {
        self.path(file).exists()
    }

    /// The text of `file`.
    ///
    /// # Errors
    /// When it cannot be read or is not UTF-8.
    pub(crate) fn read(&self, file: impl AsRef<Path>) -> anyhow::Result<String> {
        let path = self.path(file);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Every file below `folder`, relative to the root, sorted.
    ///
    /// # Errors
    /// When a folder cannot be read. A `folder` that is not there has no files.
    pub(crate) fn files(&self, folder: impl AsRef<Path>) -> anyhow::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut waiting = vec![folder.as_ref().to_path_buf()];
        while let Some(folder) = waiting.pop() {
            let path = self.path(&folder);
            if !path.is_dir() {
                continue;
            }
            for entry in fs::read_dir(&path).with_context(|| format!("cannot list {}", path.display()))? {
                let entry = entry?;
                let kind = entry.file_type()?;
                let name = entry.file_name();
                if kind.is_dir() && !MADE.iter().any(|made| name == *made) {
                    waiting.push(folder.join(name));
                } else if kind.is_file() {
                    found.push(folder.join(name));
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Every file below `folder` whose name ends in one of `endings`.
    ///
    /// # Errors
    /// As [`Tree::files`].
    pub(crate) fn files_ending(&self, folder: impl AsRef<Path>, endings: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = self.files(folder)?;
        files.retain(|file| file.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted)));
        Ok(files)
    }
}

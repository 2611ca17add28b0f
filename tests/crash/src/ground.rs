//! What a daemon's data lies on.

use crate::disk::image::Image;
use crate::disk::mount::run;
use anyhow::Context;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A folder, whose files outlive the daemon, or a disk whose power can be cut.
#[derive(Debug)]
pub(crate) enum Ground {
    /// A folder.
    Folder(TempDir),
    /// A disk.
    Disk(Image),
}

/// Marks an error that is none of the daemon's: the rig could not do its own work.
#[derive(Debug)]
pub(crate) struct RigFault;

impl fmt::Display for RigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rig itself failed")
    }
}

impl Ground {
    /// A new folder.
    ///
    /// # Errors
    /// When there can be none.
    pub(crate) fn folder() -> anyhow::Result<Self> {
        Ok(Self::Folder(tempfile::Builder::new().prefix("tidings-crash.").tempdir().context(RigFault)?))
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.path().join("data"),
            Self::Disk(image) => image.data(),
        }
    }

    /// Whether what happens after [`Ground::cut`] is undone.
    pub(crate) fn has_power(&self) -> bool {
        matches!(self, Self::Disk(_))
    }

    /// The power is cut: whatever reaches the disk from now on is undone by [`Ground::settle`].
    ///
    /// # Errors
    /// When the disk cannot be cloned.
    pub(crate) fn cut(&self) -> anyhow::Result<()> {
        match self {
            Self::Folder(_) => Ok(()),
            Self::Disk(image) => image.cut().context(RigFault),
        }
    }

    /// The power is there again. No daemon may run.
    ///
    /// # Errors
    /// When the disk cannot be mounted, or the folder not be copied.
    pub(crate) fn settle(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Folder(folder) => {
                let before = folder.path().join("before");
                let fresh = || -> anyhow::Result<()> {
                    if before.exists() {
                        fs::remove_dir_all(&before)?;
                    }
                    run(Command::new("cp").arg("-a").arg(folder.path().join("data")).arg(&before))
                };
                fresh().context(RigFault)
            }
            Self::Disk(image) => image.restore().context(RigFault),
        }
    }

    /// Copies what the last crash left, as no daemon has opened it yet, to a folder that stays.
    ///
    /// # Errors
    /// When there was no crash yet, or no room.
    pub(crate) fn keep(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        match self {
            Self::Folder(from) => run(Command::new("cp").arg("-a").arg(from.path().join("before")).arg(folder)),
            Self::Disk(image) => image.keep(folder),
        }
    }
}

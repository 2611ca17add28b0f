//! One disk, and its cuts.

use super::mount::{Mount, run};
use anyhow::Context;
use rustix::fs::ioctl_ficlone;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk that is mounted. Dropping it unmounts and removes it.
#[derive(Debug)]
pub(crate) struct Image {
    mount: Option<Mount>,
    /// Where its images lie.
    folder: PathBuf,
    point: PathBuf,
}

impl Image {
    /// Mounts a clone of `blank` at `point`; clones lie in `folder`.
    ///
    /// # Errors
    /// When it cannot be cloned or mounted.
    pub(crate) fn new(blank: &Path, folder: PathBuf, point: PathBuf) -> anyhow::Result<Self> {
        let mut image = Self { mount: None, folder, point };
        clone(blank, &image.file("disk"))?;
        image.mount = Some(Mount::of(&image.file("disk"), &image.point)?);
        Ok(image)
    }

    /// A folder on it for the daemon.
    pub(crate) fn data(&self) -> PathBuf {
        self.point.join("data")
    }

    /// Takes an atomic picture of what has reached the device.
    ///
    /// # Errors
    /// When it cannot be cloned.
    pub(crate) fn cut(&self) -> anyhow::Result<()> {
        clone(&self.file("disk"), &self.file("cut"))
    }

    /// Puts the picture in the place of the disk, and keeps a copy of it as it is. Nothing may use the disk.
    ///
    /// # Errors
    /// When something does, or the picture cannot be mounted.
    pub(crate) fn restore(&mut self) -> anyhow::Result<()> {
        self.mount.take().context("it is mounted between cuts")?.end()?;
        fs::rename(self.file("cut"), self.file("disk"))?;
        clone(&self.file("disk"), &self.file("before"))?;
        self.mount = Some(Mount::of(&self.file("disk"), &self.point).context("the disk after a power cut")?);
        Ok(())
    }

    /// Copies the disk as the last cut left it to `folder`.
    ///
    /// # Errors
    /// When there was no cut yet, or no room.
    pub(crate) fn keep(&self, folder: &Path) -> anyhow::Result<()> {
        let target = folder.join("disk.ext4");
        run(Command::new("cp").arg("--sparse=always").arg(self.file("before")).arg(target))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        self.mount = None;
        // The bench is taken away as a whole if this fails.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn clone(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copy = || -> anyhow::Result<()> { Ok(ioctl_ficlone(File::create(to)?, File::open(from)?)?) };
    copy().with_context(|| format!("cannot clone {}", from.display()))
}

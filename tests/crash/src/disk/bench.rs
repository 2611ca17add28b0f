//! The XFS that holds disks, so that they can be cloned.

use super::image::Image;
use super::mount::{Mount, run};
use anyhow::Context;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Room for disks and their clones, in bytes. Nothing of it is used before it is written.
const BENCH_BYTES: u64 = 16 << 30;

/// Room on one disk, in bytes.
const DISK_BYTES: u64 = 1 << 30;

/// A place for disks. Dropping it takes everything away.
#[derive(Debug)]
pub(crate) struct Bench {
    /// Before the folder: what is mounted in it must go first.
    mount: Option<Mount>,
    folder: TempDir,
    disks: usize,
}

impl Bench {
    /// Makes one in a folder for temporary files.
    ///
    /// # Errors
    /// Without root, `mkfs.xfs`, `mkfs.ext4` or loop devices; it says which.
    pub(crate) fn set_up() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("tidings-crash.").tempdir()?;
        let file = folder.path().join("xfs");
        sparse(&file, BENCH_BYTES)?;
        run(Command::new("mkfs.xfs").args(["-q", "-m", "reflink=1"]).arg(&file))?;
        let mount = Mount::of(&file, &folder.path().join("bench"))?;
        // The mount holds it: it is gone when the mount is, whatever becomes of this process.
        fs::remove_file(&file)?;
        let bench = Self { mount: Some(mount), folder, disks: 0 };
        let blank = bench.blank();
        sparse(&blank, DISK_BYTES)?;
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&blank))?;
        Ok(bench)
    }

    /// A new empty disk.
    ///
    /// # Errors
    /// When it cannot be cloned or mounted.
    pub(crate) fn disk(&mut self) -> anyhow::Result<Image> {
        self.disks += 1;
        let folder = self.folder.path().join("bench").join(format!("disk-{}", self.disks));
        fs::create_dir(&folder)?;
        Image::new(&self.blank(), folder, self.folder.path().join(format!("mount-{}", self.disks)))
    }

    /// A new empty disk of so many bytes, to be filled.
    ///
    /// # Errors
    /// When it cannot be made or mounted.
    pub(crate) fn small(&mut self, bytes: u64) -> anyhow::Result<Small> {
        self.disks += 1;
        let file = self.folder.path().join("bench").join(format!("small-{}", self.disks));
        sparse(&file, bytes)?;
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&file))?;
        let point = self.folder.path().join(format!("mount-{}", self.disks));
        let mount = Mount::of(&file, &point)?;
        fs::remove_file(&file)?;
        Ok(Small { _mount: mount, point })
    }

    fn blank(&self) -> PathBuf {
        self.folder.path().join("bench").join("blank")
    }
}

/// A small disk. Dropping it takes it away.
#[derive(Debug)]
pub(crate) struct Small {
    _mount: Mount,
    point: PathBuf,
}

impl Small {
    /// Where it is mounted.
    pub(crate) fn folder(&self) -> &Path {
        &self.point
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.mount = None;
    }
}

/// Makes a file of that size of which nothing is written.
///
/// # Errors
/// When there can be none.
fn sparse(path: &Path, bytes: u64) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(file.set_len(bytes)?)
}

//! A mount that ends with its value.

use anyhow::{Context, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An image that is mounted by way of a loop device, which goes with the mount. Dropping it unmounts it.
#[derive(Debug)]
pub(crate) struct Mount {
    point: Option<PathBuf>,
}

impl Mount {
    /// Mounts `image`, with the file system's own defaults.
    ///
    /// # Errors
    /// Without the right to mount, without loop devices, or when there is no file system in it.
    pub(crate) fn of(image: &Path, point: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(point)?;
        run(Command::new("mount").args(["-o", "loop"]).arg(image).arg(point))?;
        Ok(Self { point: Some(point.to_path_buf()) })
    }

    /// Unmounts it, and returns when that is done.
    ///
    /// # Errors
    /// When something still uses it.
    pub(crate) fn end(mut self) -> anyhow::Result<()> {
        let point = self.point.take().context("it is mounted until it ends")?;
        let done = run(Command::new("umount").arg(&point));
        if done.is_err() {
            // It goes when nothing uses it any more.
            run(Command::new("umount").arg("--lazy").arg(&point))?;
        }
        done
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if let Some(point) = self.point.take()
            && let Err(error) = (Self { point: Some(point) }).end()
        {
            eprintln!("{error:#}");
        }
    }
}

/// Runs a program that says nothing unless it fails.
///
/// # Errors
/// When it fails, with what it said.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {name}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed ({}): {}", output.status, said.trim());
    Ok(())
}

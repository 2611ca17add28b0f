//! Where things are. `cargo xtask test` tells it by the environment.

use anyhow::{Context, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The daemon's binary: `TIDINGS_DAEMON`, or else it is built now, in the profile in which these tests were built, so
/// that no test ever passes against an old one.
///
/// # Errors
/// When there is none at `TIDINGS_DAEMON`, or it cannot be built.
pub fn daemon() -> anyhow::Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    if let Some(path) = std::env::var_os("TIDINGS_DAEMON") {
        return existing(path.into(), "TIDINGS_DAEMON");
    }
    BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}"))).clone().map_err(anyhow::Error::msg)
}

/// The Python that has the packages of `tests/clients/requirements.txt`.
///
/// # Errors
/// When it is not told or not there.
pub fn python() -> anyhow::Result<PathBuf> {
    told("TIDINGS_PYTHON")
}

/// The browser.
///
/// # Errors
/// When it is not told or not there.
pub fn chromium() -> anyhow::Result<PathBuf> {
    told("TIDINGS_CHROMIUM")
}

/// The folder of scripts, with Node's packages in it.
#[must_use]
pub fn clients() -> PathBuf {
    match std::env::var_os("TIDINGS_CLIENTS") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("clients"),
    }
}

fn told(name: &str) -> anyhow::Result<PathBuf> {
    let path =
        std::env::var_os(name).with_context(|| format!("{name} is not set: run `cargo xtask test`, which does"))?;
    existing(path.into(), name)
}

fn existing(path: PathBuf, name: &str) -> anyhow::Result<PathBuf> {
    ensure!(path.exists(), "{name} is {}, and nothing is there", path.display());
    Ok(path)
}

fn build() -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args(["build", "--package", "tidingsd", "--bins", "--message-format", "json"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.output().context("cannot start cargo")?;
    ensure!(output.status.success(), "cannot build tidingsd:\n{}", String::from_utf8_lossy(&output.stderr));
    let messages = output.stdout.split(|byte| *byte == b'\n');
    for message in messages.filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok()) {
        if let (Some("tidingsd"), Some(path)) = (message["target"]["name"].as_str(), message["executable"].as_str()) {
            return Ok(path.into());
        }
    }
    bail!("cargo built tidingsd, but does not say where")
}

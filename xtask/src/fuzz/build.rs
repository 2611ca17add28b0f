//! An instrumented build, on a stable compiler: the flags that cargo-fuzz passes to a nightly one.

use super::target::{TRIPLE, Target};
use crate::run;
use crate::tree::Tree;
use std::path::PathBuf;
use std::process::Command;

/// Coverage for libFuzzer, checks of memory, and the parts of the crates that are there for fuzzing alone.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Zsanitizer=address";

/// What this machine lacks to fuzz, if anything.
pub(crate) fn missing() -> Option<String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Some(format!("the targets are built for {TRIPLE} alone"));
    }
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
    if !run::answers(Command::new(&compiler).arg("--version")) {
        return Some(format!("libFuzzer is C++ and there is no {compiler}; on Debian: apt-get install g++"));
    }
    let printed = Command::new("rustc").args(["--print", "target-libdir", "--target", TRIPLE]).output().ok()?;
    let libraries = PathBuf::from(String::from_utf8_lossy(&printed.stdout).trim());
    let has_runtime = std::fs::read_dir(&libraries).is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().ends_with("rt.asan.a")))
    });
    (!has_runtime).then(|| format!("the compiler has no address sanitizer for {TRIPLE} in {}", libraries.display()))
}

/// Builds targets.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn build(tree: &Tree, targets: &[&Target]) -> anyhow::Result<bool> {
    let mut command = run::cargo(tree);
    command.args(["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", TRIPLE]);
    command.arg("--target-dir").arg(tree.target().join("fuzz"));
    for target in targets {
        command.args(["--bin", target.name]);
    }
    // Unstable flags on a stable compiler: for this build alone, which nobody ships.
    command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", FLAGS).env_remove("CARGO_ENCODED_RUSTFLAGS");
    run::shown(&mut command)
}

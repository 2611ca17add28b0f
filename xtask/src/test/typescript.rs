//! The client in TypeScript: its types, its parts, and the whole of it against the daemon.

use super::clients::Stamp;
use super::daemon;
use super::outcome::Outcome;
use super::tally::Tally;
use crate::run;
use crate::tree::Tree;
use anyhow::ensure;
use std::path::Path;
use std::process::Command;

/// Where it is.
const FOLDER: &str = "clients/typescript";

/// Installs its tools, checks its types and its table of codes, and runs its tests.
///
/// # Errors
/// When there is no npm, or the packages cannot be had.
pub(crate) fn run(tree: &Tree) -> anyhow::Result<Outcome> {
    let pins = Path::new(FOLDER).join("package-lock.json");
    if !tree.has(&pins) {
        return Ok(Outcome::Skipped("there is no client in TypeScript"));
    }
    let stamp = Stamp::new(tree, &pins, &tree.path(FOLDER).join("node_modules"));
    if !stamp.is_fresh() {
        println!(
            "Installing the packages of {} into {FOLDER}/node_modules, to build and test the client.",
            pins.display()
        );
        ensure!(run::shown(inside(tree, "npm").args(["ci", "--no-audit", "--no-fund"]))?, "npm cannot install them");
        stamp.keep()?;
    }
    let checked = run::shown(inside(tree, "npm").args(["run", "--silent", "check"]))?;
    let built = run::shown(inside(tree, "npm").args(["run", "--silent", "build"]))?;
    let mut tests = inside(tree, "npm");
    tests.args(["test", "--silent"]).env("NO_COLOR", "1").env("TIDINGS_DAEMON", daemon::path(tree));
    let mut tally = Tally::default();
    let passed = run::read(&mut tests, |line| read(&mut tally, line))?;
    Ok(Outcome::Ran(tally, checked && built && passed))
}

fn inside(tree: &Tree, name: &str) -> Command {
    let mut command = run::program(tree, name);
    command.current_dir(tree.path(FOLDER));
    command
}

/// Counts the line with which vitest ends: `Tests  1 failed | 2 passed (3)`.
fn read(tally: &mut Tally, line: &str) {
    let Some(counts) = line.trim_start().strip_prefix("Tests ") else { return };
    let counts = counts.split_once('(').map_or(counts, |(counts, _)| counts);
    for count in counts.split('|') {
        match count.trim().split_once(' ') {
            Some((number, "passed")) => tally.passed += number.parse().unwrap_or(0),
            Some((number, "failed")) => tally.failed += number.parse().unwrap_or(0),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Tally, read};

    #[test]
    fn vitest_is_counted() {
        let mut tally = Tally::default();
        for line in ["      Tests  2 failed | 10 passed | 3 skipped (15)", " Test Files  1 passed (1)", "Tests no"] {
            read(&mut tally, line);
        }
        assert_eq!(tally, Tally { passed: 10, failed: 2 });
    }
}

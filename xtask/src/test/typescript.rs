//! What is written in TypeScript: types, parts, and the whole of it against the daemon.

use super::clients::Stamp;
use super::outcome::Outcome;
use super::tally::Tally;
use super::{chromium, daemon};
use crate::run;
use crate::tree::Tree;
use anyhow::ensure;
use std::path::Path;
use std::process::Command;

/// A package.
pub(crate) struct Package {
    /// The step's name.
    pub(crate) name: &'static str,
    /// Where it is.
    folder: &'static str,
    /// Its scripts that have to go well, in this order, before its tests.
    scripts: &'static [&'static str],
}

/// All of them, in an order in which each finds built what it needs.
pub(crate) const PACKAGES: [Package; 3] = [
    Package { name: "client", folder: "clients/typescript", scripts: &["check", "build"] },
    Package { name: "react", folder: "clients/react", scripts: &["check", "build"] },
    // What is built of it is kept with its source, for those who build the daemon without npm: `drift` compares the two.
    Package { name: "page", folder: "examples/daemon/page", scripts: &["check", "drift"] },
];

/// Installs its tools, runs its scripts, and runs its tests; without those in a browser when `quick`.
///
/// # Errors
/// When there is no npm, or the packages cannot be had.
pub(crate) fn run(tree: &Tree, package: &Package, quick: bool) -> anyhow::Result<Outcome> {
    let Package { folder, scripts, .. } = package;
    let pins = Path::new(folder).join("package-lock.json");
    if !tree.has(&pins) {
        return Ok(Outcome::Skipped("there is no such package"));
    }
    let stamp = Stamp::new(tree, &pins, &tree.path(folder).join("node_modules"));
    if !stamp.is_fresh() {
        println!("Installing the packages of {} into {folder}/node_modules, to build and test it.", pins.display());
        ensure!(
            run::shown(inside(tree, folder, "npm").args(["ci", "--no-audit", "--no-fund"]))?,
            "npm cannot install them"
        );
        stamp.keep()?;
    }
    let mut good = true;
    for script in *scripts {
        good &= run::shown(inside(tree, folder, "npm").args(["run", "--silent", script]))?;
    }
    let mut tests = inside(tree, folder, "npm");
    tests.args(["test", "--silent"]).env("NO_COLOR", "1").env("TIDINGS_DAEMON", daemon::path(tree));
    if !quick {
        tests.env("TIDINGS_CHROMIUM", chromium::PATH);
    }
    let mut tally = Tally::default();
    good &= run::read(&mut tests, |line| read(&mut tally, line))?;
    Ok(Outcome::Ran(tally, good))
}

fn inside(tree: &Tree, folder: &str, name: &str) -> Command {
    let mut command = run::program(tree, name);
    command.current_dir(tree.path(folder));
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

//! Crash tests of the daemon.

use crate::apt;
use crate::run;
use crate::tree::Tree;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package that holds them, and its program.
pub(crate) const PACKAGE: &str = "tidings-crash";

/// The daemon's package.
const DAEMON: &str = "tidingsd";

/// Where Debian puts what makes the file system in which a disk can be cloned.
const MKFS_XFS: &str = "/usr/sbin/mkfs.xfs";

/// Kill the daemon, cut its power and fill its disk, over and over, and count what it had promised to keep.
///
/// Builds the daemon for release, and `tidings-crash`, which does it. Power cuts and full disks need root and loop devices;
/// xfsprogs is installed by apt-get where it is missing. Where they cannot be had, that is said, and processes are killed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds that end by `kill -9`: under load, at the start, while stopping.
    #[arg(long)]
    kills: Option<u32>,
    /// Rounds that end by a power cut.
    #[arg(long)]
    cuts: Option<u32>,
    /// Rounds in which the disk fills up.
    #[arg(long)]
    full: Option<u32>,
    /// Go through these rounds again and again until so many seconds have passed.
    #[arg(long)]
    seconds: Option<u64>,
    /// The seed of every choice, as an earlier run printed it.
    #[arg(long)]
    seed: Option<u64>,
    /// Show that the tests can fail: build the daemon without its syncs and cut its power until an entry is lost.
    #[arg(long)]
    prove: bool,
}

/// Builds both programs and runs the tests.
///
/// # Errors
/// When cargo or the tests cannot be started.
pub(crate) fn main(args: &Args) -> anyhow::Result<bool> {
    let tree = Tree::here();
    prepare(&tree);
    let Some(daemon) = build(&tree, args.prove)? else { return Ok(false) };
    let mut crash = program(&tree, &daemon);
    let numbers = [
        ("--kills", args.kills.map(u64::from)),
        ("--cuts", args.cuts.map(u64::from)),
        ("--full", args.full.map(u64::from)),
        ("--seconds", args.seconds),
        ("--seed", args.seed),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            crash.arg(name).arg(number.to_string());
        }
    }
    if args.prove {
        crash.arg("--prove");
    }
    run::shown(&mut crash)
}

/// The tests' program, to be run against `daemon`.
pub(crate) fn program(tree: &Tree, daemon: &Path) -> Command {
    let path = tree.target().join("debug").join(PACKAGE);
    let mut crash = run::program(tree, &path.to_string_lossy());
    crash.arg("--daemon").arg(daemon);
    crash
}

/// Gets what power cuts need, where it can be had. What is missing is said by the tests, which do without.
pub(crate) fn prepare(tree: &Tree) {
    if apt::is_root(tree)
        && let Err(error) = apt::install(tree, "xfsprogs", MKFS_XFS, "power cuts")
    {
        println!("{error:#}");
    }
}

/// Builds the tests, and the daemon for release; without its syncs in a folder of its own, so that nobody takes it for the
/// other. Returns where the daemon is, if all is well.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn build(tree: &Tree, without_sync: bool) -> anyhow::Result<Option<PathBuf>> {
    let mut tests = run::cargo(tree);
    // As tests are built: the daemon is to be fast, and its clients are fast enough.
    if !run::shown(tests.args(["build", "--bins", "--package", PACKAGE]))? {
        return Ok(None);
    }
    let mut target = tree.target();
    let mut daemon = run::cargo(tree);
    daemon.args(["build", "--release", "--bins", "--package", DAEMON]);
    if without_sync {
        target = target.join("skip-sync");
        daemon.args(["--features", "skip-sync", "--target-dir"]).arg(&target);
    }
    Ok(run::shown(&mut daemon)?.then(|| target.join("release").join(DAEMON)))
}

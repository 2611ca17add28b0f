//! Fuzzing: everything that reads what somebody else wrote, under bytes that are bred to break it.

pub(crate) mod build;
mod seeds;
mod target;

use crate::run;
use crate::tree::Tree;
use anyhow::bail;
use target::{TARGETS, Target};

/// Build the fuzz targets instrumented and run each for a while, from the vectors in conformance/ and what was found before.
///
/// Works on stable Rust for Linux with a C++ compiler. What it has learnt stays in target/fuzz/corpus; what breaks a promise is
/// written to target/fuzz/found and told with the command that repeats it. Put such a file into fuzz/regressions/TARGET
/// once it is mended, beside a test of the crate.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run this target alone; may be given several times.
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// How long each runs.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// List the targets.
    #[arg(long)]
    list: bool,
    /// Run one target on this file alone, and show everything.
    #[arg(long, value_name = "FILE")]
    repeat: Option<String>,
}

/// Builds and runs what `args` ask for.
///
/// # Errors
/// When the machine cannot build the targets, or something cannot be started.
pub(crate) fn main(args: &Args) -> anyhow::Result<bool> {
    let tree = Tree::here();
    if args.list {
        for target in &TARGETS {
            println!("{:<10} {}", target.name, target.about);
        }
        return Ok(true);
    }
    let chosen = chosen(&args.target)?;
    if let Some(missing) = build::missing() {
        bail!("cannot fuzz on this machine: {missing}");
    }
    if !build::build(&tree, &chosen)? {
        return Ok(false);
    }
    if let Some(file) = &args.repeat {
        let [target] = chosen[..] else { bail!("name the target to repeat with: --target NAME") };
        return run::shown(target.program(&tree).arg(file));
    }
    run_each(&tree, &chosen, args.seconds)
}

/// Every target for so many seconds, on what was built.
///
/// # Errors
/// When one cannot be started.
pub(crate) fn run_all(tree: &Tree, seconds: u64) -> anyhow::Result<bool> {
    let all: Vec<_> = TARGETS.iter().collect();
    Ok(build::build(tree, &all)? && run_each(tree, &all, seconds)?)
}

fn run_each(tree: &Tree, targets: &[&Target], seconds: u64) -> anyhow::Result<bool> {
    let mut good = true;
    for target in targets {
        seeds::write(tree, target.name)?;
        good &= target.run(tree, seconds)?;
    }
    Ok(good)
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Target>> {
    if let Some(unknown) = names.iter().find(|name| TARGETS.iter().all(|target| target.name != **name)) {
        bail!("there is no target {unknown:?}; `cargo xtask fuzz --list` lists them");
    }
    Ok(TARGETS.iter().filter(|target| names.is_empty() || names.iter().any(|name| name == target.name)).collect())
}

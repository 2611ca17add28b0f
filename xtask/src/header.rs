//! The C library's header, `bindings/c/include/tidings.h`.

use crate::tree::Tree;
use anyhow::Context;
use cbindgen::{Builder, Config};
use std::path::{Path, PathBuf};

/// The header, and where it is written from.
pub(crate) const HEADER: &str = "bindings/c/include/tidings.h";
const CONFIG: &str = "bindings/c/cbindgen.toml";
const SOURCES: &str = "bindings/c/src";

/// What a reader wants to see first; the rest follows by name.
const FIRST: [&str; 10] =
    ["version", "status", "code", "memory", "event", "config", "engine", "life", "batch", "listen"];

/// Write bindings/c/include/tidings.h anew, or see whether it is up to date.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail when the file differs from what would be written.
    #[arg(long)]
    check: bool,
}

/// Writes it.
///
/// # Errors
/// When the source cannot be read or understood.
pub(crate) fn main(args: &Args) -> anyhow::Result<bool> {
    let tree = Tree::here();
    if args.check {
        let clean = is_fresh(&tree)?;
        println!("{HEADER} is {}", if clean { "up to date" } else { "not what the source says" });
        return Ok(clean);
    }
    std::fs::write(tree.path(HEADER), text(&tree)?).with_context(|| format!("cannot write {HEADER}"))?;
    Ok(true)
}

/// Whether there is a C library.
pub(crate) fn exists(tree: &Tree) -> bool {
    tree.has(CONFIG)
}

/// Whether the file is what the source says.
///
/// # Errors
/// As [`main`].
pub(crate) fn is_fresh(tree: &Tree) -> anyhow::Result<bool> {
    Ok(tree.has(HEADER) && tree.read(HEADER)? == text(tree)?)
}

fn text(tree: &Tree) -> anyhow::Result<String> {
    let config = Config::from_file(tree.path(CONFIG)).map_err(anyhow::Error::msg)?;
    let mut builder = Builder::new().with_config(config);
    for file in sources(tree)? {
        builder = builder.with_src(tree.path(file));
    }
    let mut text = Vec::new();
    builder.generate().context("cbindgen does not understand bindings/c/src")?.write(&mut text);
    Ok(String::from_utf8(text)?)
}

/// The source files, in the order in which what they export stands in the header.
fn sources(tree: &Tree) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = tree.files_ending(SOURCES, &["rs"])?;
    // It exports nothing, and cbindgen would follow its modules to all others again.
    files.retain(|file| !file.ends_with("lib.rs"));
    files.sort_by_key(|file| {
        let name = file.file_stem().unwrap_or_default();
        (FIRST.iter().position(|first| Path::new(first) == Path::new(name)).unwrap_or(FIRST.len()), file.clone())
    });
    Ok(files)
}

//! The C library, installed where a compiler finds it.

use crate::header::HEADER;
use crate::run;
use crate::tree::Tree;
use anyhow::{Context, bail, ensure};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use toml::Table;

const PACKAGE: &str = "tidings-c";
const DESCRIPTION: &str = "bindings/c/tidings.pc.in";
const BUILD: &str = "bindings/c/build.rs";

/// Build the C library for release and install it: header, shared and static library, pkg-config file.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to install: an absolute path, such as /usr/local.
    #[arg(long)]
    prefix: PathBuf,
    /// The folder for libraries, PREFIX/lib if it is not given.
    #[arg(long)]
    libdir: Option<PathBuf>,
    /// Put everything below this folder, for packages; what is installed does not name it.
    #[arg(long)]
    destdir: Option<PathBuf>,
    /// Build quickly, for a trial, and not for release.
    #[arg(long)]
    debug: bool,
}

/// Builds and installs it.
///
/// # Errors
/// When a path is not absolute, the build cannot be started, or a file cannot be written.
pub(crate) fn main(args: &Args) -> anyhow::Result<bool> {
    let tree = Tree::here();
    ensure!(args.prefix.is_absolute(), "--prefix is an absolute path, such as /usr/local");
    let libdir = args.libdir.clone().unwrap_or_else(|| args.prefix.join("lib"));
    ensure!(libdir.is_absolute(), "--libdir is an absolute path");
    let mut build = run::cargo(&tree);
    build.args(["build", "--package", PACKAGE]);
    if !args.debug {
        build.arg("--release");
    }
    if !run::shown(&mut build)? {
        return Ok(false);
    }
    let built = tree.target().join(if args.debug { "debug" } else { "release" });
    let place = Place { prefix: args.prefix.clone(), libdir, destdir: args.destdir.clone() };
    for file in place.install(&tree, &built)? {
        println!("{}", file.display());
    }
    Ok(true)
}

/// Where it is installed.
pub(crate) struct Place {
    pub(crate) prefix: PathBuf,
    pub(crate) libdir: PathBuf,
    pub(crate) destdir: Option<PathBuf>,
}

impl Place {
    /// Installs what was built, and tells the files.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub(crate) fn install(&self, tree: &Tree, built: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let version = version(tree)?;
        let soname = soname(tree)?;
        let shared = format!("libtidings.so.{version}");
        let include = self.prefix.join("include");
        let description = tree
            .read(DESCRIPTION)?
            .replace("@prefix@", text(&self.prefix)?)
            .replace("@libdir@", text(&self.libdir)?)
            .replace("@includedir@", text(&include)?)
            .replace("@version@", &version);
        let mut files = vec![
            self.copy(&tree.path(HEADER), &include.join("tidings.h"))?,
            self.copy(&built.join("libtidings.so"), &self.libdir.join(&shared))?,
            self.copy(&built.join("libtidings.a"), &self.libdir.join("libtidings.a"))?,
        ];
        for (name, target) in [(soname.as_str(), shared.as_str()), ("libtidings.so", soname.as_str())] {
            let link = self.below(&self.libdir.join(name))?;
            // What an earlier version left.
            let _ = fs::remove_file(&link);
            symlink(target, &link).with_context(|| format!("cannot make the link {}", link.display()))?;
            files.push(link);
        }
        let pc = self.below(&self.libdir.join("pkgconfig/tidings.pc"))?;
        fs::write(&pc, description).with_context(|| format!("cannot write {}", pc.display()))?;
        files.push(pc);
        Ok(files)
    }

    fn copy(&self, from: &Path, to: &Path) -> anyhow::Result<PathBuf> {
        let to = self.below(to)?;
        // Not written over: a program may have it in its memory.
        let _ = fs::remove_file(&to);
        fs::copy(from, &to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
        Ok(to)
    }

    /// Where a file really goes. Its folder is made.
    fn below(&self, path: &Path) -> anyhow::Result<PathBuf> {
        let path = match (&self.destdir, path.strip_prefix("/")) {
            (Some(destdir), Ok(path)) => destdir.join(path),
            _ => path.to_path_buf(),
        };
        let folder = path.parent().context("a file lies in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(path)
    }
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("pkg-config knows paths of UTF-8 alone")
}

fn version(tree: &Tree) -> anyhow::Result<String> {
    let manifest: Table = tree.read("Cargo.toml")?.parse()?;
    let version = manifest.get("workspace").and_then(|one| one.get("package")?.get("version")?.as_str());
    Ok(version.context("the workspace has a version")?.to_owned())
}

/// The name that programs look for, as the build gives it to the library.
fn soname(tree: &Tree) -> anyhow::Result<String> {
    let script = tree.read(BUILD)?;
    let named = script.split_once("const SONAME: &str = \"").and_then(|(_, rest)| rest.split_once('"'));
    match named {
        Some((name, _)) => Ok(name.to_owned()),
        None => bail!("{BUILD} names no SONAME"),
    }
}

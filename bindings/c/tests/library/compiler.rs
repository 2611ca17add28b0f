//! C programs, compiled against the header and linked with the library that this test was built with.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

/// What no program of ours may be warned of.
pub(crate) const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

/// How C is watched while it runs.
pub(crate) const SANITIZED: [&str; 3] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"];

/// The crate's folder.
pub(crate) fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The compiler of C, or of C++.
pub(crate) fn compiler(variable: &str, usual: &str) -> Command {
    Command::new(std::env::var_os(variable).unwrap_or_else(|| usual.into()))
}

/// Runs a command and returns what it wrote, or fails with it.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{said}\n{complained}", output.status);
    output
}

/// Where the library is, with the name that it was given for those who link with it.
pub(crate) fn library() -> &'static Path {
    static LINKED: OnceLock<TempDir> = OnceLock::new();
    let linked = LINKED.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        // target/debug/deps/main-…: the library is beside it, or one floor up.
        let built = test.ancestors().skip(1).take(2).map(|folder| folder.join("libtidings.so"));
        let built = built.into_iter().find(|file| file.exists()).expect("cargo builds the library for its tests");
        let folder = tempfile::tempdir().unwrap();
        for name in ["libtidings.so", "libtidings.so.0"] {
            std::os::unix::fs::symlink(&built, folder.path().join(name)).unwrap();
        }
        folder
    });
    linked.path()
}

/// A program made of one source file.
pub(crate) struct Program {
    binary: PathBuf,
    /// What it may write to.
    pub(crate) folder: TempDir,
}

impl Program {
    /// Compiles it.
    pub(crate) fn compile(source: &str, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("program");
        let mut command = compiler("CC", "cc");
        command.args(["-std=gnu11"]).args(&STRICT[..3]).args(flags).arg(self::folder().join(source));
        command.arg("-I").arg(self::folder().join("include")).arg("-L").arg(library());
        command.arg("-o").arg(&binary).args(["-ltidings", "-lpthread"]);
        run(&mut command);
        Self { binary, folder }
    }

    /// The program, to be run with these arguments.
    pub(crate) fn with(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).env("LD_LIBRARY_PATH", library()).env("RUST_BACKTRACE", "0");
        command
    }
}

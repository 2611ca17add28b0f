//! C programs, compiled against the header and linked with the library as it is now.

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

/// Builds the library, which cargo does not do for tests that do not link with it themselves.
fn build() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(folder()).args(["build", "--lib", "--package", "tidings-c"]);
    if cfg!(feature = "planted-panics") {
        cargo.args(["--features", "planted-panics"]);
    }
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    run(&mut cargo);
}

/// Where the library is, with the name that it was given for those who link with it.
pub(crate) fn library() -> &'static Path {
    static LINKED: OnceLock<TempDir> = OnceLock::new();
    let linked = LINKED.get_or_init(|| {
        // target/debug/deps/library-…: the library lies one floor up.
        let test = std::env::current_exe().unwrap();
        let built = test.ancestors().nth(2).unwrap().join("libtidings.so");
        build();
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

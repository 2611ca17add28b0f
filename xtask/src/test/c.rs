//! The C library: its own tests, and a program that is built with what is installed.

use super::outcome::Outcome;
use super::tally::Tally;
use crate::c_install::Place;
use crate::header;
use crate::house::House;
use crate::run;
use crate::tree::Tree;
use std::path::Path;
use std::process::Command;

/// The package, whose tests need compilers.
pub(crate) const PACKAGE: &str = "tidings-c";

/// What the library is installed below for the test of that.
const PREFIX: &str = "c-install";

/// Whether there is a C library.
pub(crate) fn exists(house: &House) -> bool {
    header::exists(&house.tree)
}

/// Runs its tests; without compilers, those that need none.
///
/// # Errors
/// When cargo cannot be started, or the library cannot be installed.
pub(crate) fn run(house: &House) -> anyhow::Result<Outcome> {
    let tree = &house.tree;
    let has_compilers = ["cc", "c++", "nm"].iter().all(|name| run::answers(Command::new(name).arg("--version")));
    let mut command = run::cargo(tree);
    command.args(["test", "--no-fail-fast", "--package", PACKAGE, "--features", "planted-panics"]);
    if !has_compilers {
        println!("There is no cc, c++ or nm (on Debian: apt-get install g++): the tests in C are left out.");
        command.arg("--lib");
    }
    let mut tally = Tally::default();
    let mut good = run::read(&mut command, |line| tally.read(line))?;
    if has_compilers && run::answers(Command::new("pkg-config").arg("--version")) {
        let installed = installs(tree)?;
        tally.add(Tally { passed: installed.into(), failed: (!installed).into() });
        good &= installed;
    }
    Ok(Outcome::Ran(tally, good))
}

/// Installs the library and builds the example with it, as somebody would who has nothing but that.
fn installs(tree: &Tree) -> anyhow::Result<bool> {
    if !run::shown(run::cargo(tree).args(["build", "--package", PACKAGE]))? {
        return Ok(false);
    }
    let prefix = tree.target().join(PREFIX);
    let place = Place { prefix: prefix.clone(), libdir: prefix.join("lib"), destdir: None };
    place.install(tree, &tree.target().join("debug"))?;
    let mut good = true;
    for (kind, flags) in [("shared", ""), ("static", "--static")] {
        let program = prefix.join(format!("chat-{kind}"));
        good &= run::shown(&mut build(tree, &prefix, &program, flags))? && answers(&prefix, &program);
    }
    Ok(good)
}

fn build(tree: &Tree, prefix: &Path, program: &Path, flags: &str) -> Command {
    let mut command = run::program(tree, "sh");
    // Linked with the static library by its name, where that is wanted; pkg-config tells what else it needs.
    let script = "libs=$(pkg-config --libs $1 tidings) || exit 1\n\
        [ -z \"$1\" ] || libs=$(printf %s \"$libs\" | sed 's/-ltidings/-l:libtidings.a/')\n\
        exec cc -Wall -Werror bindings/c/examples/chat.c $(pkg-config --cflags tidings) $libs -o \"$2\"";
    command.args(["-c", script, "sh", flags]).arg(program);
    command.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    command
}

/// Whether the program starts, and ends when its input does.
fn answers(prefix: &Path, program: &Path) -> bool {
    let mut command = Command::new(program);
    run::answers(command.arg("127.0.0.1:0").env("LD_LIBRARY_PATH", prefix.join("lib")))
}

//! The test programs in `tests/c`, under the address and the undefined behaviour sanitizer.

use crate::compiler::{Program, SANITIZED, folder, run};
use std::fs;

fn passes(source: &str, flags: &[&str], arguments: &[&str]) {
    let program = Program::compile(source, flags);
    println!("{}", String::from_utf8_lossy(&run(&mut program.with(arguments)).stdout));
}

#[test]
fn questions_and_looks() {
    passes("tests/c/questions.c", &SANITIZED, &[]);
}

#[test]
fn buffers_are_released_once() {
    passes("tests/c/owned.c", &SANITIZED, &[]);
}

#[test]
fn every_misuse_is_an_error() {
    passes("tests/c/misuse.c", &SANITIZED, &[]);
}

#[test]
fn readiness() {
    passes("tests/c/ready.c", &SANITIZED, &[]);
}

#[test]
fn what_is_on_disk() {
    let program = Program::compile("tests/c/durable.c", &SANITIZED);
    run(&mut program.with(&[program.folder.path().join("store")]));
}

#[test]
fn eight_threads_and_a_stop_under_load() {
    passes("tests/c/threads.c", &SANITIZED, &[]);
}

/// Without sanitizers, which keep what was freed.
#[test]
fn a_thousand_lives_leave_nothing() {
    passes("tests/c/life.c", &["-O1"], &[]);
}

#[cfg(feature = "planted-panics")]
#[test]
fn no_panic_leaves_the_library() {
    let functions = fs::read_to_string(folder().join("symbols.txt")).unwrap().lines().count().to_string();
    passes("tests/c/panics.c", &SANITIZED, &[&functions]);
}

/// A library that is installed has no such thing.
#[cfg(not(feature = "planted-panics"))]
#[test]
fn panics_are_planted_for_tests_alone() {
    let library = fs::read(crate::compiler::library().join("libtidings.so")).unwrap();
    let planted = b"TIDINGS_PLANTED_PANIC";
    assert!(!library.windows(planted.len()).any(|bytes| bytes == planted), "{}", folder().display());
}

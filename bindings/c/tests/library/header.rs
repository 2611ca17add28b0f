//! The header, by itself, in every language that reads it.

use crate::compiler::{STRICT, compiler, folder, library, run};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

const PROGRAM: &str = "#include <tidings.h>\n#include <tidings.h>\n\
    int main(void) { tidings_error error = { sizeof error }; return error.size == 0; }\n";

fn compiles(variable: &str, usual: &str, standard: &str, name: &str) {
    let folder_of_program = tempfile::tempdir().unwrap();
    let file = folder_of_program.path().join(name);
    // C++ has no designated initializers before 2020, and C complains of fields that are left out.
    fs::write(&file, PROGRAM.replace("= { sizeof error };", "; error.size = sizeof error;")).unwrap();
    let mut command = compiler(variable, usual);
    command.arg(standard).args(STRICT).arg("-fsyntax-only").arg("-I").arg(folder().join("include")).arg(file);
    run(&mut command);
}

#[test]
fn it_is_c99() {
    compiles("CC", "cc", "-std=c99", "program.c");
}

#[test]
fn it_is_c11() {
    compiles("CC", "cc", "-std=c11", "program.c");
}

#[test]
fn it_is_cpp17() {
    compiles("CXX", "c++", "-std=c++17", "program.cpp");
}

/// What the library exports is what is listed, and nothing else: no symbol of a library inside it can clash with a program's.
#[test]
fn the_library_exports_what_is_listed() {
    let listed = fs::read_to_string(folder().join("symbols.txt")).unwrap();
    let listed: BTreeSet<&str> = listed.lines().collect();
    let shown = run(Command::new("nm").args(["-D", "--defined-only"]).arg(library().join("libtidings.so")));
    let shown = String::from_utf8(shown.stdout).unwrap();
    let exported: BTreeSet<&str> = shown.lines().filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(exported, listed);
}

/// Each function says which thread may call it and whether it blocks.
#[test]
fn every_function_says_which_thread_and_whether_it_blocks() {
    let header = fs::read_to_string(folder().join("include/tidings.h")).unwrap();
    let listed = fs::read_to_string(folder().join("symbols.txt")).unwrap();
    for function in listed.lines() {
        let (before, _) = header.split_once(&format!("int32_t {function}(")).expect("every function is in the header");
        let comment = &before[before.rfind("/**").unwrap()..];
        assert!(comment.contains("Thread: any") && comment.contains("Blocks: "), "{function}: {comment}");
    }
}

use super::{Exemption, prove_but};
use crate::check::trial::files;

fn breaches(name: &str, text: &str) -> Vec<(usize, String)> {
    let found = prove_but(&files(&[(name, text)]).house, &[]).unwrap();
    found.into_iter().map(|breach| (breach.line, breach.what)).collect()
}

/// A function of so many lines.
fn function(lines: usize) -> String {
    format!("/// Documentation is not counted.\n#[inline]\nfn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
}

#[test]
fn files_end_at_seven_hundred_lines() {
    assert!(breaches("engine/src/a.rs", &"\n".repeat(700)).is_empty());
    assert_eq!(breaches("engine/src/a.rs", &"\n".repeat(701)), [(701, "701 lines, of at most 700".into())]);
    assert_eq!(breaches("tests/clients/a.py", &"\n".repeat(701)).len(), 1);
    assert!(breaches("docs/protocol.md", &"\n".repeat(701)).is_empty());
}

#[test]
fn a_lib_ends_before_a_hundred_and_twenty() {
    assert!(breaches("engine/src/lib.rs", &"\n".repeat(119)).is_empty());
    assert_eq!(breaches("engine/src/lib.rs", &"\n".repeat(120)).len(), 1);
}

#[test]
fn functions_end_at_seventy_lines() {
    assert!(breaches("a.rs", &function(70)).is_empty());
    assert_eq!(breaches("a.rs", &function(71)), [(3, "function long has 71 lines, of at most 70".into())]);
    let method = format!("impl A {{\n{}}}\ntrait B {{\n{}}}", function(71), function(71));
    assert_eq!(breaches("a.rs", &method).len(), 2);
    let test = format!("#[cfg(test)]\nmod tests {{\n{}}}", function(71));
    assert_eq!(breaches("a.rs", &test).len(), 1);
}

#[test]
fn structs_have_twelve_fields() {
    let fields = |count: usize| (0..count).map(|at| format!("    field{at}: u8,\n")).collect::<String>();
    assert!(breaches("a.rs", &format!("struct A {{\n{}}}", fields(12))).is_empty());
    assert_eq!(breaches("a.rs", &format!("struct A {{\n{}}}", fields(13))).len(), 1);
}

#[test]
fn an_exemption_needs_a_reason_and_a_use() {
    let trial = files(&[("a.rs", &function(71))]);
    let with = |subject, reason| prove_but(&trial.house, &[Exemption { subject, reason }]).unwrap().len();
    assert_eq!(with("a.rs::long", "one table of cases"), 0);
    assert_eq!(with("a.rs::long", ""), 1);
    assert_eq!(with("a.rs::gone", "it was long once"), 2);
}

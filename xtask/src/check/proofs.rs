//! What docs/security.md says is tested by what it names.

#[cfg(test)]
mod tests;

use crate::breach::Breach;
use crate::house::House;
use std::collections::BTreeSet;

/// The rule's name.
pub(crate) const RULE: &str = "proofs";

const DOCUMENT: &str = "docs/security.md";

/// Finds tests that are named as proofs and are not there, and rows without one.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    if !house.tree.has(DOCUMENT) {
        return Ok(Vec::new());
    }
    let mut tests = BTreeSet::new();
    for file in house.tree.files_ending("", &["rs"])? {
        tests.extend(functions(&house.tree.read(&file)?));
    }
    let mut breaches = Vec::new();
    for (at, line) in house.tree.read(DOCUMENT)?.lines().enumerate() {
        let Some(cell) = proofs(line) else { continue };
        let named: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            breaches.push(breach(at, "a row names no test".into(), "name the test that proves it"));
        }
        for name in named.into_iter().filter(|name| !tests.contains(*name)) {
            breaches.push(breach(at, format!("there is no test {name}"), "name the test as it is called now"));
        }
    }
    Ok(breaches)
}

/// The last cell of a numbered row.
fn proofs(line: &str) -> Option<&str> {
    let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
    cells.first()?.parse::<u32>().ok()?;
    cells.last().copied()
}

/// What is called a function in a source.
fn functions(source: &str) -> impl Iterator<Item = String> {
    source.lines().filter_map(|line| {
        let (_, rest) = line.split_once("fn ")?;
        Some(rest.split(['(', '<']).next()?.to_owned())
    })
}

fn breach(at: usize, what: String, remedy: &str) -> Breach {
    Breach { file: DOCUMENT.into(), line: at + 1, rule: RULE, what, remedy: remedy.into() }
}

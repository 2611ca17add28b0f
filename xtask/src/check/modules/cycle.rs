//! Rings of imports.

use super::graph::Import;
use std::collections::{BTreeSet, VecDeque};

/// The shortest ring through each module that lies on one, each ring once.
pub(crate) fn find(modules: usize, imports: &[Import]) -> Vec<Vec<Import>> {
    let mut rings = Vec::new();
    let mut reported = BTreeSet::new();
    for start in 0..modules {
        let Some(ring) = shortest(start, modules, imports) else { continue };
        let members: BTreeSet<usize> = ring.iter().map(|step| step.from).collect();
        if reported.insert(members) {
            rings.push(ring);
        }
    }
    rings
}

/// The shortest way from `start` back to it.
fn shortest(start: usize, modules: usize, imports: &[Import]) -> Option<Vec<Import>> {
    let mut reached_by: Vec<Option<&Import>> = vec![None; modules];
    let mut waiting = VecDeque::from([start]);
    while let Some(at) = waiting.pop_front() {
        for import in imports.iter().filter(|import| import.from == at) {
            if reached_by[import.to].is_none() {
                reached_by[import.to] = Some(import);
                waiting.push_back(import.to);
            }
        }
    }
    let mut ring = Vec::new();
    let mut at = start;
    loop {
        let import = reached_by[at]?;
        ring.push(import.clone());
        at = import.from;
        if at == start {
            ring.reverse();
            return Some(ring);
        }
    }
}

//! Rings of imports.

use super::graph::Import;
use std::collections::{BTreeSet, VecDeque};

/// Rings of which no two share a step, the shortest first: where one import makes several, only one is told.
pub(crate) fn find(modules: usize, imports: &[Import]) -> Vec<Vec<Import>> {
    let mut rings: Vec<Vec<Import>> = (0..modules).filter_map(|start| shortest(start, modules, imports)).collect();
    rings.sort_by_key(Vec::len);
    let mut told = BTreeSet::new();
    rings.retain(|ring| {
        let steps: Vec<(usize, usize)> = ring.iter().map(|step| (step.from, step.to)).collect();
        let is_new = steps.iter().all(|step| !told.contains(step));
        if is_new {
            told.extend(steps);
        }
        is_new
    });
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

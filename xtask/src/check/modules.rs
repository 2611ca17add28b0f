//! Modules: none imports one that imports it, and everyone imports from the module that defines a thing.
//!
//! What counts as an import: `use`, and every path in code that leads to another module, also within a macro's
//! arguments. What does not: a module's re-exports of what is below it (they are its table of contents), and whatever
//! exists in tests alone.

mod cycle;
mod graph;
mod module;
#[cfg(test)]
mod tests;

use crate::breach::Breach;
use crate::house::House;
use anyhow::Context;
use std::path::{Path, PathBuf};

/// The rule's name.
pub(crate) const RULE: &str = "modules";

/// Finds cycles and detours in every crate of the workspace: its library and each of its programs.
///
/// # Errors
/// When a source file cannot be read.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for one in &house.crates {
        for root in roots(house, &one.folder.join("src"))? {
            let modules = module::load(&house.tree, &root).with_context(|| root.display().to_string())?;
            let imports = graph::imports(&modules);
            breaches.extend(imports.iter().filter_map(|import| detour(&modules, import)));
            breaches.extend(cycle::find(modules.len(), &imports).iter().map(|ring| circle(&modules, ring)));
        }
    }
    Ok(breaches)
}

/// The files that a crate's library and programs begin with.
fn roots(house: &House, source: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut roots: Vec<PathBuf> = ["lib.rs", "main.rs"].iter().map(|name| source.join(name)).collect();
    let programs = source.join("bin");
    for file in house.tree.files_ending(&programs, &["rs"])? {
        let is_root = file.parent() == Some(&programs) || file.ends_with("main.rs");
        if is_root {
            roots.push(file);
        }
    }
    roots.retain(|root| house.tree.has(root));
    Ok(roots)
}

fn detour(modules: &[module::Module], import: &graph::Import) -> Option<Breach> {
    let through = import.through?;
    let (from, to, through) = (&modules[import.from], &modules[import.to], &modules[through]);
    Some(Breach {
        file: from.file.clone(),
        line: import.line,
        rule: RULE,
        what: format!("{} is taken from {}, which only passes it on", import.name, through.path),
        remedy: format!("take it from {}, which defines it", to.path),
    })
}

fn circle(modules: &[module::Module], ring: &[graph::Import]) -> Breach {
    let steps: Vec<String> = ring
        .iter()
        .map(|step| {
            let (from, to) = (&modules[step.from], &modules[step.to]);
            format!("{} imports {} at {}:{}", from.path, to.path, from.file.display(), step.line)
        })
        .collect();
    Breach {
        file: ring.first().map(|step| modules[step.from].file.clone()).unwrap_or_default(),
        line: ring.first().map_or(1, |step| step.line),
        rule: RULE,
        what: format!("modules import each other: {}", steps.join("; ")),
        remedy: "move what both need into a module of its own, or pass it as an argument".into(),
    }
}

//! The workspace's lints: every crate takes them, and no code is unsafe.

#[cfg(test)]
mod tests;

use crate::breach::Breach;
use crate::house::House;
use anyhow::Context;
use std::path::{Path, PathBuf};
use toml::Table;

/// The rule's name.
pub(crate) const RULE: &str = "lints";

/// Finds crates without `[lints] workspace = true`, and a workspace that does not forbid unsafe code.
///
/// # Errors
/// When a manifest cannot be read.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    let root = Path::new("Cargo.toml");
    let manifest = table(house, root)?;
    let unsafety =
        manifest.get("workspace").and_then(|one| one.get("lints")?.get("rust")?.get("unsafe_code")?.as_str());
    if unsafety != Some("forbid") {
        let remedy = "set unsafe_code = \"forbid\" in [workspace.lints.rust]";
        breaches.push(breach(root.into(), "the workspace does not forbid unsafe code", remedy));
    }
    for one in &house.crates {
        let file = one.folder.join("Cargo.toml");
        let manifest = table(house, &file)?;
        if manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool()) != Some(true) {
            let what = format!("{} does not take the workspace's lints", one.name);
            breaches.push(breach(file, &what, "add `[lints]` with `workspace = true`"));
        }
    }
    Ok(breaches)
}

fn table(house: &House, file: &Path) -> anyhow::Result<Table> {
    house.tree.read(file)?.parse().with_context(|| file.display().to_string())
}

fn breach(file: PathBuf, what: &str, remedy: &str) -> Breach {
    Breach { file, line: 1, rule: RULE, what: what.into(), remedy: remedy.into() }
}

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

/// The one crate that takes pointers from C, and so may be unsafe. Cargo lets no crate change one lint of the workspace's, so it
/// has a copy of them.
const UNSAFE: &str = "tidings-c";

/// Finds crates without `[lints] workspace = true`, and a workspace that does not forbid unsafe code. The one that may be unsafe
/// has all other lints of the workspace.
///
/// # Errors
/// When a manifest cannot be read.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    let root = Path::new("Cargo.toml");
    let manifest = table(house, root)?;
    let house_lints =
        manifest.get("workspace").and_then(|one| one.get("lints")?.as_table()).cloned().unwrap_or_default();
    let unsafety = house_lints.get("rust").and_then(|one| one.get("unsafe_code")?.as_str());
    if unsafety != Some("forbid") {
        let remedy = "set unsafe_code = \"forbid\" in [workspace.lints.rust]";
        breaches.push(breach(root.into(), "the workspace does not forbid unsafe code", remedy));
    }
    for one in &house.crates {
        let file = one.folder.join("Cargo.toml");
        let manifest = table(house, &file)?;
        if one.name == UNSAFE {
            breaches.extend(other_lints(&house_lints, &manifest).then(|| {
                breach(file, &format!("{UNSAFE} has other lints than the workspace"), "copy them, all but unsafe_code")
            }));
            continue;
        }
        if manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool()) != Some(true) {
            let what = format!("{} does not take the workspace's lints", one.name);
            breaches.push(breach(file, &what, "add `[lints]` with `workspace = true`"));
        }
    }
    Ok(breaches)
}

/// Whether a crate's own lints differ from the workspace's, but for the one that lets it be unsafe.
fn other_lints(house: &Table, manifest: &Table) -> bool {
    let mut own = manifest.get("lints").and_then(|lints| lints.as_table()).cloned().unwrap_or_default();
    if let Some(rust) = own.get_mut("rust").and_then(|rust| rust.as_table_mut()) {
        rust.insert("unsafe_code".into(), "forbid".into());
    }
    own != *house
}

fn table(house: &House, file: &Path) -> anyhow::Result<Table> {
    house.tree.read(file)?.parse().with_context(|| file.display().to_string())
}

fn breach(file: PathBuf, what: &str, remedy: &str) -> Breach {
    Breach { file, line: 1, rule: RULE, what: what.into(), remedy: remedy.into() }
}

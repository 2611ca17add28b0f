//! The C library's header is what its source says, and every function that was ever there still is.

#[cfg(test)]
mod tests;

use crate::breach::Breach;
use crate::header;
use crate::house::House;
use crate::rust;
use crate::tree::Tree;
use anyhow::Context;
use std::collections::BTreeSet;
use syn::visit::{self, Visit};

/// The rule's name.
pub(crate) const RULE: &str = "header";

/// The functions that programs are linked with, one a line. Lines are only added.
const SYMBOLS: &str = "bindings/c/symbols.txt";
const SOURCES: &str = "bindings/c/src";

/// Compares the header and the list of symbols with the source.
///
/// # Errors
/// When a file cannot be read or understood.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let tree = &house.tree;
    if !header::exists(tree) {
        return Ok(Vec::new());
    }
    let mut breaches = symbols(tree)?;
    if !header::is_fresh(tree)? {
        breaches.push(Breach {
            file: header::HEADER.into(),
            line: 1,
            rule: RULE,
            what: "it is not what the source says".into(),
            remedy: "cargo xtask header, and look at what changed".into(),
        });
    }
    Ok(breaches)
}

/// Compares the list with the functions that are exported.
fn symbols(tree: &Tree) -> anyhow::Result<Vec<Breach>> {
    let listed = listed(tree)?;
    let exported = exported(tree)?;
    let breach =
        |what: String, remedy: &str| Breach { file: SYMBOLS.into(), line: 1, rule: RULE, what, remedy: remedy.into() };
    let gone = listed.difference(&exported).map(|name| {
        let what = format!("{name} is listed, and no source exports it");
        breach(what, "programs are linked with it: put it back")
    });
    let new = exported.difference(&listed).map(|name| {
        let what = format!("{name} is exported and not listed");
        breach(what, "add it, and raise TIDINGS_ABI_VERSION in bindings/c/src/version.rs")
    });
    Ok(gone.chain(new).collect())
}

fn listed(tree: &Tree) -> anyhow::Result<BTreeSet<String>> {
    Ok(tree.read(SYMBOLS)?.lines().map(str::to_owned).collect())
}

fn exported(tree: &Tree) -> anyhow::Result<BTreeSet<String>> {
    let mut found = Exports::default();
    for file in tree.files_ending(SOURCES, &["rs"])? {
        let source = rust::parse(&tree.read(&file)?).with_context(|| file.display().to_string())?;
        found.visit_file(&source);
    }
    Ok(found.0)
}

#[derive(Default)]
struct Exports(BTreeSet<String>);

impl<'ast> Visit<'ast> for Exports {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let mut is_exported = false;
        for attribute in item.attrs.iter().filter(|attribute| attribute.path().is_ident("unsafe")) {
            // An attribute that cannot be parsed is none of those that export.
            let _ = attribute.parse_nested_meta(|meta| {
                is_exported |= meta.path.is_ident("no_mangle");
                Ok(())
            });
        }
        if is_exported {
            self.0.insert(item.sig.ident.to_string());
        }
        visit::visit_item_fn(self, item);
    }
}

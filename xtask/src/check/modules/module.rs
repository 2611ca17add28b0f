//! The modules of one crate, read from its files.

use crate::rust::{self, Named, Way};
use crate::tree::Tree;
use anyhow::{Context, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::Item;

/// One module.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Its path, from `crate`.
    pub(crate) path: String,
    /// The file that holds it.
    pub(crate) file: PathBuf,
    /// The module around it; the root is its own.
    pub(crate) parent: usize,
    /// The modules in it, by name.
    pub(crate) children: BTreeMap<String, usize>,
    /// What it defines.
    pub(crate) items: BTreeSet<String>,
    /// What its code names.
    pub(crate) named: Vec<Named>,
}

impl Module {
    /// The path that a `use` in this module gives the name `name`.
    pub(crate) fn alias(&self, name: &str) -> Option<&Named> {
        self.named.iter().find(|one| matches!(&one.way, Way::Use { alias, .. } if alias == name))
    }
}

/// Reads the crate whose root is `root`: modules in the order in which they are met, the root first.
///
/// # Errors
/// When a module's file is missing or is not Rust.
pub(crate) fn load(tree: &Tree, root: &Path) -> anyhow::Result<Vec<Module>> {
    let mut loader = Loader { tree, modules: Vec::new() };
    let folder = root.parent().unwrap_or(Path::new("")).to_path_buf();
    loader.file("crate".into(), root, folder, 0)?;
    let Loader { mut modules, .. } = loader;
    lift_macros(&mut modules);
    Ok(modules)
}

/// A `#[macro_export]` macro is named by the root, whatever module defines it: an alias that is nobody's detour.
fn lift_macros(modules: &mut [Module]) {
    let exported: Vec<String> =
        modules.iter().flat_map(|module| module.items.iter()).filter(|name| name.starts_with('!')).cloned().collect();
    if let Some(root) = modules.first_mut() {
        root.items.extend(exported.iter().map(|name| name.trim_start_matches('!').to_owned()));
    }
}

struct Loader<'a> {
    tree: &'a Tree,
    modules: Vec<Module>,
}

impl Loader<'_> {
    /// Reads a file's module; the files of the modules in it lie in `folder`.
    fn file(&mut self, path: String, file: &Path, folder: PathBuf, parent: usize) -> anyhow::Result<usize> {
        let source = rust::parse(&self.tree.read(file)?).with_context(|| file.display().to_string())?;
        self.items(path, file, folder, parent, &source.items)
    }

    fn items(
        &mut self,
        path: String,
        file: &Path,
        folder: PathBuf,
        parent: usize,
        items: &[Item],
    ) -> anyhow::Result<usize> {
        let at = self.modules.len();
        let defined = items.iter().filter(|item| !rust::is_test_only(rust::attributes(item))).filter_map(name);
        self.modules.push(Module {
            path: path.clone(),
            file: file.to_path_buf(),
            parent,
            children: BTreeMap::new(),
            items: defined.collect(),
            named: rust::named(items, false),
        });
        for item in items {
            let Item::Mod(inner) = item else { continue };
            if rust::is_test_only(&inner.attrs) {
                continue;
            }
            let name = inner.ident.to_string();
            let (path, folder) = (format!("{path}::{name}"), folder.join(&name));
            let child = match &inner.content {
                Some((_, items)) => self.items(path, file, folder, at, items)?,
                None => {
                    let file = self.locate(&folder)?;
                    self.file(path, &file, folder, at)?
                }
            };
            self.modules[at].children.insert(name, child);
        }
        Ok(at)
    }

    /// The file of the module whose own modules would lie in `folder`.
    fn locate(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        let choices = [folder.with_extension("rs"), folder.join("mod.rs")];
        match choices.iter().find(|file| self.tree.has(file)) {
            Some(file) => Ok(file.clone()),
            None => bail!("no file holds the module: neither {} nor {}", choices[0].display(), choices[1].display()),
        }
    }
}

/// The name that an item defines; that of an exported macro is marked by `!`.
fn name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Macro(item) => {
            let name = item.ident.as_ref()?;
            let is_exported = item.attrs.iter().any(|one| one.path().is_ident("macro_export"));
            return Some(if is_exported { format!("!{name}") } else { name.to_string() });
        }
        _ => return None,
    };
    Some(name.to_string())
}

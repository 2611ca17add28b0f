//! The workspace as its rules see it: crates, what they depend on, and the files they are made of.

use crate::tree::Tree;
use anyhow::Context;
use cargo_metadata::cargo_platform::Platform;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Node, Package, PackageId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The workspace.
#[derive(Debug)]
pub(crate) struct House {
    /// Its files.
    pub(crate) tree: Tree,
    /// Its crates.
    pub(crate) crates: Vec<Crate>,
}

/// One crate of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Crate {
    /// The package's name.
    pub(crate) name: String,
    /// Its folder, relative to the root.
    pub(crate) folder: PathBuf,
    /// What its manifest names.
    pub(crate) dependencies: Vec<Dependency>,
    /// Every package that ends up in it, by whatever way, those for tests left out.
    pub(crate) reaches: BTreeSet<String>,
    /// The test targets in `tests/`, by name.
    pub(crate) tests: Vec<String>,
}

/// One line of a manifest's dependencies.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    /// The package's name.
    pub(crate) name: String,
    /// Whether it is for tests alone.
    pub(crate) is_dev: bool,
}

impl House {
    /// Reads the workspace that `tree` holds.
    ///
    /// # Errors
    /// When cargo cannot make sense of the workspace.
    pub(crate) fn read(tree: Tree) -> anyhow::Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(tree.path("Cargo.toml"))
            .exec()
            .context("cargo cannot read the workspace")?;
        let graph = Graph::of(&metadata);
        let mut crates = Vec::new();
        for package in metadata.workspace_packages() {
            let folder = package.manifest_path.parent().context("a manifest lies in a folder")?;
            let folder = folder.strip_prefix(&metadata.workspace_root)?.as_std_path().to_path_buf();
            crates.push(Crate {
                name: package.name.to_string(),
                folder,
                dependencies: dependencies(package),
                reaches: graph.reach(&package.id),
                tests: targets(package, |target| target.is_test()),
            });
        }
        crates.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { tree, crates })
    }

    /// The crate called `name`.
    pub(crate) fn find(&self, name: &str) -> Option<&Crate> {
        self.crates.iter().find(|one| one.name == name)
    }

    /// The line of a crate's manifest that names `dependency`, or its first.
    pub(crate) fn manifest_line(&self, of: &Crate, dependency: &str) -> usize {
        let manifest = self.tree.read(of.folder.join("Cargo.toml")).unwrap_or_default();
        let names = |line: &str| line.trim_start().trim_start_matches('"').strip_prefix(dependency).map(str::to_owned);
        let found = manifest
            .lines()
            .position(|line| names(line).is_some_and(|rest| rest.starts_with(['.', ' ', '=', '"']) || rest.is_empty()));
        found.map_or(1, |at| at + 1)
    }
}

fn dependencies(package: &Package) -> Vec<Dependency> {
    let read = |one: &cargo_metadata::Dependency| Dependency {
        name: one.name.to_string(),
        is_dev: one.kind == DependencyKind::Development || is_for_fuzzing(one.target.as_ref()),
    };
    package.dependencies.iter().map(read).collect()
}

/// Whether a dependency is there for the fuzz targets' builds alone.
fn is_for_fuzzing(target: Option<&Platform>) -> bool {
    target.is_some_and(|target| target.to_string() == "cfg(fuzzing)")
}

fn targets(package: &Package, wanted: impl Fn(&cargo_metadata::Target) -> bool) -> Vec<String> {
    package.targets.iter().filter(|target| wanted(target)).map(|target| target.name.clone()).collect()
}

/// Cargo's resolved dependencies.
struct Graph<'a> {
    nodes: BTreeMap<&'a PackageId, &'a Node>,
    names: BTreeMap<&'a PackageId, &'a str>,
}

impl<'a> Graph<'a> {
    fn of(metadata: &'a Metadata) -> Self {
        let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| (&node.id, node)).collect();
        let names = metadata.packages.iter().map(|package| (&package.id, package.name.as_str())).collect();
        Self { nodes, names }
    }

    fn reach(&self, from: &PackageId) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![from];
        while let Some(id) = waiting.pop() {
            for one in self.nodes.get(id).iter().flat_map(|node| &node.deps) {
                let for_tests = one
                    .dep_kinds
                    .iter()
                    .all(|info| info.kind == DependencyKind::Development || is_for_fuzzing(info.target.as_ref()));
                if let Some((known, _)) = self.names.get_key_value(&one.pkg)
                    && !for_tests
                    && seen.insert(*known)
                {
                    waiting.push(known);
                }
            }
        }
        seen.iter().filter_map(|id| self.names.get(id)).map(ToString::to_string).collect()
    }
}

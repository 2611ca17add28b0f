//! Which module imports which.

use super::module::Module;
use crate::rust::{Named, Way};

/// How many re-exports are followed before a name counts as unknown: they may lead in a circle.
const DETOURS_MAX: usize = 16;

/// One module's use of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    /// The module that imports.
    pub(crate) from: usize,
    /// The module that defines what is imported.
    pub(crate) to: usize,
    /// What is imported.
    pub(crate) name: String,
    /// The line that imports it.
    pub(crate) line: usize,
    /// The module that the import names instead, when that only passes the thing on.
    pub(crate) through: Option<usize>,
}

/// Every import between the modules of a crate.
pub(crate) fn imports(modules: &[Module]) -> Vec<Import> {
    let mut imports = Vec::new();
    for (from, module) in modules.iter().enumerate() {
        for named in &module.named {
            let Some(found) = Resolver { modules }.resolve(from, named) else { continue };
            let is_public = matches!(named.way, Way::Use { public: true, .. } | Way::Glob { public: true });
            let is_contents = is_public && is_below(modules, found.to, from);
            if found.to != from && !is_contents {
                let name = named.segments.last().cloned().unwrap_or_default();
                // A re-export may go by way of another: it makes an address, and takes nothing for itself.
                let through = found.through.filter(|through| !is_public && *through != from);
                imports.push(Import { from, to: found.to, name, line: named.line, through });
            }
        }
    }
    imports
}

fn is_below(modules: &[Module], mut one: usize, above: usize) -> bool {
    while one != 0 && one != above {
        one = modules[one].parent;
    }
    one == above
}

/// Where a path leads.
#[derive(Debug, Clone, Copy)]
struct Found {
    to: usize,
    through: Option<usize>,
    /// Whether the path ends with the module, not with something in it.
    is_module: bool,
}

struct Resolver<'a> {
    modules: &'a [Module],
}

impl Resolver<'_> {
    fn resolve(&self, from: usize, named: &Named) -> Option<Found> {
        self.path(from, &named.segments, matches!(named.way, Way::Plain), 0)
    }

    /// Follows `segments` as written in module `from`. Only in plain code may the first be another `use`'s name.
    fn path(&self, from: usize, segments: &[String], plain: bool, detours: usize) -> Option<Found> {
        if detours > DETOURS_MAX {
            return None;
        }
        let (first, rest) = segments.split_first()?;
        if plain && rest.is_empty() {
            // A variable, or a thing that is already at hand.
            return None;
        }
        match first.as_str() {
            "crate" => self.walk(0, rest, detours),
            "self" => self.walk(from, rest, detours),
            "super" => {
                let more = rest.iter().take_while(|next| *next == "super").count();
                let at = (0..more).fold(self.modules[from].parent, |at, _| self.modules[at].parent);
                self.walk(at, &rest[more..], detours)
            }
            name => {
                if let Some(child) = self.modules[from].children.get(name) {
                    return self.walk(*child, rest, detours);
                }
                // `json::put` after `use crate::json`: on from the module that was imported. A thing that was imported
                // by its own name is counted there.
                let alias = self.modules[from].alias(name).filter(|_| plain)?;
                let module = self.path(from, &alias.segments, false, detours + 1).filter(|found| found.is_module)?;
                self.walk(module.to, rest, detours + 1)
            }
        }
    }

    /// Goes down from a module by names: through its modules, then to an item or to what is passed on.
    fn walk(&self, at: usize, segments: &[String], detours: usize) -> Option<Found> {
        let Some((name, rest)) = segments.split_first() else {
            return Some(Found { to: at, through: None, is_module: true });
        };
        let module = &self.modules[at];
        if let Some(child) = module.children.get(name) {
            return self.walk(*child, rest, detours);
        }
        if module.items.contains(name) {
            return Some(Found { to: at, through: None, is_module: false });
        }
        let passed = self.passed(at, name, rest, detours).filter(|found| found.to != at);
        let here = Found { to: at, through: None, is_module: false };
        Some(passed.map_or(here, |found| Found { through: Some(at), ..found }))
    }

    /// Where `name` leads when module `at` has it by `use`.
    fn passed(&self, at: usize, name: &str, rest: &[String], detours: usize) -> Option<Found> {
        let module = &self.modules[at];
        if let Some(alias) = module.alias(name) {
            let whole: Vec<String> = alias.segments.iter().chain(rest).cloned().collect();
            return self.path(at, &whole, false, detours + 1);
        }
        let globs = module.named.iter().filter(|one| matches!(one.way, Way::Glob { .. }));
        for glob in globs {
            let Some(target) = self.path(at, &glob.segments, false, detours + 1) else { continue };
            let has = &self.modules[target.to];
            if has.items.contains(name) || has.children.contains_key(name) || has.alias(name).is_some() {
                let whole: Vec<String> = std::iter::once(name.to_owned()).chain(rest.iter().cloned()).collect();
                return self.walk(target.to, &whole, detours + 1);
            }
        }
        None
    }
}

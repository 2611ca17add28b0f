//! Files, functions and structs stay small.

#[cfg(test)]
mod tests;

use crate::breach::Breach;
use crate::house::House;
use crate::rust;
use anyhow::Context;
use std::path::Path;
use syn::visit::{self, Visit};

/// The rule's name.
pub(crate) const RULE: &str = "sizes";

const FILE_LINES_MAX: usize = 700;
/// A `lib.rs` is an essay and a list of exports.
const LIB_LINES_MAX: usize = 119;
const FUNCTION_LINES_MAX: usize = 70;
const STRUCT_FIELDS_MAX: usize = 12;

/// The endings of files that hold source, in whatever language.
const SOURCES: [&str; 12] = ["rs", "py", "js", "mjs", "cjs", "ts", "tsx", "c", "h", "go", "sh", "html"];

/// Something that may be larger, and why it is better so.
struct Exemption {
    /// The file, or `file::name` of a function or struct in it.
    subject: &'static str,
    reason: &'static str,
}

const EXEMPTIONS: [Exemption; 8] = [
    Exemption { subject: "engine/src/config.rs::Limits", reason: SECTION },
    Exemption { subject: "examples/daemon/src/settings/http.rs::Http", reason: SECTION },
    Exemption {
        subject: "examples/daemon/src/settings.rs::Settings",
        reason: "its fields are the sections that operators write, and the keys of the tokens stand outside any",
    },
    Exemption { subject: "bindings/c/src/settings/http.rs::Http", reason: SECTION },
    Exemption { subject: "bindings/c/src/event.rs::TidingsEvent", reason: FLAT },
    Exemption { subject: "bindings/c/src/stats.rs::TidingsStats", reason: FLAT },
    Exemption { subject: "bindings/c/src/answers.rs::TidingsAdmission", reason: FLAT },
    Exemption {
        subject: "bindings/c/include/tidings.h",
        reason: "it is written by cbindgen, and a program wants one header",
    },
];

const FLAT: &str = "a struct of the C interface, which grows at its end alone and is read by name";
const SECTION: &str = "one section of the settings' file: a list, of which no field has to do with another";

/// Finds what is too large.
///
/// # Errors
/// When a source file cannot be read.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    prove_but(house, &EXEMPTIONS)
}

fn prove_but(house: &House, exemptions: &[Exemption]) -> anyhow::Result<Vec<Breach>> {
    let mut large = Vec::new();
    for file in house.tree.files_ending("", &SOURCES)? {
        let text = house.tree.read(&file)?;
        large.extend(long_file(&file, &text));
        if file.extension().is_some_and(|ending| ending == "rs") {
            let source = rust::parse(&text).with_context(|| file.display().to_string())?;
            let mut items = Items { file: &file, large: Vec::new() };
            items.visit_file(&source);
            large.append(&mut items.large);
        }
    }
    let mut breaches: Vec<Breach> = Vec::new();
    for exemption in exemptions {
        if exemption.reason.is_empty() || large.iter().all(|(subject, _)| subject != exemption.subject) {
            breaches.push(idle(exemption));
        }
    }
    large.retain(|(subject, _)| exemptions.iter().all(|exemption| subject != exemption.subject));
    breaches.extend(large.into_iter().map(|(_, breach)| breach));
    Ok(breaches)
}

fn long_file(file: &Path, text: &str) -> Option<(String, Breach)> {
    let lines = text.lines().count();
    let (lines_max, remedy) = if file.ends_with("src/lib.rs") {
        (LIB_LINES_MAX, "leave the essay and the exports, move the rest into modules")
    } else {
        (FILE_LINES_MAX, "a file has one noun: find the second one and give it a file")
    };
    let what = format!("{lines} lines, of at most {lines_max}");
    (lines > lines_max).then(|| (file.display().to_string(), breach(file, lines_max + 1, what, remedy)))
}

fn breach(file: &Path, line: usize, what: String, remedy: &str) -> Breach {
    Breach { file: file.to_path_buf(), line, rule: RULE, what, remedy: remedy.into() }
}

fn idle(exemption: &Exemption) -> Breach {
    let what = format!("the exemption of {} has no reason or is not needed", exemption.subject);
    breach(Path::new("xtask/src/check/sizes.rs"), 1, what, "take it out of EXEMPTIONS, or say the reason")
}

struct Items<'a> {
    file: &'a Path,
    large: Vec<(String, Breach)>,
}

impl Items<'_> {
    fn add(&mut self, name: &syn::Ident, what: String, remedy: &str) {
        let breach = breach(self.file, rust::line(name.span()), what, remedy);
        self.large.push((format!("{}::{name}", self.file.display()), breach));
    }

    fn function(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let first = rust::line(signature.fn_token.span);
        let last = body.brace_token.span.close().end().line;
        let lines = last - first + 1;
        if lines > FUNCTION_LINES_MAX {
            let what = format!("function {} has {lines} lines, of at most {FUNCTION_LINES_MAX}", signature.ident);
            self.add(&signature.ident, what, "name a part of it and give it a function");
        }
    }
}

impl<'ast> Visit<'ast> for Items<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let fields = item.fields.len();
        if fields > STRUCT_FIELDS_MAX {
            let what = format!("struct {} has {fields} fields, of at most {STRUCT_FIELDS_MAX}", item.ident);
            self.add(&item.ident, what, "it is two concerns: part them");
        }
        visit::visit_item_struct(self, item);
    }
}

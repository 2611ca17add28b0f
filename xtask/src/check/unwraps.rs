//! Outside tests an unwrap says why it cannot fail.

#[cfg(test)]
mod tests;

use crate::breach::Breach;
use crate::check::purity::is_of_tests;
use crate::house::House;
use crate::rust;
use anyhow::Context;
use syn::visit::{self, Visit};

/// The rule's name.
pub(crate) const RULE: &str = "unwraps";

/// Finds calls of `unwrap` and `unwrap_err` in the crates' sources: `expect` says why, they do not.
///
/// # Errors
/// When a source file cannot be read.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for one in &house.crates {
        for file in house.tree.files_ending(one.folder.join("src"), &["rs"])? {
            if is_of_tests(&file) {
                continue;
            }
            let source = rust::parse(&house.tree.read(&file)?).with_context(|| file.display().to_string())?;
            let mut calls = Calls { lines: Vec::new() };
            calls.visit_file(&source);
            breaches.extend(calls.lines.into_iter().map(|line| Breach {
                file: file.clone(),
                line,
                rule: RULE,
                what: "unwrap without a word".into(),
                remedy: "handle it, or use expect(\"why it cannot fail\")".into(),
            }));
        }
    }
    Ok(breaches)
}

struct Calls {
    lines: Vec<usize>,
}

impl<'ast> Visit<'ast> for Calls {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !rust::is_test_only(rust::attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !rust::is_test_only(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method == "unwrap" || call.method == "unwrap_err" {
            self.lines.push(rust::line(call.method.span()));
        }
        visit::visit_expr_method_call(self, call);
    }
}

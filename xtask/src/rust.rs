//! Rust source, read as far as the rules need it: items, and the paths that code names.

use anyhow::anyhow;
use proc_macro2::{Group, Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, GenericArgument, Item, PathArguments, UseTree};

/// A path that code names, whole: `use a::{b, c::d}` names two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// What it is made of.
    pub(crate) segments: Vec<String>,
    /// How many type arguments its last segment carries.
    pub(crate) arguments: usize,
    /// The line, from 1.
    pub(crate) line: usize,
    /// How it came to be named.
    pub(crate) way: Way,
}

/// How code names a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// In an expression, a type, a macro's arguments.
    Plain,
    /// By `use`, under this name; `public` when others may take it from here.
    Use { alias: String, public: bool },
    /// By `use path::*`.
    Glob { public: bool },
}

/// Reads a file's text.
///
/// # Errors
/// When it is not Rust.
pub(crate) fn parse(text: &str) -> anyhow::Result<syn::File> {
    syn::parse_file(text).map_err(|error| anyhow!("line {}: {error}", error.span().start().line))
}

/// Whether an item with these attributes exists in tests alone.
pub(crate) fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|one| {
        let syn::Meta::List(list) = &one.meta else { return one.path().is_ident("test") };
        one.path().is_ident("cfg") && is_test_condition(&list.tokens)
    })
}

/// `test`, `all(…)` with `test` in it, or `any(test, fuzzing)`, which is what tests share with fuzz targets. `not(test)` and any
/// other `any(test, …)` hold elsewhere too.
fn is_test_condition(tokens: &TokenStream) -> bool {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    match trees.as_slice() {
        [TokenTree::Ident(name)] => name == "test" || name == "fuzzing",
        [TokenTree::Ident(name), TokenTree::Group(group)] if name == "any" => {
            parts_of(group).all(|part| is_test_condition(&part))
        }
        [TokenTree::Ident(name), TokenTree::Group(group)] if name == "all" => {
            parts_of(group).any(|part| is_test_condition(&part))
        }
        _ => false,
    }
}

/// What stands between the commas of a group.
fn parts_of(group: &Group) -> impl Iterator<Item = TokenStream> + use<> {
    let trees: Vec<TokenTree> = group.stream().into_iter().collect();
    let parts = trees.split(|tree| matches!(tree, TokenTree::Punct(mark) if mark.as_char() == ','));
    parts.map(|part| part.iter().cloned().collect()).collect::<Vec<_>>().into_iter()
}

/// The attributes of an item.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Every path that `items` name outside their tests, those in inner modules left out unless `inner`.
pub(crate) fn named(items: &[Item], inner: bool) -> Vec<Named> {
    let mut reader = Reader { found: Vec::new(), inner };
    for item in items {
        reader.visit_item(item);
    }
    reader.found
}

struct Reader {
    found: Vec<Named>,
    inner: bool,
}

impl Reader {
    fn plain(&mut self, segments: Vec<String>, arguments: usize, line: usize) {
        self.found.push(Named { segments, arguments, line, way: Way::Plain });
    }

    fn tree(&mut self, tree: &UseTree, prefix: &mut Vec<String>, public: bool) {
        let (name, alias) = match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.tree(&path.tree, prefix, public);
                prefix.pop();
                return;
            }
            UseTree::Group(group) => {
                for one in &group.items {
                    self.tree(one, prefix, public);
                }
                return;
            }
            UseTree::Glob(glob) => {
                let (segments, line) = (prefix.clone(), line(glob.star_token.spans[0]));
                self.found.push(Named { segments, arguments: 0, line, way: Way::Glob { public } });
                return;
            }
            UseTree::Name(name) => (&name.ident, None),
            UseTree::Rename(rename) => (&rename.ident, Some(rename.rename.to_string())),
        };
        let mut segments = prefix.clone();
        if name != "self" {
            segments.push(name.to_string());
        }
        let line = line(name.span());
        let alias = alias.or_else(|| segments.last().cloned()).unwrap_or_default();
        self.found.push(Named { segments, arguments: 0, line, way: Way::Use { alias, public } });
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let is_left_out = matches!(item, Item::Mod(_)) && !self.inner;
        if !is_left_out && !is_test_only(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test_only(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let public = !matches!(item.vis, syn::Visibility::Inherited);
        self.tree(&item.tree, &mut Vec::new(), public);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let arguments = path.segments.last().map_or(0, |segment| type_arguments(&segment.arguments));
        let line = path.segments.first().map_or(1, |segment| line(segment.ident.span()));
        self.plain(segments, arguments, line);
        visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        // Documentation may name what it likes; the rest (`#[serde(with = "crate::thing")]`) is code.
        if !attribute.path().is_ident("doc") {
            visit::visit_attribute(self, attribute);
        }
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        self.tokens(tokens.clone());
    }
}

impl Reader {
    /// Paths in tokens that nobody parsed: a macro's arguments, an attribute's.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let (mut colons, mut from) = (0, 0);
        for tree in tokens {
            match tree {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.end(&mut path, from);
                    }
                    from = line(name.span());
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' && !path.is_empty() => colons += 1,
                TokenTree::Literal(literal) => {
                    self.end(&mut path, from);
                    self.literal(&literal);
                }
                TokenTree::Group(group) => {
                    self.end(&mut path, from);
                    colons = 0;
                    self.tokens(group.stream());
                }
                TokenTree::Punct(_) => {
                    self.end(&mut path, from);
                    colons = 0;
                }
            }
        }
        self.end(&mut path, from);
    }

    fn end(&mut self, path: &mut Vec<String>, line: usize) {
        if !path.is_empty() {
            self.plain(std::mem::take(path), 0, line);
        }
    }

    /// A string such as serde's `with = "crate::thing"`, which is a path in quotation marks.
    fn literal(&mut self, literal: &proc_macro2::Literal) {
        let text = literal.to_string();
        let text = text.trim_matches('"');
        let is_path = text.starts_with("crate::") || text.starts_with("super::");
        if is_path && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            self.plain(text.split("::").map(str::to_owned).collect(), 0, line(literal.span()));
        }
    }
}

fn type_arguments(arguments: &PathArguments) -> usize {
    let PathArguments::AngleBracketed(list) = arguments else { return 0 };
    list.args.iter().filter(|one| matches!(one, GenericArgument::Type(_))).count()
}

/// The line on which a span begins, from 1.
pub(crate) fn line(span: Span) -> usize {
    span.start().line
}

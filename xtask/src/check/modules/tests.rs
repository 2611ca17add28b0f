use super::prove;
use crate::check::trial::sources;

/// What the rule says of a crate with these files.
fn breaches(files: &[(&str, &str)]) -> Vec<String> {
    let breaches = prove(&sources("tidings", files).house).unwrap();
    breaches.iter().map(|one| format!("{}:{} {} -> {}", one.file.display(), one.line, one.what, one.remedy)).collect()
}

#[test]
fn a_house_in_order_passes() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\npub use a::Apple;\npub use b::inner::Bean;"),
        ("a.rs", "use crate::b::inner::Bean;\npub struct Apple(Bean);"),
        ("b/mod.rs", "pub mod inner;\npub use inner::Bean;"),
        ("b/inner.rs", "pub struct Bean;"),
    ];
    assert_eq!(breaches(&files), [""; 0]);
}

#[test]
fn two_modules_that_import_each_other_are_a_breach() {
    let files = [
        ("lib.rs", "mod a;\nmod b;"),
        ("a.rs", "use crate::b::Bean;\npub struct Apple;"),
        ("b.rs", "\nuse super::a::Apple;\npub struct Bean;"),
    ];
    let found = breaches(&files);
    assert_eq!(found.len(), 1);
    let rings = "crate::a imports crate::b at one/src/a.rs:1; crate::b imports crate::a at one/src/b.rs:2";
    assert!(found[0].contains(rings), "{found:?}");
}

#[test]
fn a_ring_of_three_is_a_breach() {
    let files = [
        ("main.rs", "mod a;\nmod b;\nmod c;\nfn main() {}"),
        ("a.rs", "use crate::b;\npub fn go() { b::go() }"),
        ("b.rs", "pub fn go() { crate::c::go() }"),
        ("c.rs", "pub fn go() { println!(\"{}\", crate::a::go()) }"),
    ];
    assert_eq!(breaches(&files).len(), 1);
}

#[test]
fn one_import_is_told_once_whatever_rings_it_makes() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\nmod c;"),
        ("a.rs", "use crate::{b::Bean, c::Cherry};\npub struct Apple(Bean, Cherry);"),
        ("b.rs", "use crate::c::Cherry;\npub struct Bean(Cherry);"),
        ("c.rs", "use crate::a::Apple;\npub struct Cherry;"),
    ];
    let found = breaches(&files);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("crate::a imports crate::c at one/src/a.rs:1; crate::c imports crate::a"), "{found:?}");
}

#[test]
fn a_parent_and_its_child_may_not_import_each_other() {
    let parent = "mod child;\nuse child::Child;\npub struct Parent(Child);";
    let ring = [
        ("lib.rs", "mod parent;"),
        ("parent.rs", parent),
        ("parent/child.rs", "use super::Parent;\npub struct Child;"),
    ];
    assert_eq!(breaches(&ring).len(), 1);
    let one_way = [("lib.rs", "mod parent;"), ("parent.rs", "mod child;\npub struct Parent;"), ring[2]];
    assert_eq!(breaches(&one_way), [""; 0]);
}

#[test]
fn imports_of_tests_do_not_count() {
    let files = [
        ("lib.rs", "mod a;\nmod b;"),
        ("a.rs", "use crate::b::Bean;\npub struct Apple(Bean);"),
        (
            "b.rs",
            "pub struct Bean;\n#[cfg(test)]\nmod tests {\n    use crate::a::Apple;\n}\n#[cfg(test)]\nuse crate::a::Apple;",
        ),
    ];
    assert_eq!(breaches(&files), [""; 0]);
}

#[test]
fn an_import_from_the_root_is_a_breach() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\npub use a::{Apple, Pip as Seed};"),
        ("a.rs", "pub struct Apple;\npub struct Pip;"),
        ("b.rs", "use crate::Apple;\npub struct Bean(Apple, crate::Seed);"),
    ];
    let found = breaches(&files);
    let expected = [
        "one/src/b.rs:1 Apple is taken from crate, which only passes it on -> take it from crate::a, which defines it",
        "one/src/b.rs:2 Seed is taken from crate, which only passes it on -> take it from crate::a, which defines it",
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_import_by_way_of_anothers_import_is_a_breach() {
    let files = [
        ("lib.rs", "mod a;\nmod b;"),
        ("a.rs", "pub struct Apple;"),
        ("b.rs", "mod inner;\nuse crate::a::Apple;\npub struct Bean(Apple);"),
        ("b/inner.rs", "use super::Apple;\npub struct Inner(Apple);"),
    ];
    assert_eq!(breaches(&files).len(), 1);
}

#[test]
fn globs_are_seen_through() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\npub use a::*;"),
        ("a.rs", "pub struct Apple;"),
        ("b.rs", "use crate::Apple;\npub struct Bean(Apple);"),
    ];
    assert_eq!(breaches(&files).len(), 1);
}

#[test]
fn what_the_root_defines_and_exported_macros_are_not_detours() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\npub const LIMIT: u8 = 1;"),
        ("a.rs", "#[macro_export]\nmacro_rules! apple { () => {} }"),
        ("b.rs", "pub fn go() -> u8 { crate::apple!(); crate::LIMIT }"),
    ];
    assert_eq!(breaches(&files), [""; 0]);
}

#[test]
fn an_attribute_names_modules_too() {
    let files = [
        ("lib.rs", "mod a;\nmod b;"),
        ("a.rs", "use crate::b::Bean;\npub fn read(_: Bean) {}"),
        ("b.rs", "#[derive(Deserialize)]\npub struct Bean {\n    #[serde(with = \"crate::a\")]\n    pub field: u8,\n}"),
    ];
    assert_eq!(breaches(&files).len(), 1);
}

#[test]
fn a_missing_file_is_told() {
    let error = prove(&sources("tidings", &[("lib.rs", "mod gone;")]).house).unwrap_err();
    assert!(format!("{error:#}").contains("gone.rs"), "{error:#}");
}

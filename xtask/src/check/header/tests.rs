use super::symbols;
use crate::check::trial::files;

const SOURCE: &str = "#[unsafe(no_mangle)] pub extern \"C\" fn tidings_a() {}\nfn inside() {}\n";

fn breaches(list: &str) -> Vec<String> {
    let trial = files(&[("bindings/c/symbols.txt", list), ("bindings/c/src/a.rs", SOURCE)]);
    symbols(&trial.house.tree).unwrap().into_iter().map(|breach| breach.what).collect()
}

#[test]
fn a_list_of_what_is_exported_passes() {
    assert!(breaches("tidings_a\n").is_empty());
}

#[test]
fn what_is_gone_and_what_is_new_are_breaches() {
    let expected = ["tidings_b is listed, and no source exports it", "tidings_a is exported and not listed"];
    assert_eq!(breaches("tidings_b\n"), expected);
}

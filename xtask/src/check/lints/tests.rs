use super::prove;
use crate::check::trial::{files, one};

const WORKSPACE: &str = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n";

fn breaches(root: &str, manifest: &str) -> Vec<String> {
    let mut trial = files(&[("Cargo.toml", root), ("tidings/Cargo.toml", manifest)]);
    trial.house.crates.push(one("tidings", &[]));
    prove(&trial.house).unwrap().into_iter().map(|breach| breach.what).collect()
}

#[test]
fn a_crate_with_the_lints_passes() {
    assert!(breaches(WORKSPACE, "[lints]\nworkspace = true\n").is_empty());
}

#[test]
fn a_crate_without_them_is_a_breach() {
    let expected = ["tidings does not take the workspace's lints"];
    assert_eq!(breaches(WORKSPACE, "[package]\nname = \"tidings\"\n"), expected);
    assert_eq!(breaches(WORKSPACE, "[lints.rust]\nunsafe_code = \"allow\"\n"), expected);
}

#[test]
fn unsafe_code_is_forbidden_for_all() {
    let root = "[workspace.lints.rust]\nunsafe_code = \"warn\"\n";
    assert_eq!(breaches(root, "[lints]\nworkspace = true\n"), ["the workspace does not forbid unsafe code"]);
}

#[test]
fn the_c_library_may_be_unsafe_and_nothing_else() {
    let breaches = |manifest: &str| {
        let mut trial = files(&[("Cargo.toml", WORKSPACE), ("tidings-c/Cargo.toml", manifest)]);
        trial.house.crates.push(one("tidings-c", &[]));
        prove(&trial.house).unwrap().len()
    };
    assert_eq!(breaches("[lints.rust]\nunsafe_code = \"allow\"\n"), 0);
    assert_eq!(breaches("[lints.rust]\nunsafe_code = \"allow\"\nmissing_docs = \"allow\"\n"), 1);
    assert_eq!(breaches("[package]\nname = \"tidings-c\"\n"), 1);
}

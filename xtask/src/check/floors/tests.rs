use super::prove;
use crate::check::trial::{crates, files, one};

fn breaches(of: Vec<crate::house::Crate>) -> Vec<String> {
    prove(&crates(of).house).unwrap().into_iter().map(|breach| breach.what).collect()
}

#[test]
fn downward_is_allowed() {
    let core = one("tidings-core", &[("tidings-proto", false), ("bytes", false)]);
    assert!(breaches(vec![one("tidings-proto", &[]), core]).is_empty());
}

#[test]
fn upward_is_a_breach() {
    let found = breaches(vec![one("tidings-proto", &[("tidings-core", false)]), one("tidings-core", &[])]);
    assert_eq!(found, ["tidings-proto (floor 0) uses tidings-core (floor 1)"]);
}

#[test]
fn beside_is_a_breach_but_for_tests() {
    let house = |is_dev| vec![one("tidings-auth", &[("tidings-transports", is_dev)]), one("tidings-transports", &[])];
    assert_eq!(breaches(house(false)).len(), 1);
    assert!(breaches(house(true)).is_empty());
}

#[test]
fn tests_do_not_look_up() {
    assert_eq!(breaches(vec![one("tidings", &[("tidings-auth", true)]), one("tidings-auth", &[])]).len(), 1);
}

#[test]
fn an_unknown_crate_is_a_breach() {
    assert_eq!(breaches(vec![one("tidings-attic", &[])]), ["tidings-attic stands on no floor"]);
}

#[test]
fn xtask_stands_outside() {
    assert_eq!(breaches(vec![one("xtask", &[("tidings", false)]), one("tidings", &[])]).len(), 1);
    assert_eq!(breaches(vec![one("tidingsd", &[("xtask", true)]), one("xtask", &[])]).len(), 1);
}

#[test]
fn a_breach_names_the_line() {
    let manifest =
        "[package]\nname = \"tidings-proto\"\n[dependencies]\nbytes = \"1\"\ntidings-core.workspace = true\n";
    let mut trial = files(&[("tidings-proto/Cargo.toml", manifest)]);
    trial.house.crates = vec![one("tidings-proto", &[("tidings-core", false)]), one("tidings-core", &[])];
    let found = prove(&trial.house).unwrap();
    assert_eq!((found[0].file.to_str(), found[0].line), (Some("tidings-proto/Cargo.toml"), 5));
}

use super::prove;
use crate::check::trial::{crates, one};

fn breaches(of: Vec<crate::house::Crate>) -> Vec<String> {
    prove(&crates(of).house).unwrap().into_iter().map(|breach| breach.what).collect()
}

#[test]
fn what_is_allowed_passes() {
    let tidings = one("tidings", &[("tokio", false), ("tidings-core", false), ("hyper", true)]);
    assert!(breaches(vec![tidings, one("tidings-core", &[("bytes", false)])]).is_empty());
}

#[test]
fn a_library_not_on_the_list_is_a_breach() {
    let found = breaches(vec![one("tidings-core", &[("tokio", false)]), one("tidings", &[("hyper", false)])]);
    assert_eq!(found, ["tidings-core may not use tokio", "tidings may not use hyper"]);
}

#[test]
fn what_comes_in_by_the_back_door_is_a_breach() {
    let mut proto = one("tidings-proto", &[("serde", false)]);
    proto.reaches = ["serde".into(), "mio".into()].into();
    assert_eq!(breaches(vec![proto]), ["mio ends up in tidings-proto, by way of something it uses"]);
}

#[test]
fn programs_are_free() {
    assert!(breaches(vec![one("tidingsd", &[("anything", false)])]).is_empty());
}

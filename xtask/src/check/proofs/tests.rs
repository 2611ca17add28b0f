use super::prove;
use crate::check::trial::files;

#[test]
fn rows_name_tests_that_are_there() {
    let rows = "| # | attempt | tests |\n|---|---|---|\n| 1 | `x` | `a_test`, `gone` |\n| 2 | nothing |  |\n| 3 | y | `other` |\n";
    let source = "#[test]\nfn a_test() {}\n    async fn other<T>() {}\n";
    let trial = files(&[("docs/security.md", rows), ("a.rs", source)]);
    let breaches = prove(&trial.house).unwrap();
    let found: Vec<_> = breaches.iter().map(|breach| (breach.line, &*breach.what)).collect();
    assert_eq!(found, [(3, "there is no test gone"), (4, "a row names no test")]);
}

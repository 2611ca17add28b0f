use super::prove;
use crate::check::trial::sources;

fn lines(source: &str) -> Vec<usize> {
    let found = prove(&sources("tidings", &[("lib.rs", source)]).house).unwrap();
    found.into_iter().map(|breach| breach.line).collect()
}

#[test]
fn an_unwrap_is_a_breach() {
    assert_eq!(lines("fn f() {\n    a()\n        .unwrap();\n    b().unwrap_err();\n}"), [3, 4]);
}

#[test]
fn what_says_why_or_is_a_test_passes() {
    assert!(lines("fn f() { a().expect(\"checked above\"); b().unwrap_or_default() }").is_empty());
    assert!(
        lines("#[cfg(test)]\nmod tests {\n    fn f() { a().unwrap() }\n}\n#[test]\nfn g() { a().unwrap() }").is_empty()
    );
}

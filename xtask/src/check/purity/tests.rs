use super::prove;
use crate::check::trial::sources;

fn breaches(name: &str, source: &str) -> Vec<(usize, String)> {
    let found = prove(&sources(name, &[("lib.rs", source)]).house).unwrap();
    found.into_iter().map(|breach| (breach.line, breach.what)).collect()
}

#[test]
fn a_pure_crate_passes() {
    let source = "use crate::time::Instant;\nuse std::collections::HashMap;\nuse std::time::Duration;\n\
                  type Map<V> = HashMap<u64, V, Keyed>;\nfn at(now: Instant) -> Map<Duration> { Map::default() }";
    assert!(breaches("tidings-core", source).is_empty());
}

#[test]
fn clocks_threads_and_sockets_are_breaches() {
    let source = "use std::{thread, time::SystemTime};\nfn f() {\n    std::time::Instant::now();\n    \
                  println!(\"{:?}\", tokio::net::TcpStream::connect(1));\n}";
    for name in ["tidings-core", "tidings-proto"] {
        let lines: Vec<usize> = breaches(name, source).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 1, 3, 4], "{name}");
    }
}

#[test]
fn maps_keyed_by_chance_are_breaches_in_the_core() {
    let source = "use std::collections::HashMap;\nstruct A(HashMap<u8, u8>);\nfn f() {\n    let _ = HashMap::new();\n    \
                  let _: std::collections::HashSet<u8> = x();\n}\nuse std::collections::HashMap as Map;";
    let lines: Vec<usize> = breaches("tidings-core", source).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [2, 4, 5, 7]);
    assert!(breaches("tidings-proto", source).is_empty());
}

#[test]
fn channels_without_a_bound_are_breaches_where_peers_are_served() {
    let source = "fn f() { tokio::sync::mpsc::unbounded_channel::<u8>(); }";
    assert_eq!(breaches("tidings", source).len(), 1);
    assert!(breaches("tidings-load", source).is_empty());
}

#[test]
fn tests_may_do_as_they_like() {
    let source = "#[cfg(test)]\nmod tests {\n    use std::time::Instant;\n    fn f() { Instant::now(); }\n}";
    assert!(breaches("tidings-core", source).is_empty());
    let files = [("lib.rs", "#[cfg(test)]\nmod tests;"), ("tests.rs", "use std::thread;")];
    assert!(prove(&sources("tidings-core", &files).house).unwrap().is_empty());
}

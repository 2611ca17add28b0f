//! Every test that `docs/guarantees.md` names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn the_proofs_of_the_guarantees_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("docs/guarantees.md")).unwrap();
    let named: BTreeSet<_> = text.split('`').filter_map(|part| part.split_once(".rs::")).collect();
    assert!(named.len() > 40, "{}", named.len());
    let is_missing = |(file, test): &&(&str, &str)| {
        let code = fs::read_to_string(root.join(format!("{file}.rs"))).unwrap_or_default();
        *file != "file" && !code.contains(&format!("fn {test}()"))
    };
    let missing: Vec<_> = named.iter().filter(is_missing).collect();
    assert_eq!(missing, [&("", ""); 0]);
}

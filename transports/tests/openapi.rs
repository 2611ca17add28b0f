//! `docs/openapi.json` is what the code says.

use std::{fs, path::Path};

/// Set, the file is written instead of compared.
const WRITE: &str = "TIDINGS_WRITE_OPENAPI";

#[test]
fn the_document_in_docs_is_the_one_that_is_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let served = tidings_transports::openapi_json();
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, &served).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == served,
        "docs/openapi.json is not what the code says: run `cargo xtask openapi` and look at what changed"
    );
}

//! The document of the HTTP API in docs/ is what the code says.

use crate::breach::Breach;
use crate::house::House;
use crate::openapi;

/// The rule's name.
pub(crate) const RULE: &str = "openapi";

/// Compares the file with the code.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let clean = !openapi::exists(house) || openapi::write(&house.tree, true)?;
    let breach = || Breach {
        file: "docs/openapi.json".into(),
        line: 1,
        rule: RULE,
        what: "it is not what the code says".into(),
        remedy: "cargo xtask openapi, and look at what changed".into(),
    };
    Ok((!clean).then(breach).into_iter().collect())
}

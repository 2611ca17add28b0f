//! The documentation builds.

use crate::breach::Breach;
use crate::house::House;
use crate::run;

/// The rule's name.
pub(crate) const RULE: &str = "docs";

/// Builds the documentation of every crate, with warnings as errors.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let mut command = run::cargo(&house.tree);
    command.args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings");
    let clean = run::shown(&mut command)?;
    let breach = || Breach {
        file: "Cargo.toml".into(),
        line: 1,
        rule: RULE,
        what: "rustdoc warns".into(),
        remedy: "rustdoc names the places above".into(),
    };
    Ok((!clean).then(breach).into_iter().collect())
}

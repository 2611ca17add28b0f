//! Formatting is rustfmt's.

use crate::breach::Breach;
use crate::house::House;
use crate::run;

/// The rule's name.
pub(crate) const RULE: &str = "fmt";

/// Asks rustfmt whether it would change anything.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let mut clean = run::shown(run::cargo(&house.tree).args(["fmt", "--all", "--check"]))?;
    // A workspace of its own.
    let fuzz = ["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"];
    clean &= !house.tree.has("fuzz/Cargo.toml") || run::shown(run::cargo(&house.tree).args(fuzz))?;
    let breach = || Breach {
        file: "rustfmt.toml".into(),
        line: 1,
        rule: RULE,
        what: "rustfmt would change the files above".into(),
        remedy: "cargo fmt --all; cargo fmt --manifest-path fuzz/Cargo.toml".into(),
    };
    Ok((!clean).then(breach).into_iter().collect())
}

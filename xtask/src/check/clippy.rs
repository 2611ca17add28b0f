//! Clippy has nothing to say.

use crate::breach::Breach;
use crate::house::House;
use crate::run;

/// The rule's name.
pub(crate) const RULE: &str = "clippy";

/// Runs clippy over everything, tests and examples included, with warnings as errors.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let mut command = run::cargo(&house.tree);
    command.args(["clippy", "--workspace", "--all-targets", "--all-features", "--quiet", "--", "-D", "warnings"]);
    let clean = run::shown(&mut command)?;
    let breach = || Breach {
        file: "Cargo.toml".into(),
        line: 1,
        rule: RULE,
        what: "clippy warns".into(),
        remedy: "it names the places above; what a lint gets wrong is allowed where it stands, with a reason".into(),
    };
    Ok((!clean).then(breach).into_iter().collect())
}

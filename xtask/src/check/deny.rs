//! What cargo-deny knows of dependencies: licences, sources, duplicates, and with the network vulnerabilities.

use crate::breach::Breach;
use crate::house::House;
use crate::run;
use anyhow::ensure;

/// The name of the rule for licences, sources and bans.
pub(crate) const RULE: &str = "deny";

/// The name of the rule for known vulnerabilities.
pub(crate) const ADVISORIES: &str = "advisories";

/// Asks cargo-deny for everything that it can tell without the network, by `deny.toml`.
///
/// # Errors
/// When cargo-deny is missing and cannot be installed.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    ask(house, RULE, &["bans", "licenses", "sources"])
}

/// Asks cargo-deny for known vulnerabilities. It fetches a database from GitHub.
///
/// # Errors
/// When cargo-deny is missing and cannot be installed.
pub(crate) fn prove_advisories(house: &House) -> anyhow::Result<Vec<Breach>> {
    ask(house, ADVISORIES, &["advisories"])
}

fn ask(house: &House, rule: &'static str, questions: &[&str]) -> anyhow::Result<Vec<Breach>> {
    install(house)?;
    let mut command = run::cargo(&house.tree);
    command.args(["deny", "--log-level", "error", "check", "--hide-inclusion-graph"]).args(questions);
    let clean = run::shown(&mut command)?;
    let breach = || Breach {
        file: "deny.toml".into(),
        line: 1,
        rule,
        what: "cargo-deny refuses a dependency".into(),
        remedy: "it names it above: do without it, take a newer release, or say in deny.toml why it may stay".into(),
    };
    Ok((!clean).then(breach).into_iter().collect())
}

fn install(house: &House) -> anyhow::Result<()> {
    if run::answers(run::cargo(&house.tree).args(["deny", "--version"])) {
        return Ok(());
    }
    println!(
        "Installing cargo-deny, which reads the licences and sources of all dependencies. This takes a minute or two."
    );
    // Unoptimised it is built sooner, and its work here is small.
    let done = run::shown(run::cargo(&house.tree).args(["install", "cargo-deny", "--locked", "--debug"]))?;
    ensure!(done, "cargo-deny could not be installed; install it by hand, or leave it out with --only");
    Ok(())
}

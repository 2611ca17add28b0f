//! The rules of the house, and the command that proves them.

mod clippy;
mod deny;
mod docs;
mod externals;
mod floors;
mod format;
mod header;
mod links;
mod lints;
mod modules;
mod openapi;
mod proofs;
mod purity;
mod sizes;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;
mod unwraps;
mod vectors;
mod words;

use crate::breach::Breach;
use crate::house::House;
use crate::tree::Tree;
use anyhow::bail;
use std::time::Instant;

/// Prove the rules of the house: floors, modules, sizes, words, formatting, lints, licences, documentation.
///
/// Every breach is printed with its file and line, the rule's name and what to do. The rules that only read files come
/// first; they take a second. All of them work without a network but `advisories`, which fetches a database from
/// GitHub and so runs only when it is asked for.
#[derive(clap::Args)]
#[command(after_help = after_help())]
pub(crate) struct Args {
    /// Prove these rules alone, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "RULES")]
    only: Vec<String>,
    /// Also look for known vulnerabilities in dependencies. Needs the network.
    #[arg(long)]
    advisories: bool,
}

/// A rule of the house.
struct Rule {
    name: &'static str,
    about: &'static str,
    prove: fn(&House) -> anyhow::Result<Vec<Breach>>,
}

/// Every rule, the quick ones first.
static RULES: [Rule; 17] = [
    Rule { name: floors::RULE, about: "a crate uses only crates on lower floors", prove: floors::prove },
    Rule { name: externals::RULE, about: "a crate uses only the libraries it may", prove: externals::prove },
    Rule {
        name: modules::RULE,
        about: "no import cycles, nothing imported by way of a re-export",
        prove: modules::prove,
    },
    Rule { name: purity::RULE, about: "no clocks, sockets or chance in the pure crates", prove: purity::prove },
    Rule { name: sizes::RULE, about: "files, functions and structs stay small", prove: sizes::prove },
    Rule { name: unwraps::RULE, about: "outside tests an unwrap says why it cannot fail", prove: unwraps::prove },
    Rule { name: lints::RULE, about: "every crate takes the workspace's lints", prove: lints::prove },
    Rule { name: words::RULE, about: "no file speaks of one machine", prove: words::prove },
    Rule { name: links::RULE, about: "links between documents lead somewhere", prove: links::prove },
    Rule { name: proofs::RULE, about: "tests that docs/security.md names are there", prove: proofs::prove },
    Rule { name: header::RULE, about: "the C header is what the source says", prove: header::prove },
    Rule { name: format::RULE, about: "cargo fmt has nothing to change", prove: format::prove },
    Rule { name: deny::RULE, about: "licences, sources and duplicates of dependencies", prove: deny::prove },
    Rule { name: clippy::RULE, about: "clippy has nothing to say", prove: clippy::prove },
    Rule { name: docs::RULE, about: "the documentation builds without a warning", prove: docs::prove },
    Rule { name: vectors::RULE, about: "conformance vectors are up to date", prove: vectors::prove },
    Rule { name: openapi::RULE, about: "docs/openapi.json is what the code says", prove: openapi::prove },
];

/// Known vulnerabilities: apart from the others, for it needs the network.
static ADVISORIES: Rule = Rule {
    name: deny::ADVISORIES,
    about: "no known vulnerabilities (needs the network)",
    prove: deny::prove_advisories,
};

fn after_help() -> String {
    let lines = RULES.iter().chain([&ADVISORIES]).map(|rule| format!("  {:<11} {}\n", rule.name, rule.about));
    format!("Rules:\n{}", lines.collect::<String>())
}

/// Proves what `args` ask for.
///
/// # Errors
/// When the workspace cannot be read, or `args` name a rule that there is not.
pub(crate) fn main(args: &Args) -> anyhow::Result<bool> {
    let mut rules = chosen(&args.only)?;
    if args.advisories && !rules.iter().any(|rule| rule.name == ADVISORIES.name) {
        rules.push(&ADVISORIES);
    }
    prove(&rules)
}

/// Proves every rule that needs no network.
///
/// # Errors
/// As [`main`].
pub(crate) fn prove_all() -> anyhow::Result<bool> {
    prove(&chosen(&[])?)
}

fn chosen(only: &[String]) -> anyhow::Result<Vec<&'static Rule>> {
    if only.is_empty() {
        return Ok(RULES.iter().collect());
    }
    if let Some(unknown) = only.iter().find(|name| RULES.iter().chain([&ADVISORIES]).all(|rule| rule.name != *name)) {
        bail!("there is no rule {unknown:?}; `cargo xtask check --help` lists them");
    }
    Ok(RULES.iter().chain([&ADVISORIES]).filter(|rule| only.iter().any(|name| name == rule.name)).collect())
}

fn prove(rules: &[&Rule]) -> anyhow::Result<bool> {
    let house = House::read(Tree::here())?;
    let mut broken = Vec::new();
    for rule in rules {
        let start = Instant::now();
        let verdict = verdict(rule, &house);
        println!(
            "{:<11} {} ({:.1} s)",
            rule.name,
            verdict.as_deref().unwrap_or("holds"),
            start.elapsed().as_secs_f64()
        );
        if verdict.is_some() {
            broken.push(rule.name);
        }
    }
    if !broken.is_empty() {
        println!("Broken: {0}. Again, these alone: cargo xtask check --only {1}", broken.join(", "), broken.join(","));
    }
    Ok(broken.is_empty())
}

/// Proves one rule and prints its breaches. Tells what is wrong, if anything: a rule that cannot be proved is as bad as
/// a broken one, and keeps no other from being proved.
fn verdict(rule: &Rule, house: &House) -> Option<String> {
    let mut breaches = match (rule.prove)(house) {
        Ok(breaches) => breaches,
        Err(error) => return Some(format!("cannot be proved: {error:#}")),
    };
    breaches.sort();
    for breach in &breaches {
        println!("{breach}");
    }
    let noun = if breaches.len() == 1 { "breach" } else { "breaches" };
    (!breaches.is_empty()).then(|| format!("{} {noun}", breaches.len()))
}

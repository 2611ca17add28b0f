use super::{ADVISORIES, RULES, Rule, chosen, trial, verdict};
use crate::breach::Breach;

#[test]
fn all_rules_are_chosen_but_the_one_that_needs_the_network() {
    assert_eq!(chosen(&[]).unwrap().len(), RULES.len());
    let names: Vec<&str> = chosen(&["sizes".into(), "floors".into()]).unwrap().iter().map(|rule| rule.name).collect();
    assert_eq!(names, ["floors", "sizes"]);
    assert_eq!(chosen(&[ADVISORIES.name.into()]).unwrap().len(), 1);
    assert!(chosen(&["flaws".into()]).is_err());
}

#[test]
fn a_rule_holds_or_is_broken_or_cannot_be_proved() {
    let house = trial::files(&[]).house;
    let told = |prove| verdict(&Rule { name: "rule", about: "", prove }, &house);
    assert_eq!(told(|_| Ok(Vec::new())), None);
    assert_eq!(told(|_| Ok(vec![breach()])), Some("1 breach".into()));
    assert_eq!(told(|_| anyhow::bail!("no file")), Some("cannot be proved: no file".into()));
}

#[test]
fn a_breach_says_where_what_and_what_to_do() {
    assert_eq!(breach().to_string(), "a/b.rs:7: rule: it leans\n    -> straighten it");
}

fn breach() -> Breach {
    Breach { file: "a/b.rs".into(), line: 7, rule: "rule", what: "it leans".into(), remedy: "straighten it".into() }
}

use super::{headings, prove};
use crate::check::trial::files;

const GUARANTEES: (&str, &str) = ("docs/guarantees.md", "# What it promises\n\n## To the `publisher`, always\n");

fn breaches(readme: &str) -> Vec<(usize, String)> {
    let found = prove(&files(&[("README.md", readme), GUARANTEES]).house).unwrap();
    found.into_iter().map(|breach| (breach.line, breach.what)).collect()
}

#[test]
fn links_that_lead_somewhere_pass() {
    let readme = "# First\n[a](docs/guarantees.md) [b](docs/guarantees.md#to-the-publisher-always) [c](#first)\n\
                  [d](https://example.com/x#y) [e](mailto:a@example.com) [f](docs/)\n\n```\n[g](gone.md)\n```\n";
    assert_eq!(breaches(readme), []);
}

#[test]
fn a_link_to_a_missing_file_is_a_breach() {
    let found = breaches("first\n\nsee [a](docs/gone.md) and ![b](gone.png)\n");
    let expected = [
        (3, "docs/gone.md leads nowhere: there is no docs/gone.md".to_owned()),
        (3, "gone.png leads nowhere: there is no gone.png".to_owned()),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_link_to_a_missing_heading_is_a_breach() {
    assert_eq!(breaches("[a](docs/guarantees.md#gone)"), [(1, "docs/guarantees.md has no heading #gone".to_owned())]);
    assert_eq!(breaches("[a](#gone)").len(), 1);
}

#[test]
fn a_link_out_of_the_project_is_a_breach() {
    assert_eq!(breaches("[a](../elsewhere.md)"), [(1, "../elsewhere.md leads out of the project".to_owned())]);
}

#[test]
fn anchors_are_github_s() {
    let text = "# One & two\n## The `Link` trait: *how*\n## One & two\n";
    assert_eq!(headings(text), ["one--two", "the-link-trait-how", "one--two-1"]);
}

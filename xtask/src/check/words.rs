//! Words that mean something on one machine alone have no place in a public file.

#[cfg(test)]
mod tests;

use crate::breach::Breach;
use crate::house::House;
use std::path::Path;

/// The rule's name.
pub(crate) const RULE: &str = "words";

/// What no file may hold. Put together from parts, so that this file may be read too.
const WORDS: [&str; 3] = [concat!("/wo", "rk/"), concat!("fa", "rm-"), concat!("../sha", "red")];

/// Finds those words in every text of the project.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for file in house.tree.files("")? {
        // What is not text (a picture, a vector) says nothing.
        let Ok(text) = String::from_utf8(std::fs::read(house.tree.path(&file))?) else { continue };
        breaches.extend(text.lines().enumerate().flat_map(|(at, line)| found(&file, at + 1, line)));
    }
    Ok(breaches)
}

fn found<'a>(file: &'a Path, line: usize, text: &'a str) -> impl Iterator<Item = Breach> + 'a {
    WORDS.iter().filter(move |word| holds(text, word)).map(move |word| Breach {
        file: file.to_path_buf(),
        line,
        rule: RULE,
        what: format!("{word:?} means something on one machine alone"),
        remedy: "say it so that everybody can follow it".into(),
    })
}

/// Whether `text` holds `word` where a word or a path begins.
fn holds(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(char::is_alphanumeric))
}

//! Links between documents lead somewhere.

#[cfg(test)]
mod tests;

use crate::breach::Breach;
use crate::house::House;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// The rule's name.
pub(crate) const RULE: &str = "links";

/// Finds relative links in Markdown whose file or heading is not there. Addresses elsewhere are not asked for.
///
/// # Errors
/// When a document cannot be read.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for file in house.tree.files_ending("", &["md"])? {
        for (line, link) in links(&house.tree.read(&file)?) {
            if let Some(what) = fault(house, &file, &link)? {
                let remedy = "correct the link, or write what it promises".to_owned();
                breaches.push(Breach { file: file.clone(), line, rule: RULE, what, remedy });
            }
        }
    }
    Ok(breaches)
}

/// Every link and picture of a document, with its line.
fn links(text: &str) -> Vec<(usize, String)> {
    let events = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES).into_offset_iter();
    let found = events.filter_map(|(event, place)| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some((text[..place.start].lines().count().max(1), dest_url.to_string()))
        }
        _ => None,
    });
    found.collect()
}

/// What is wrong with a link in `file`, if anything.
fn fault(house: &House, file: &Path, link: &str) -> anyhow::Result<Option<String>> {
    let is_elsewhere = link.split_once(':').is_some_and(|(scheme, _)| scheme.chars().all(char::is_alphanumeric));
    if is_elsewhere || link.starts_with("//") {
        return Ok(None);
    }
    let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
    let Some(target) = target(file, path) else { return Ok(Some(format!("{link} leads out of the project"))) };
    if !house.tree.has(&target) {
        return Ok(Some(format!("{link} leads nowhere: there is no {}", target.display())));
    }
    let is_document = target.extension().is_some_and(|ending| ending == "md");
    match heading {
        Some(heading) if is_document && !headings(&house.tree.read(&target)?).contains(&heading.to_owned()) => {
            Ok(Some(format!("{} has no heading #{heading}", target.display())))
        }
        _ => Ok(None),
    }
}

/// The file that a link in `file` means, relative to the root; nothing when it leads out of it.
fn target(file: &Path, path: &str) -> Option<PathBuf> {
    if path.is_empty() {
        return Some(file.to_path_buf());
    }
    let base = if path.starts_with('/') { Path::new("") } else { file.parent()? };
    let mut target = PathBuf::new();
    for part in base.join(path.trim_start_matches('/')).components() {
        match part {
            Component::ParentDir if !target.pop() => return None,
            Component::Normal(name) => target.push(name),
            _ => {}
        }
    }
    Some(target)
}

/// The anchors of a document's headings, as GitHub makes them.
fn headings(text: &str) -> Vec<String> {
    let mut anchors = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(part) | Event::Code(part) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&part);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let anchor = anchor(&heading.take().unwrap_or_default());
                let count = seen.entry(anchor.clone()).or_default();
                anchors.push(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
                *count += 1;
            }
            _ => {}
        }
    }
    anchors
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase()
}

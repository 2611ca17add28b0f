//! The pure crates: no clock, no socket, no thread, no chance, no waiting without a bound.

#[cfg(test)]
mod tests;

use crate::breach::Breach;
use crate::house::House;
use crate::rust::{self, Named, Way};
use anyhow::Context;

/// The rule's name.
pub(crate) const RULE: &str = "purity";

/// A path that some crates may not name outside their tests.
struct Ban {
    /// Neighbouring segments of the path, wherever in it.
    path: &'static [&'static str],
    crates: &'static [&'static str],
    instead: &'static str,
}

const PURE: &[&str] = &["tidings-proto", "tidings-core"];
/// Those in which the same seed must give the same run.
const REPEATABLE: &[&str] = &["tidings-core", "tidings-sim"];
const ALONE: &[&str] = &["tidings-proto", "tidings-core", "tidings-sim"];
const SERVING: &[&str] = &["tidings", "tidings-auth", "tidings-transports"];

const TIME: &str = "take the time as an argument; the caller reads the clock";
const OUTWARD: &str = "hand what must happen to the caller, who has sockets, files and threads";

const BANS: [Ban; 14] = [
    Ban { path: &["Instant", "now"], crates: ALONE, instead: TIME },
    Ban { path: &["time", "Instant"], crates: &["tidings-proto"], instead: TIME },
    Ban { path: &["std", "time", "Instant"], crates: REPEATABLE, instead: TIME },
    Ban { path: &["SystemTime"], crates: ALONE, instead: TIME },
    Ban { path: &["std", "thread"], crates: ALONE, instead: OUTWARD },
    Ban { path: &["std", "net"], crates: ALONE, instead: OUTWARD },
    Ban { path: &["std", "fs"], crates: ALONE, instead: OUTWARD },
    Ban { path: &["std", "env"], crates: PURE, instead: OUTWARD },
    Ban { path: &["std", "process"], crates: PURE, instead: OUTWARD },
    Ban { path: &["tokio"], crates: ALONE, instead: OUTWARD },
    Ban { path: &["RandomState"], crates: REPEATABLE, instead: "give the map a hasher with a key of the caller's" },
    Ban { path: &["thread", "sleep"], crates: SERVING, instead: "arm a timer: a sleeping thread serves nobody" },
    Ban { path: &["unbounded_channel"], crates: SERVING, instead: "give the channel a bound" },
    Ban { path: &["std", "sync", "mpsc", "channel"], crates: SERVING, instead: "use sync_channel, with a bound" },
];

/// Finds what the pure crates must not name: see [`BANS`], and maps whose hash is keyed by chance where a seed decides.
///
/// # Errors
/// When a source file cannot be read.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for one in &house.crates {
        let bans: Vec<&Ban> = BANS.iter().filter(|ban| ban.crates.contains(&one.name.as_str())).collect();
        if bans.is_empty() {
            continue;
        }
        for file in house.tree.files_ending(one.folder.join("src"), &["rs"])? {
            if is_of_tests(&file) {
                continue;
            }
            let source = rust::parse(&house.tree.read(&file)?).with_context(|| file.display().to_string())?;
            for named in rust::named(&source.items, true) {
                let banned = bans.iter().find(|ban| holds(&named, ban)).map(|ban| ban.instead);
                let keyless = REPEATABLE.contains(&one.name.as_str()) && is_keyed_by_chance(&named);
                let keyless =
                    keyless.then_some("give the map a hasher as its last argument, with a key of the caller's");
                if let Some(instead) = banned.or(keyless) {
                    let what = format!("{} may not name {}", one.name, named.segments.join("::"));
                    breaches.push(Breach {
                        file: file.clone(),
                        line: named.line,
                        rule: RULE,
                        what,
                        remedy: instead.into(),
                    });
                }
            }
        }
    }
    Ok(breaches)
}

/// Whether a file holds tests alone, as `tests.rs` and everything in `tests/` do here.
pub(crate) fn is_of_tests(file: &std::path::Path) -> bool {
    file.ends_with("tests.rs") || file.iter().any(|part| part == "tests")
}

fn holds(named: &Named, ban: &Ban) -> bool {
    named.segments.windows(ban.path.len()).any(|part| part.iter().eq(ban.path.iter()))
}

/// Whether this is std's map or set without a hasher of our own: by its type, or by a constructor that only that has.
fn is_keyed_by_chance(named: &Named) -> bool {
    let types = |name: &str| match name {
        "HashMap" => Some(2),
        "HashSet" => Some(1),
        _ => None,
    };
    let Some(last) = named.segments.last() else { return false };
    let renamed = match &named.way {
        Way::Use { alias, .. } => types(last).is_some() && alias != last,
        _ => false,
    };
    let written = named.way == Way::Plain && types(last).is_some_and(|count| count == named.arguments);
    let made = named
        .segments
        .windows(2)
        .any(|pair| types(&pair[0]).is_some() && matches!(pair[1].as_str(), "new" | "with_capacity" | "from"));
    renamed || written || made
}

//! The floors: a crate uses only crates below it.

#[cfg(test)]
mod tests;

use crate::breach::Breach;
use crate::house::{Crate, House};

/// The rule's name.
pub(crate) const RULE: &str = "floors";

/// Where every crate of the workspace stands. `xtask` stands outside: it uses none and none uses it.
const FLOORS: [(&str, u8); 18] = [
    ("tidings-proto", 0),
    ("tidings-core", 1),
    ("tidings-store", 1),
    ("tidings", 2),
    ("tidings-auth", 3),
    ("tidings-hook", 3),
    ("tidings-sim", 3),
    ("tidings-transports", 3),
    ("tidings-c", 4),
    ("tidings-bench", 4),
    ("tidings-load", 4),
    ("tidings-e2e", 4),
    ("tidingsd", 5),
    ("embed", 5),
    ("echo", 5),
    ("unix-json", 5),
    ("tidings-crash", 5),
    (OUTSIDE, u8::MAX),
];

const OUTSIDE: &str = "xtask";

/// Finds crates that use another on their own floor or above. Tests (`[dev-dependencies]`) may also use one on their
/// own floor, and never one above.
///
/// # Errors
/// None; as every rule.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for one in &house.crates {
        let Some(floor) = floor(&one.name) else {
            breaches.push(unknown(one));
            continue;
        };
        for used in &one.dependencies {
            let Some(below) = house.find(&used.name).and_then(|found| self::floor(&found.name)) else { continue };
            let allowed = if one.name == OUTSIDE || used.name == OUTSIDE {
                false
            } else if used.is_dev {
                below <= floor
            } else {
                below < floor
            };
            if !allowed {
                breaches.push(upward(house, one, &used.name, floor, below));
            }
        }
    }
    Ok(breaches)
}

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(known, _)| *known == name).map(|(_, floor)| *floor)
}

fn unknown(one: &Crate) -> Breach {
    Breach {
        file: one.folder.join("Cargo.toml"),
        line: 1,
        rule: RULE,
        what: format!("{} stands on no floor", one.name),
        remedy: "add it to FLOORS in xtask/src/check/floors.rs and to the picture in ARCHITECTURE.md".into(),
    }
}

fn upward(house: &House, one: &Crate, used: &str, floor: u8, below: u8) -> Breach {
    let what = if one.name == OUTSIDE || used == OUTSIDE {
        format!("{} uses {used}, but {OUTSIDE} stands outside the house", one.name)
    } else {
        format!("{} (floor {floor}) uses {used} (floor {below})", one.name)
    };
    Breach {
        file: one.folder.join("Cargo.toml"),
        line: house.manifest_line(one, used),
        rule: RULE,
        what,
        remedy: "move what is needed to a lower floor, or let the upper crate hand it down".into(),
    }
}

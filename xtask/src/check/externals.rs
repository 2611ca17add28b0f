//! The libraries that each crate may use.

#[cfg(test)]
mod tests;

use crate::breach::Breach;
use crate::house::{Crate, House};

/// The rule's name.
pub(crate) const RULE: &str = "externals";

/// What a crate may use from outside the workspace, and what must not end up in it by any way.
struct Allowance {
    name: &'static str,
    may_use: &'static [&'static str],
    must_not_reach: &'static [&'static str],
}

/// Everything that waits, listens or tells the time.
const RUNTIMES: &[&str] = &[
    "tokio",
    "mio",
    "socket2",
    "hyper",
    "fastwebsockets",
    "dashmap",
    "sled",
    "metrics",
    "tracing",
    "getrandom",
    "rand",
];

/// Crates that are not named may use what they like: programs and examples.
const ALLOWANCES: [Allowance; 8] = [
    Allowance {
        name: "tidings-proto",
        may_use: &["bytes", "serde", "rmp-serde", "serde_json", "base64", "memchr", "itoa", "zmij"],
        must_not_reach: RUNTIMES,
    },
    Allowance {
        name: "tidings-core",
        may_use: &["bytes", "hashbrown", "foldhash", "smallvec", "slab"],
        must_not_reach: RUNTIMES,
    },
    Allowance {
        name: "tidings-store",
        may_use: &["bytes", "crc32fast", "rustix", "sled"],
        must_not_reach: &["tokio", "hyper", "fastwebsockets", "tidings-core"],
    },
    Allowance {
        name: "tidings",
        may_use: &[
            "bytes",
            "dashmap",
            "getrandom",
            "governor",
            "hashbrown",
            "metrics",
            "parking_lot",
            "serde",
            "serde_json",
            "slab",
            "smallvec",
            "tokio",
            "tracing",
        ],
        must_not_reach: &["hyper", "hyper-util", "fastwebsockets", "rustls", "axum"],
    },
    Allowance {
        name: "tidings-auth",
        // Keys are fetched from where an issuer publishes them: by a client, never by a server's parts.
        may_use: &[
            "aws-lc-rs",
            "base64",
            "getrandom",
            "jsonwebtoken",
            "reqwest",
            "serde",
            "serde_json",
            "tokio",
            "tracing",
        ],
        must_not_reach: &["fastwebsockets", "axum", "openssl-sys"],
    },
    Allowance {
        name: "tidings-hook",
        may_use: &[
            "aws-lc-rs",
            "base64",
            "bytes",
            "getrandom",
            "metrics",
            "reqwest",
            "serde",
            "serde_json",
            "tokio",
            "tracing",
        ],
        must_not_reach: &["fastwebsockets", "axum"],
    },
    Allowance {
        name: "tidings-transports",
        may_use: &[
            "bytes",
            "fastwebsockets",
            // What stands in the query of a request, and the date of an answer that no HTTP server writes.
            "form_urlencoded",
            "governor",
            "http-body-util",
            "httpdate",
            "hyper",
            "hyper-util",
            "ipnet",
            "memchr",
            "metrics",
            "percent-encoding",
            "rustix",
            "rustls",
            // What comes in and goes out as JSON.
            "serde",
            "serde_json",
            "sha2",
            "socket2",
            "subtle",
            "tokio",
            "tokio-rustls",
            "tracing",
            "utoipa",
            // When a certificate ends.
            "x509-parser",
        ],
        must_not_reach: &["axum", "tokio-tungstenite"],
    },
    Allowance {
        name: "tidings-c",
        may_use: &[
            "bytes",
            // Settings by key, as the daemon has them from its environment.
            "config",
            "http-body-util",
            "hyper",
            // The one call that tells of forks, which no safe library has.
            "libc",
            "memchr",
            "rustix",
            "serde",
            "tokio",
            "toml",
            "tracing",
        ],
        must_not_reach: &["axum", "tokio-tungstenite", "openssl-sys"],
    },
];

/// Finds libraries in crates that may not use them. What is for tests alone is free.
///
/// # Errors
/// None; as every rule.
pub(crate) fn prove(house: &House) -> anyhow::Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for allowance in &ALLOWANCES {
        let Some(one) = house.find(allowance.name) else { continue };
        for used in one.dependencies.iter().filter(|used| !used.is_dev) {
            if house.find(&used.name).is_none() && !allowance.may_use.contains(&used.name.as_str()) {
                breaches.push(direct(house, one, &used.name));
            }
        }
        for banned in allowance.must_not_reach {
            if one.reaches.contains(*banned) && one.dependencies.iter().all(|used| used.name != *banned) {
                breaches.push(indirect(one, banned));
            }
        }
    }
    Ok(breaches)
}

fn direct(house: &House, one: &Crate, used: &str) -> Breach {
    Breach {
        file: one.folder.join("Cargo.toml"),
        line: house.manifest_line(one, used),
        rule: RULE,
        what: format!("{} may not use {used}", one.name),
        remedy: "do without, move it to a crate that may, or argue for it and add it to ALLOWANCES in \
                 xtask/src/check/externals.rs"
            .into(),
    }
}

fn indirect(one: &Crate, banned: &str) -> Breach {
    Breach {
        file: one.folder.join("Cargo.toml"),
        line: 1,
        rule: RULE,
        what: format!("{banned} ends up in {}, by way of something it uses", one.name),
        remedy: format!(
            "see `cargo tree --package {} --invert {banned} --edges no-dev`; turn off its feature",
            one.name
        ),
    }
}

//! The scenarios that every foreign client goes through, in both codecs.

use crate::daemon::Daemon;
use crate::script::Script;
use crate::token;
use serde_json::json;
use std::path::Path;

/// Runs one scenario of a script, once for each codec, each time against a daemon of its own.
///
/// # Errors
/// What the script found, or why it could not run.
pub fn run(interpreter: &Path, script: &str, scenario: &str) -> anyhow::Result<()> {
    for codec in ["json", "msgpack"] {
        let daemon = Daemon::start()?;
        let mut script = Script::start(interpreter, script, &[scenario, codec])?;
        script.tell(&json!({
            "url": daemon.url(), "tokens": {"alice": token::of("alice")?, "bob": token::of("bob")?},
        }))?;
        script.finish()?;
    }
    Ok(())
}

/// A test for each scenario, with `interpreter` and `script`.
#[macro_export]
macro_rules! scenarios {
    ($interpreter:expr, $script:literal: $($scenario:ident),+) => {
        $(
            #[test]
            fn $scenario() -> anyhow::Result<()> {
                $crate::scenarios::run($interpreter.as_ref(), $script, stringify!($scenario))
            }
        )+
    };
}

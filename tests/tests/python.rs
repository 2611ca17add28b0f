//! Sessions with Python's `websockets`, scenario by scenario, in both codecs.

use serde_json::json;
use tidings_e2e::daemon::Daemon;
use tidings_e2e::script::Script;
use tidings_e2e::{environment, token};

fn run(scenario: &str) -> anyhow::Result<()> {
    for codec in ["json", "msgpack"] {
        let daemon = Daemon::start()?;
        let mut script = Script::start(&environment::python()?, "session.py", &[scenario, codec])?;
        script.tell(&json!({
            "url": daemon.url(), "tokens": {"alice": token::of("alice")?, "bob": token::of("bob")?},
        }))?;
        script.finish()?;
    }
    Ok(())
}

#[test]
fn session() -> anyhow::Result<()> {
    run("session")
}

#[test]
fn codecs() -> anyhow::Result<()> {
    run("codecs")
}

#[test]
fn resume() -> anyhow::Result<()> {
    run("resume")
}

#[test]
fn send() -> anyhow::Result<()> {
    run("send")
}

#[test]
fn frames() -> anyhow::Result<()> {
    run("frames")
}

#[test]
fn pings() -> anyhow::Result<()> {
    run("pings")
}

#[test]
fn refused() -> anyhow::Result<()> {
    run("refused")
}

//! Sessions with Python's `websockets`, scenario by scenario, in both codecs; and with its `httpx-sse`.

tidings_e2e::scenarios!(tidings_e2e::environment::python()?, "session.py":
    session, codecs, resume, send, frames, pings, refused);

/// Listens, sends by POST, comes back by `Last-Event-ID`, and is refused.
#[test]
fn events() -> anyhow::Result<()> {
    let daemon = tidings_e2e::daemon::Daemon::start()?;
    let mut script = tidings_e2e::script::Script::start(&tidings_e2e::environment::python()?, "events.py", &[])?;
    let tokens = serde_json::json!({"alice": tidings_e2e::token::of("alice")?, "bob": tidings_e2e::token::of("bob")?});
    script.tell(&serde_json::json!({"url": format!("http://{}/sse", daemon.address()), "tokens": tokens}))?;
    script.finish()
}

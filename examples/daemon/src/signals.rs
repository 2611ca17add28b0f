//! What tells the process to stop.

use anyhow::{Context as _, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT (Ctrl-C) and SIGTERM.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Listens for both from now on: neither ends the process by itself any more.
    ///
    /// # Errors
    /// The system does not let it.
    pub(crate) fn new() -> Result<Self> {
        let on = |kind| signal(kind).context("can't listen for signals");
        Ok(Self { interrupt: on(SignalKind::interrupt())?, terminate: on(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// SIGHUP, by which a daemon is told to read its certificate anew.
pub(crate) struct Hangups(Signal);

impl Hangups {
    /// Listens for it from now on: it does not end the process any more.
    ///
    /// # Errors
    /// The system does not let it.
    pub(crate) fn new() -> Result<Self> {
        signal(SignalKind::hangup()).context("can't listen for SIGHUP").map(Self)
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        // It never ends while this lives.
        let _ = self.0.recv().await;
    }
}

//! The log, to standard error.

use anyhow::{Context as _, Result};
use std::io::{self, IsTerminal as _};
use tracing_subscriber::EnvFilter;

/// Begins to log what the filter lets through.
///
/// # Errors
/// The filter can't be read.
pub(crate) fn start(filter: &str) -> Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| {
        format!("the log filter {filter:?}: write a level, such as `info`, or `warn,tidings=debug`")
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    log.with_ansi(io::stderr().is_terminal()).init();
    Ok(())
}

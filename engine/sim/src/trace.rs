//! What happened, for a person who looks for the cause of a failure.

use crate::name::StreamName;
use std::fmt;

/// Most lines that are printed.
const LINES_MAX: usize = 400;

/// Whom a line or a failure is about. Nobody in particular: everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    pub(crate) client: Option<usize>,
    pub(crate) stream: Option<StreamName>,
}

impl About {
    pub(crate) const fn client(client: usize) -> Self {
        Self { client: Some(client), stream: None }
    }

    pub(crate) fn stream(stream: &StreamName) -> Self {
        Self { client: None, stream: Some(stream.clone()) }
    }

    pub(crate) fn both(client: usize, stream: &StreamName) -> Self {
        Self { client: Some(client), stream: Some(stream.clone()) }
    }

    /// Whether a line about this helps somebody who looks into `failure`.
    fn concerns(&self, failure: &Self) -> bool {
        match (self.client, &self.stream) {
            (None, None) => true,
            (Some(client), None) => failure.client.is_none_or(|other| other == client),
            (client, Some(stream)) => {
                let is_of_client = client.is_none() || failure.client.is_none() || client == failure.client;
                is_of_client && failure.stream.as_ref().is_none_or(|other| other == stream)
            }
        }
    }
}

/// A promise that was broken.
#[derive(Debug, Clone)]
pub struct Violation {
    /// What was promised and what happened instead.
    pub what: String,
    /// Whom it concerns.
    pub about: About,
}

impl Violation {
    pub(crate) fn new(about: About, what: impl Into<String>) -> Self {
        Self { what: what.into(), about }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(client) = self.about.client {
            write!(f, "client {client}: ")?;
        }
        if let Some(stream) = &self.about.stream {
            write!(f, "{stream}: ")?;
        }
        f.write_str(&self.what)
    }
}

/// Lines, if somebody wants to read them.
#[derive(Debug)]
pub(crate) struct Trace {
    wanted: bool,
    pub(crate) now_ms: u64,
    lines: Vec<(u64, About, String)>,
}

impl Trace {
    pub(crate) const fn new(wanted: bool) -> Self {
        Self { wanted, now_ms: 0, lines: Vec::new() }
    }

    pub(crate) fn note(&mut self, about: impl FnOnce() -> About, line: impl FnOnce() -> String) {
        if self.wanted {
            self.lines.push((self.now_ms, about(), line()));
        }
    }

    /// The last lines that concern a failure.
    pub(crate) fn told(&self, failure: &About) -> Vec<String> {
        let concerned: Vec<_> = self.lines.iter().filter(|(_, about, _)| about.concerns(failure)).collect();
        concerned[concerned.len().saturating_sub(LINES_MAX)..]
            .iter()
            .map(|(at_ms, about, line)| {
                let client = about.client.map(|client| format!("client {client} ")).unwrap_or_default();
                let stream = about.stream.as_ref().map(|stream| format!("[{stream}] ")).unwrap_or_default();
                format!("{at_ms:>8} ms  {client}{stream}{line}")
            })
            .collect()
    }
}

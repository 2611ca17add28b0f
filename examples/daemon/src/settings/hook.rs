//! The application that is asked over HTTP.

use super::secret::Secret;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use tidings_hook::{Hook, Options, Questions};

/// The settings of the section `hook`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asking {
    /// Where the application is asked; empty: it is not.
    pub(crate) url: String,
    /// What requests are signed with: one secret, or several, separated by commas.
    pub(crate) secret: Option<Secret>,
    /// Whether `http` will do, to this machine and private networks.
    pub(crate) allow_http: bool,
    /// What it is asked, separated by commas.
    pub(crate) questions: String,
    /// Time for one try.
    pub(crate) timeout_ms: u64,
    /// How often what is safe is asked again.
    pub(crate) retries: u32,
    /// Whether calls are safe.
    pub(crate) retry_calls: bool,
    /// Requests on their way.
    pub(crate) requests_max: usize,
    /// Questions that wait for a place among them.
    pub(crate) waiting_max: usize,
    /// Bytes of an answer.
    pub(crate) response_bytes_max: usize,
    /// Failures in a row after which nobody is asked for a while.
    pub(crate) failures_max: u32,
    /// How long.
    pub(crate) pause_ms: u64,
}

impl Default for Asking {
    fn default() -> Self {
        let options = Options::default();
        Self {
            url: String::new(),
            secret: None,
            allow_http: options.allow_http,
            questions: options.questions.to_string(),
            timeout_ms: options.timeout_ms,
            retries: options.retries,
            retry_calls: options.retry_calls,
            requests_max: options.bounds.requests_max,
            waiting_max: options.bounds.waiting_max,
            response_bytes_max: options.bounds.response_bytes_max,
            failures_max: options.bounds.failures_max,
            pause_ms: options.bounds.pause_ms,
        }
    }
}

impl Asking {
    /// The way to the application, if it is asked. `question_timeout_ms` is what the engine gives a question, and a tenth of
    /// it is left for the way back.
    ///
    /// # Errors
    /// What is set can't be.
    pub(crate) fn hook(&self, question_timeout_ms: u64) -> Result<Option<Hook>> {
        if self.url.is_empty() {
            return Ok(None);
        }
        let mut options = Options::default();
        options.url.clone_from(&self.url);
        let secrets = self.secret.as_ref().map_or("", Secret::reveal).split(',').map(str::trim);
        options.secrets =
            secrets.filter(|secret| !secret.is_empty()).map(tidings_hook::Secret::new).collect::<Result<_, _>>()?;
        options.allow_http = self.allow_http;
        options.questions = self.questions.parse::<Questions>()?;
        options.timeout_ms = self.timeout_ms;
        options.deadline_ms = question_timeout_ms - question_timeout_ms / 10;
        options.retries = self.retries;
        options.retry_calls = self.retry_calls;
        options.bounds.requests_max = self.requests_max;
        options.bounds.waiting_max = self.waiting_max;
        options.bounds.response_bytes_max = self.response_bytes_max;
        options.bounds.failures_max = self.failures_max;
        options.bounds.pause_ms = self.pause_ms;
        Ok(Some(Hook::new(options)?))
    }
}

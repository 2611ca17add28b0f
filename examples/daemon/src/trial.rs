//! `POST /trial/token`: tokens for the page of a server that was started without any key, to be tried.
//!
//! Such a server listens on this machine alone and prints a link to its page, with a key of this start behind the `#`, which a
//! browser sends to nobody. Who has the key may have a token of alice or bob. Nobody else on this machine gets one, no page
//! of another origin, and none that makes its own name stand for this machine.

use crate::answer::{Answer, JSON, answer, refusal};
use crate::settings::secret::Secret;
use crate::token::{Mint, grants};
use anyhow::Result;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, StatusCode};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tidings::Code;
use tidings::host::Denial;
use tidings_transports::{ApiKey, ApiKeys, Origins};

/// Where.
pub(crate) const PATH: &str = "/trial/token";

/// Who there is in a trial.
pub(crate) const USERS: [&str; 2] = ["alice", "bob"];

/// How long such a token is good. The page gets another in time, as long as the server is the same.
const AN_HOUR: Duration = Duration::from_secs(60 * 60);

/// Gives tokens to the page.
pub(crate) struct Trial {
    mint: Arc<Mint>,
    keys: ApiKeys,
    origins: Origins,
}

impl Trial {
    /// For whoever has the key, and comes from a page of these origins.
    ///
    /// # Errors
    /// The key is none.
    pub(crate) fn new(mint: Arc<Mint>, key: &Secret, origins: Origins) -> Result<Self> {
        let key = ApiKey::new("the page's", key.as_bytes()).map_err(anyhow::Error::msg)?;
        Ok(Self { mint, keys: [key].into_iter().collect(), origins })
    }

    /// Answers one request. `is_ours`: it comes from this machine and names the server as no page's host name can.
    pub(crate) fn answer<B>(&self, request: &Request<B>, is_ours: bool) -> Answer {
        if request.method() != Method::POST {
            let mut answer = answer(StatusCode::METHOD_NOT_ALLOWED, JSON, "");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return answer;
        }
        let has_key = self.keys.find(request.headers()).is_some();
        if !is_ours || !has_key || !self.origins.allows_request(request.headers()) {
            let text = "open the link that the server has printed at its start, on the machine where it runs";
            return refusal(&Denial::new(Code::Forbidden, text));
        }
        let Some(user) = USERS.into_iter().find(|user| request.uri().query() == Some(&format!("user={user}"))) else {
            return refusal(&Denial::new(Code::BadRequest, "user is alice or bob"));
        };
        match self.mint.token(user, grants(&[], &[], &[], &[]), AN_HOUR) {
            Ok(token) => answer(StatusCode::CREATED, JSON, format!("{}\n", json!({ "token": token }))),
            Err(_) => refusal(&Denial::new(Code::Internal, "no token could be made")),
        }
    }
}

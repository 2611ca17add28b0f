//! `POST /api/v1/revocations`: ends a token, or all of a user's tokens, before their time.

use crate::answer::{Answer, JSON, answer, has_failed, held_back, refusal};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, StatusCode};
use serde::Deserialize;
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tidings::host::Denial;
use tidings::{Code, Engine};
use tidings_auth::{Gate, Revocation, RevokeError};
use tidings_transports::{ApiKey, ApiKeys, Right, Visitors};
use tokio::time::timeout;

/// Where.
pub(crate) const PATH: &str = "/api/v1/revocations";

/// Largest body, in bytes: a user's id or a token's name, with every character escaped.
const BODY_BYTES_MAX: usize = 8 * 1024;

/// Time for the body to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Until when a revocation is kept that does not say: for good.
const FOR_GOOD_S: u64 = 253_402_300_799;

/// Revokes.
pub(crate) struct Revoker {
    engine: Engine,
    gate: Gate,
    keys: ApiKeys,
    visitors: Visitors,
}

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    user: Option<String>,
    jti: Option<String>,
    /// Up to when the user's tokens were issued, in seconds since 1970; without it, up to now.
    issued_before_s: Option<u64>,
    /// Until when the revocation is kept.
    until_s: Option<u64>,
}

impl Revoker {
    /// Revokes at this gate and in this engine, for whoever brings a key of the HTTP API with the right to it.
    pub(crate) const fn new(engine: Engine, gate: Gate, keys: ApiKeys, visitors: Visitors) -> Self {
        Self { engine, gate, keys, visitors }
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, request: &mut Request<Incoming>) -> Answer {
        if let Some(answer) = held_back(request, &self.visitors) {
            return answer;
        }
        let Some(key) = self.keys.find(request.headers()) else {
            has_failed(request, &self.visitors);
            return refusal(&Denial::new(Code::Unauthorized, "give a key of the API: Authorization: Bearer KEY"));
        };
        if request.method() != Method::POST {
            let mut answer = answer(StatusCode::METHOD_NOT_ALLOWED, JSON, "");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return answer;
        }
        if !key.has(Right::Revoke) {
            return refusal(&Denial::new(Code::Forbidden, "this key lacks the right `revoke`"));
        }
        match self.revoke(key, request.body_mut()).await {
            Ok(ended) => answer(StatusCode::OK, JSON, format!("{}\n", json!({ "sessions_ended": ended }))),
            Err(denial) => refusal(&denial),
        }
    }

    async fn revoke(&self, key: &ApiKey, body: &mut Incoming) -> Result<usize, Denial> {
        let bad = |text: &str| Denial::new(Code::BadRequest, text);
        let collected = timeout(BODY_TIMEOUT, Limited::new(body, BODY_BYTES_MAX).collect()).await;
        let body = match collected {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => {
                return Err(Denial::new(Code::TooLarge, "the body has more than 8192 bytes, or was cut short"));
            }
            Err(_) => return Err(bad("the body did not come in time")),
        };
        let asked: Asked = serde_json::from_slice(&body)
            .map_err(|error| bad(&format!("the body is {{\"user\": …}} or {{\"jti\": …}} in JSON: {error}")))?;
        let until_s = asked.until_s.unwrap_or(FOR_GOOD_S);
        let (revocation, user) = match (asked.user, asked.jti) {
            (Some(user), None) => {
                let before_s = asked.issued_before_s.unwrap_or_else(now_s);
                (Revocation::User { user: user.clone(), before_s, until_s }, Some(user))
            }
            (None, Some(jti)) if asked.issued_before_s.is_none() => (Revocation::Token { jti, until_s }, None),
            _ => return Err(bad("name a `user`, with `issued_before_s` if you like, or the `jti` of a token")),
        };
        // Whose the token is that a name stands for is not known.
        if !user.as_deref().map_or_else(|| key.covers_every_user(), |user| key.covers_user(user)) {
            return Err(Denial::new(Code::Forbidden, "this key does not cover the user, or every user for a `jti`"));
        }
        let kept = match self.gate.revoke(revocation).await {
            Err(RevokeError::Name(text)) => return Err(bad(text)),
            Err(error @ RevokeError::Full) => return Err(Denial::new(Code::Limit, &error.to_string())),
            kept => kept,
        };
        let ended = self.engine.end_revoked(user.as_deref()).await;
        tracing::info!(ended, "tokens were revoked");
        kept.map(|()| ended).map_err(|error| {
            tracing::error!(%error, "a revocation was not kept");
            Denial::new(Code::Internal, &error.to_string())
        })
    }
}

/// Seconds since 1970.
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

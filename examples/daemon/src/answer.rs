//! What every answer over HTTP has.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use hyper::{Request, Response, StatusCode};
use serde_json::json;
use tidings::Code;
use tidings::host::Denial;
use tidings_transports::{Peer, Visitors};

/// An answer.
pub(crate) type Answer = Response<Full<Bytes>>;

pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const JSON: &str = "application/json";

/// When somebody comes back who found no room, in seconds.
const RETRY_AFTER_SECONDS: &str = "1";

/// An answer that nobody keeps and nobody takes for something else.
pub(crate) fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// A refusal, in the form that errors have in the protocol.
pub(crate) fn refusal(denial: &Denial) -> Answer {
    let status = match denial.code {
        Code::BadRequest => StatusCode::BAD_REQUEST,
        Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::Limit | Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::Busy | Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let Denial { code, message } = denial;
    let error = json!({ "code": code.number(), "name": code.name(), "message": message, "retry": code.retry() });
    let mut answer = answer(status, JSON, format!("{}\n", json!({ "error": error })));
    let headers = answer.headers_mut();
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        _ => {}
    }
    answer
}

/// Who asks may not prove who it is for a while, since its address has failed too often.
pub(crate) fn held_back<B>(request: &Request<B>, visitors: &Visitors) -> Option<Answer> {
    let wait = request.extensions().get::<Peer>().and_then(|peer| visitors.may_prove(peer.address()).err())?;
    let text =
        "http.failed_auths_per_minute_per_address: this address brought too many tokens or keys that are not good";
    let mut answer = refusal(&Denial::new(Code::RateLimited, text));
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    Some(answer)
}

/// Counts that who asks has not proved who it is, if it tried.
pub(crate) fn has_failed<B>(request: &Request<B>, visitors: &Visitors) {
    if let Some(peer) = request.extensions().get::<Peer>().filter(|_| request.headers().contains_key(AUTHORIZATION)) {
        visitors.failed(peer.address());
    }
}

/// What `Authorization: Bearer` brings, if it is there once.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, secret) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

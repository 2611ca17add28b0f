//! Answers that are no stream.

use super::told::Failure;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};
use std::{borrow::Cow, time::Duration};
use tidings::Code;

/// When a client that found no room should come back, in milliseconds.
pub(crate) const COME_BACK_MS: u64 = 5_000;

/// Why a request is not answered by a stream, and what the client is told.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) error: Cow<'static, str>,
    pub(crate) message: Cow<'static, str>,
    pub(crate) retry_after_ms: Option<u64>,
    /// Who asks has not proved who it is.
    pub(crate) is_unproven: bool,
}

/// The command that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    Connect,
    Subscribe,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, error: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, error: Cow::Borrowed(error), message: message.into(), retry_after_ms: None, is_unproven: false }
    }

    pub(crate) fn bad(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// There is no place for one more connection.
    pub(crate) fn full() -> Self {
        let message = "the server takes no more connections now; come back in a few seconds";
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message);
        Self { retry_after_ms: Some(COME_BACK_MS), ..refusal }
    }

    /// The address begins too many streams.
    pub(crate) fn too_often(wait: Duration) -> Self {
        Self::come_back("this address begins too many connections; wait as long as Retry-After says", wait)
    }

    /// The address has brought too much that proves nothing.
    pub(crate) fn failed_too_often(wait: Duration) -> Self {
        let message =
            "this address brought too many tokens or secrets that are not good; wait as long as Retry-After says";
        Self::come_back(message, wait)
    }

    fn come_back(message: &'static str, wait: Duration) -> Self {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        Self { retry_after_ms: Some(wait_ms), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message) }
    }

    /// The secret is not that of the session, or there is no such session.
    pub(crate) fn unknown_session() -> Self {
        let message = "no session is connected with this id and this secret; open a stream first, and take both from its `connected`";
        Self { is_unproven: true, ..Self::new(StatusCode::FORBIDDEN, "forbidden", message) }
    }

    /// What the session answered.
    pub(crate) fn of(failure: Failure, failed: Failed) -> Self {
        let Failure { code, name, message, retry_after_ms } = failure;
        let is = |known: Code| code == known.number();
        let status = if is(Code::Unauthorized) {
            StatusCode::UNAUTHORIZED
        } else if is(Code::Forbidden) {
            StatusCode::FORBIDDEN
        } else if is(Code::Limit) && failed == Failed::Connect {
            // The user has as many connections as it may: one of them may end.
            StatusCode::SERVICE_UNAVAILABLE
        } else if Code::from_number(code).is_some_and(Code::retry) {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::BAD_REQUEST
        };
        let retry_after_ms = retry_after_ms.or((status == StatusCode::SERVICE_UNAVAILABLE).then_some(COME_BACK_MS));
        let is_unproven = status == StatusCode::UNAUTHORIZED;
        Self { status, error: name.into(), message: message.into(), retry_after_ms, is_unproven }
    }

    pub(crate) fn answer(self) -> Response<Full<Bytes>> {
        metrics::counter!("tidings_sse_rejections_total", "status" => self.status.as_str().to_owned()).increment(1);
        let body = serde_json::json!({ "error": self.error, "message": self.message });
        let mut answer = Response::new(Full::from(format!("{body}\n")));
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(retry_after_ms) = self.retry_after_ms {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_ms.div_ceil(1_000)));
        }
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(ALLOW, HeaderValue::from_static("GET, POST, OPTIONS"));
            }
            // The rest of the body is not read.
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        answer
    }
}

/// The frames were taken.
pub(crate) fn accepted() -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::ACCEPTED;
    answer
}

/// A stream that says when to come back, and nothing else. A browser's `EventSource` takes any status but 200 for an end for
/// good, and this server is only about to be started again.
pub(crate) fn come_back(after_ms: u64) -> Response<Full<Bytes>> {
    let (code, reason) = (Code::Shutdown.number(), Code::Shutdown.name());
    let close = serde_json::json!({ "close": { "code": code, "reason": reason, "retry_after_ms": after_ms } });
    let mut answer = Response::new(Full::from(format!("retry: {after_ms}\ndata: {close}\n\n")));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

//! Every refusal, in one shape.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;
use std::time::Duration;
use tidings::{Code, error::Error};
use utoipa::ToSchema;

use super::reply;

/// Most bytes of a message: it may quote what came in.
const MESSAGE_BYTES_MAX: usize = 300;

/// What somebody is told who should try again, where nothing better is known.
const RETRY_AFTER_MS: u64 = 1_000;

/// The body of every answer that is a refusal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    pub(crate) error: Refusal,
}

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Refusal {
    /// The code, as in the protocol; what a program looks at.
    #[schema(minimum = 2000, maximum = 2999)]
    code: u16,
    /// The code's name.
    name: &'static str,
    /// What is wrong and what to do, for a person; may change at any time.
    message: String,
    /// The same request may succeed later without any change.
    retry: bool,
    /// When to try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_after_ms: Option<u64>,
}

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: Code,
    message: String,
    retry_after_ms: Option<u64>,
    allow: Option<&'static str>,
    /// The rest of the request is not read, so the connection is of no use any more.
    ends: bool,
}

/// The status that goes with a code.
const fn status(code: Code) -> StatusCode {
    match code {
        Code::BadRequest => StatusCode::BAD_REQUEST,
        Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::State | Code::Limit => StatusCode::CONFLICT,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::Unavailable | Code::Timeout | Code::Busy => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Problem {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        let retry_after_ms = code.retry().then_some(RETRY_AFTER_MS);
        Self { status: status(code), code, message: message.into(), retry_after_ms, allow: None, ends: false }
    }

    /// It is not of the form that is documented.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(Code::BadRequest, message)
    }

    /// It is of the documented form, and asks for what the rules of its namespace, or of the call, do not have.
    pub(crate) fn unfit(message: impl Into<String>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, ..Self::bad(message) }
    }

    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same, and when to try again.
    pub(crate) fn and_wait(self, wait: Duration) -> Self {
        let ms = u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
        Self { retry_after_ms: Some(ms), ..self }
    }

    /// The method is another than the address has.
    pub(crate) fn method(allow: &'static str) -> Self {
        let message = format!("this address answers {allow} alone");
        Self { status: StatusCode::METHOD_NOT_ALLOWED, allow: Some(allow), ..Self::bad(message) }
    }

    /// The same, and the connection ends with it.
    pub(crate) fn and_end(self) -> Self {
        Self { ends: true, ..self }
    }

    /// The status of the answer.
    #[cfg(test)]
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// As a part of another answer.
    pub(crate) fn refusal(self) -> Refusal {
        let Self { code, mut message, retry_after_ms, .. } = self;
        if message.len() > MESSAGE_BYTES_MAX {
            let end = (0..=MESSAGE_BYTES_MAX).rev().find(|at| message.is_char_boundary(*at));
            message.truncate(end.unwrap_or_default());
            message.push('…');
        }
        Refusal { code: code.number(), name: code.name(), message, retry: code.retry(), retry_after_ms }
    }

    pub(crate) fn response(self) -> Response<Full<Bytes>> {
        let Self { status, retry_after_ms, allow, ends, .. } = self;
        let mut answer = reply::json(status, &ErrorBody { error: self.refusal() });
        let headers = answer.headers_mut();
        if let Some(ms) = retry_after_ms {
            headers.insert(RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000).max(1)));
        }
        if let Some(allow) = allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"tidings\""));
        }
        if ends {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        let problem = Self::new(code, error.to_string());
        let retry_after_ms = error.retry_after_ms().or(problem.retry_after_ms);
        // Names were looked at before: what the engine finds wrong is not their form.
        let status = if code == Code::BadRequest { StatusCode::UNPROCESSABLE_ENTITY } else { problem.status };
        Self { retry_after_ms, status, ..problem }
    }
}

#[cfg(test)]
mod tests {
    use super::{Problem, status};
    use hyper::StatusCode;
    use tidings::Code;

    #[test]
    fn every_code_that_answers_a_command_has_a_status_that_means_the_same() {
        for code in Code::ALL.iter().copied().filter(|code| !code.closes()) {
            let status = status(code);
            assert!(status.is_client_error() || status.is_server_error());
            let tries_again = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
            assert_eq!(code.retry(), tries_again, "{}", code.name());
        }
    }

    #[test]
    fn headers_say_what_the_body_says() {
        let answer = Problem::new(Code::Busy, "x").response();
        assert_eq!(
            (answer.status(), &answer.headers()["retry-after"]),
            (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap())
        );
        let answer = Problem::method("GET").response();
        assert_eq!((answer.status().as_u16(), &answer.headers()["allow"]), (405, &"GET".parse().unwrap()));
        assert!(Problem::new(Code::Unauthorized, "x").response().headers().contains_key("www-authenticate"));
        assert_eq!(Problem::bad("x").and_end().response().headers()["connection"], "close");
    }

    #[test]
    fn a_message_that_quotes_is_cut() {
        let refusal = Problem::bad("ä".repeat(1_000)).refusal();
        assert!(refusal.message.len() <= 304 && refusal.message.ends_with('…'));
    }
}

//! What a browser lets a page of another origin do with an answer over HTTP (CORS, in the Fetch standard).
//!
//! [`Origins`] says which pages may ask. A browser also wants to hear it from the answer, or it keeps the answer from the page;
//! and before a request that no form could send, it asks whether it may send it.

use crate::origin::Origins;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CONTENT_TYPE, HeaderValue, ORIGIN, RETRY_AFTER, VARY,
    },
};

/// How long a browser may go by one answer to its question, in seconds. A list of origins that changes comes with a restart.
const MAX_AGE_SECONDS: &str = "600";

/// The rules for the pages that may use an address.
///
/// Cookies are not among what is allowed: who somebody is stands in a token.
///
/// ```
/// use hyper::{HeaderMap, StatusCode, header::HeaderValue};
/// use tidings_transports::Cors;
///
/// let cors = Cors::new("https://app.example".parse().unwrap(), "GET, POST", "Authorization, Content-Type");
/// let mut request = HeaderMap::new();
/// request.insert("origin", HeaderValue::from_static("https://app.example"));
/// assert_eq!(cors.preflight(&request).status(), StatusCode::NO_CONTENT);
/// request.insert("origin", HeaderValue::from_static("https://evil.example"));
/// assert!(!cors.allows(&request));
/// ```
#[derive(Clone, Debug)]
pub struct Cors {
    origins: Origins,
    methods: HeaderValue,
    headers: HeaderValue,
}

impl Cors {
    /// Pages of these origins may send these methods and, besides what every page may, these headers.
    #[must_use]
    pub fn new(origins: Origins, methods: &'static str, headers: &'static str) -> Self {
        Self { origins, methods: HeaderValue::from_static(methods), headers: HeaderValue::from_static(headers) }
    }

    /// Whether a request with these headers may be answered at all, as [`Origins::allows_request`] says.
    #[must_use]
    pub fn allows(&self, request: &HeaderMap) -> bool {
        self.origins.allows_request(request)
    }

    /// Adds to an answer what lets the page see it that the request came from. To be called for every answer, refusals
    /// included, so that caches keep the answers for different pages apart.
    pub fn admit(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        answer.append(VARY, HeaderValue::from_static("Origin"));
        let mut origins = request.get_all(ORIGIN).iter();
        let (Some(origin), None) = (origins.next(), origins.next()) else { return };
        if self.origins.allows(Some(origin.as_bytes())) {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from(RETRY_AFTER));
        }
    }

    /// The answer to `OPTIONS`: 204 with what is allowed, or [`Cors::refusal`].
    #[must_use]
    pub fn preflight(&self, request: &HeaderMap) -> Response<Full<Bytes>> {
        if !self.allows(request) {
            return self.refusal(request);
        }
        let mut answer = Response::new(Full::default());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let headers = answer.headers_mut();
        self.admit(request, headers);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE_SECONDS));
        answer
    }

    /// The answer to a page that is not allowed, 403.
    #[must_use]
    pub fn refusal(&self, request: &HeaderMap) -> Response<Full<Bytes>> {
        let text = r#"{"error":"origin","message":"pages of this origin may not connect: add it to the server's list of allowed origins"}
"#;
        let mut answer = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
        *answer.status_mut() = StatusCode::FORBIDDEN;
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.admit(request, answer.headers_mut());
        answer
    }
}

#[cfg(test)]
mod tests;

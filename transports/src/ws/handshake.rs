//! The opening handshake (RFC 6455 4.2): a request is checked in every point, then answered 101 or told what is wrong.

use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Version,
    body::Bytes,
    header::{
        ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
    },
};

use super::upgrade::Upgrade;
use crate::{origin::Origins, seat::Seat};

/// How WebSocket requests are judged.
///
/// It works with any body type, and so in any server that is built on hyper 1 (axum among them). The upgrade request
/// must come straight from that server: its extensions hold the connection.
#[derive(Clone, Debug, Default)]
pub struct Handshake {
    origins: Origins,
    subprotocols: &'static [&'static str],
}

/// A request that was accepted: send the response, and the upgrade resolves.
#[derive(Debug)]
pub struct Accepted {
    /// The answer, 101. The upgrade resolves only after it was sent.
    pub response: Response<Full<Bytes>>,
    /// The connection to come.
    pub upgrade: Upgrade,
    /// The subprotocol that was agreed upon; `None` if the client offered none, or this handshake knows none.
    pub subprotocol: Option<&'static str>,
}

impl Handshake {
    /// A handshake for the pages of these origins, without subprotocols.
    #[must_use]
    pub fn new(origins: Origins) -> Self {
        Self { origins, subprotocols: &[] }
    }

    /// Knows these subprotocols: the first of them that the client offers is agreed upon. A client that offers
    /// only others is refused; one that offers none goes on without.
    #[must_use]
    pub fn with_subprotocols(mut self, subprotocols: &'static [&'static str]) -> Self {
        self.subprotocols = subprotocols;
        self
    }

    /// Judges a request.
    ///
    /// # Errors
    /// What is wrong with it; [`Rejection::response`] tells the client.
    pub fn accept<B>(&self, request: &mut Request<B>) -> Result<Accepted, Rejection> {
        check_request(request)?;
        if !self.origins.allows_request(request.headers()) {
            return Err(Rejection::Origin);
        }
        let subprotocol = self.subprotocol(request.headers())?;
        let seat = request.extensions_mut().remove::<Seat>();
        let on_upgrade = hyper::upgrade::on(&mut *request);
        let Ok((response, _)) = fastwebsockets::upgrade::upgrade(&mut *request) else {
            return Err(Rejection::Key);
        };
        let mut response = response.map(|_| Full::default());
        if let Some(subprotocol) = subprotocol {
            let value = HeaderValue::from_static(subprotocol);
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, value);
        }
        Ok(Accepted { response, upgrade: Upgrade::new(on_upgrade, seat), subprotocol })
    }

    fn subprotocol(&self, headers: &HeaderMap) -> Result<Option<&'static str>, Rejection> {
        if self.subprotocols.is_empty() || !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
            return Ok(None);
        }
        let known = |name: &&&str| tokens(headers, SEC_WEBSOCKET_PROTOCOL).any(|offer| offer == name.as_bytes());
        match self.subprotocols.iter().find(known) {
            Some(&name) => Ok(Some(name)),
            None => Err(Rejection::Subprotocol { known: self.subprotocols }),
        }
    }
}

fn check_request<B>(request: &Request<B>) -> Result<(), Rejection> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(Rejection::Method);
    }
    if request.version() != Version::HTTP_11 {
        return Err(Rejection::HttpVersion);
    }
    let has = |name, token: &[u8]| tokens(headers, name).any(|value| value.eq_ignore_ascii_case(token));
    if !has(CONNECTION, b"upgrade") || !has(UPGRADE, b"websocket") {
        return Err(Rejection::NoUpgrade);
    }
    let length = headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
    if length || headers.contains_key(TRANSFER_ENCODING) {
        return Err(Rejection::Body);
    }
    if single(headers, SEC_WEBSOCKET_VERSION) != Some(b"13") {
        return Err(Rejection::WebSocketVersion);
    }
    match single(headers, SEC_WEBSOCKET_KEY) {
        Some(key) if is_key(key) => Ok(()),
        _ => Err(Rejection::Key),
    }
}

/// The members of a header that is a comma-separated list, over all of its lines.
fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers.get_all(name).iter().flat_map(|line| line.as_bytes().split(|&byte| byte == b',')).map(<[u8]>::trim_ascii)
}

/// The value of a header that is there exactly once.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<&[u8]> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.as_bytes().trim_ascii()),
        _ => None,
    }
}

/// Whether this is the base64 form of 16 bytes: 22 digits and two signs that fill up.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    match key.strip_suffix(b"==") {
        Some(digits) => digits.len() == 22 && digits.iter().all(is_digit),
        None => false,
    }
}

/// Why a WebSocket request was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// Another method than GET.
    Method,
    /// Another version of HTTP than 1.1.
    HttpVersion,
    /// It does not ask for an upgrade to `websocket`.
    NoUpgrade,
    /// It has a body.
    Body,
    /// `Sec-WebSocket-Version` is not 13.
    WebSocketVersion,
    /// `Sec-WebSocket-Key` is missing, there twice, or not 16 bytes in base64.
    Key,
    /// It comes from a page that isn't in the list of [`Origins`].
    Origin,
    /// It offers subprotocols, but none of those that are known.
    Subprotocol {
        /// Those that are.
        known: &'static [&'static str],
    },
}

impl Rejection {
    /// The HTTP status that answers it.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::WebSocketVersion => StatusCode::UPGRADE_REQUIRED,
            Self::Origin => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// A name that does not change between releases, for a metric's label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::HttpVersion => "http_version",
            Self::NoUpgrade => "no_upgrade",
            Self::Body => "body",
            Self::WebSocketVersion => "websocket_version",
            Self::Key => "key",
            Self::Origin => "origin",
            Self::Subprotocol { .. } => "subprotocol",
        }
    }

    /// The answer: the status, and one sentence of plain text that says what to do.
    #[must_use]
    pub fn response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(self.advice()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        match self {
            Self::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("GET"));
            }
            Self::WebSocketVersion => {
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            }
            // What follows such a request can't be trusted to be another one.
            Self::Body => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }

    /// Counts this rejection: `tidings_ws_rejections_total{reason}`. Whoever answers the request calls this, once.
    pub fn count(self) {
        metrics::counter!("tidings_ws_rejections_total", "reason" => self.name()).increment(1);
    }

    fn advice(self) -> String {
        let advice = match self {
            Self::Method => "A WebSocket begins with GET.",
            Self::HttpVersion => "A WebSocket begins with a request of HTTP/1.1.",
            Self::NoUpgrade => {
                "This address speaks WebSocket: send Connection: Upgrade and Upgrade: websocket. A proxy on the way must pass both on."
            }
            Self::Body => "A WebSocket begins with a request without a body.",
            Self::WebSocketVersion => "Only version 13 of WebSocket is spoken here: send Sec-WebSocket-Version: 13.",
            Self::Key => "Send Sec-WebSocket-Key once, 16 random bytes in base64.",
            Self::Origin => "Pages of this origin may not connect: add it to the server's list of allowed origins.",
            Self::Subprotocol { known } => {
                return format!(
                    "None of the subprotocols offered is known. Offer one of: {}, or none.\n",
                    known.join(", ")
                );
            }
        };
        format!("{advice}\n")
    }
}

#[cfg(test)]
mod tests;

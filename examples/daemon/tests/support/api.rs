//! Calls of the HTTP API.

use super::client::{Client, Response};
use super::daemon::Daemon;
use serde_json::Value;

/// A key of all rights that nothing may print.
pub(crate) const KEY: &str = "5f1e0c6b8d3a4792b0e7c1d2f3a4b5c6-api-key";

/// What a call is answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let Response { status, head, body } = response;
        let body = serde_json::from_str(&body).unwrap_or_else(|_| panic!("JSON: {head}{body}"));
        Self { status, head, body }
    }
}

/// The request of a call.
pub(crate) fn request(method: &str, path: &str, key: &str, body: Option<&Value>) -> String {
    let body = body.map(ToString::to_string);
    let length =
        body.as_ref().map(|body| format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
    format!(
        "{method} /api/v1{path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n{}\r\n{}",
        length.unwrap_or_default(),
        body.unwrap_or_default()
    )
}

/// Sends these bytes on a connection of their own.
#[track_caller]
pub(crate) fn raw(daemon: &Daemon, bytes: &str) -> Answer {
    let mut client = Client::connect(daemon.address);
    client.send_while_taken(bytes.as_bytes());
    client.response().into()
}

#[track_caller]
pub(crate) fn get(daemon: &Daemon, path: &str) -> Value {
    let answer = raw(daemon, &request("GET", path, KEY, None));
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

#[track_caller]
pub(crate) fn post(daemon: &Daemon, path: &str, body: &Value) -> Value {
    let body = Some(body).filter(|body| !body.is_null());
    let answer = raw(daemon, &request("POST", path, KEY, body));
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

//! A request's body: bounded in bytes and in time, and read as what is wanted.

use super::{limits::ApiLimits, problem::Problem};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{
    HeaderMap, StatusCode,
    body::Body,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use serde::de::DeserializeOwned;
use std::{error::Error, time::Duration};
use tidings::Code;
use tokio::time::timeout;

fn too_large(limits: &ApiLimits) -> Problem {
    let message = format!("api.body_bytes_max: a body has at most {} bytes", limits.body_bytes_max);
    Problem::new(Code::TooLarge, message).and_end()
}

/// The whole body.
pub(super) async fn read<B>(headers: &HeaderMap, body: B, limits: &ApiLimits) -> Result<Bytes, Problem>
where
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    // What says itself that it is too large is not waited for.
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > limits.body_bytes_max as u64) {
        return Err(too_large(limits));
    }
    let patience = Duration::from_millis(limits.body_timeout_ms);
    // Boxed, so that a request without a body does not carry what reading one takes.
    let reading = Box::pin(Limited::new(body, limits.body_bytes_max).collect());
    match timeout(patience, reading).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limits)),
        Ok(Err(_)) => Err(Problem::bad("the body ended early, or its chunks cannot be read").and_end()),
        Err(_) => {
            let message = format!("api.body_timeout_ms: the body did not come within {} ms", limits.body_timeout_ms);
            Err(Problem::new(Code::Timeout, message).with_status(StatusCode::REQUEST_TIMEOUT).and_end())
        }
    }
}

/// A body in JSON.
pub(super) fn parse<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    if !is_json(headers) {
        let problem = Problem::bad("send JSON, with Content-Type: application/json");
        return Err(problem.with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    serde_json::from_slice(body).map_err(|error| Problem::bad(format!("the body: {error}")))
}

/// Of calls that want no body.
pub(super) fn nothing(body: &[u8]) -> Result<(), Problem> {
    if body.is_empty() { Ok(()) } else { Err(Problem::bad("this call has no body")) }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let mut parts = value.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let utf8 = |part: &str| {
        let part = part.to_ascii_lowercase();
        part.is_empty() || matches!(&*part, "charset=utf-8" | "charset=\"utf-8\"")
    };
    is_json && parts.all(utf8)
}

#[cfg(test)]
mod tests {
    use super::{is_json, read};
    use crate::api::limits::ApiLimits;
    use bytes::Bytes;
    use http_body_util::{Empty, Full};
    use hyper::{HeaderMap, header::CONTENT_TYPE};

    #[test]
    fn only_json_is_json() {
        let with = |value: &str| is_json(&HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]));
        for value in ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""] {
            assert!(with(value), "{value}");
        }
        for value in ["", "text/json", "application/jsonp", "application/json; charset=latin1", "multipart/form-data"] {
            assert!(!with(value), "{value}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn a_body_is_as_large_as_it_may_be_and_no_larger() {
        let limits = ApiLimits { body_bytes_max: 4, ..ApiLimits::default() };
        let none = HeaderMap::new();
        assert_eq!(read(&none, Full::new(Bytes::from("1234")), &limits).await.unwrap(), "1234");
        assert_eq!(read(&none, Full::new(Bytes::from("12345")), &limits).await.unwrap_err().status(), 413);
        let announced = HeaderMap::from_iter([("content-length".parse().unwrap(), "5".parse().unwrap())]);
        assert_eq!(read(&announced, Empty::<Bytes>::new(), &limits).await.unwrap_err().status(), 413);
    }
}

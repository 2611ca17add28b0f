//! One request for an issuer's keys.

use crate::error::AuthError;
use crate::published::DOCUMENT_BYTES_MAX;
use reqwest::header::{CACHE_CONTROL, HeaderMap};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, StatusCode, Url};
use std::net::IpAddr;
use std::time::Duration;

/// Most redirects that are followed, all of them to the same host.
const REDIRECTS_MAX: usize = 3;

/// What came.
pub(crate) struct Fetched {
    pub(crate) document: Vec<u8>,
    /// How long it says that it is good.
    pub(crate) max_age: Option<Duration>,
}

/// The address, if keys may be fetched from it: by TLS, or from this machine.
pub(crate) fn address(url: &str) -> Result<Url, AuthError> {
    let url = Url::parse(url)
        .map_err(|_| AuthError::KeysUrl("not a URL; it is like https://id.example/.well-known/jwks.json"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AuthError::KeysUrl("keys are public: take the name and the password out of their URL"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_this_machine(&url) => Ok(url),
        _ => Err(AuthError::KeysUrl("keys are fetched by https, for whoever changes them on the way can be any user")),
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// A client that goes nowhere but to the host that it was sent to.
pub(crate) fn client(timeout: Duration) -> Result<Client, AuthError> {
    let built = Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout)
        .redirect(Policy::custom(|attempt: Attempt<'_>| {
            let from = attempt.previous().first();
            let is_same = from.is_some_and(|from| from.origin() == attempt.url().origin());
            if is_same && attempt.previous().len() <= REDIRECTS_MAX { attempt.follow() } else { attempt.stop() }
        }))
        .referer(false)
        .pool_max_idle_per_host(0)
        .user_agent(concat!("tidings/", env!("CARGO_PKG_VERSION")))
        .build();
    built.map_err(|error| AuthError::Client(error.to_string()))
}

/// Fetches the document.
///
/// # Errors
/// What went wrong, for the log.
pub(crate) async fn fetch(client: &Client, url: &Url) -> Result<Fetched, String> {
    let request = client.get(url.clone()).header("accept", "application/json").send();
    let mut response = request.await.map_err(|error| told(&error))?;
    if response.status() != StatusCode::OK {
        return Err(format!("it was answered {}", response.status()));
    }
    let max_age = max_age(response.headers());
    let mut document = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| told(&error))? {
        if document.len() + chunk.len() > DOCUMENT_BYTES_MAX {
            return Err(format!("the answer has more than {DOCUMENT_BYTES_MAX} bytes"));
        }
        document.extend_from_slice(&chunk);
    }
    Ok(Fetched { document, max_age })
}

/// An error with what caused it.
fn told(error: &reqwest::Error) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(one) = cause {
        told = format!("{told}: {one}");
        cause = one.source();
    }
    told
}

/// `Cache-Control: max-age`; nothing for what is not to be kept.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let directives = values.flat_map(|value| value.split(',')).map(|directive| directive.trim().to_ascii_lowercase());
    let mut seconds = None;
    for directive in directives {
        match directive.split_once('=') {
            None if directive == "no-store" || directive == "no-cache" => return None,
            Some(("max-age", age)) => seconds = age.trim_matches('"').parse().ok(),
            _ => {}
        }
    }
    seconds.map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::{address, max_age};
    use reqwest::header::{CACHE_CONTROL, HeaderMap, HeaderValue};
    use std::time::Duration;

    #[test]
    fn keys_come_by_tls_or_from_this_machine() {
        for url in [
            "https://id.example/keys",
            "http://127.0.0.1:1/",
            "http://localhost/",
            "http://[::1]:1/",
            "HTTPS://ID.example",
        ] {
            assert!(address(url).is_ok(), "{url}");
        }
        for url in [
            "http://id.example/keys",
            "http://127.0.0.1.id.example/",
            "http://localhost.id.example/",
            "http://10.0.0.1/",
            "https://a:b@id.example/",
            "https://a@id.example/",
            "ftp://localhost/",
            "file:///etc/passwd",
            "id.example",
            "",
        ] {
            assert!(address(url).is_err(), "{url}");
        }
    }

    #[test]
    fn the_age_is_read_as_it_is_written() {
        let age = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, HeaderValue::from_str(value).unwrap());
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(age("public, max-age=3600, must-revalidate"), Some(3600));
        assert_eq!(age("MAX-AGE=\"7\""), Some(7));
        assert_eq!(age("max-age=3600, no-store"), None);
        assert_eq!(age("no-cache"), None);
        assert_eq!(age("max-age=-1"), None);
        assert_eq!(age("max-age=99999999999999999999999"), None);
        assert_eq!(max_age(&HeaderMap::new()), None::<Duration>);
    }
}

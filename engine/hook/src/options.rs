//! How the application is asked.

use std::net::IpAddr;

use reqwest::Url;

use crate::error::HookError;
use crate::question::Questions;
use crate::signature::Secret;

/// Endings of names that are never those of public hosts.
const PRIVATE_ENDINGS: [&str; 3] = [".internal", ".local", ".localhost"];

/// Everything that can be set. Each field says its default and what it costs at its end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Where requests go. `https`, or `http` where [`Options::allow_http`] lets it.
    pub url: String,
    /// Whether `http` will do for an address of this machine or of a private network. Off by default: what is asked, tokens
    /// and messages among it, can then be read on the way.
    pub allow_http: bool,
    /// What requests are signed with. Several while they are changed: the request then has a signature by each, and
    /// receivers may know any of them. One at least.
    pub secrets: Vec<Secret>,
    /// Which questions are asked. All by default.
    pub questions: Questions,
    /// Time for one try. Default: 2,000 ms.
    pub timeout_ms: u64,
    /// Time for a question with all its tries, waiting included. Default: 4,500 ms, a little less than the engine's own
    /// limit.
    pub deadline_ms: u64,
    /// How often a question is asked again after a failure, if it is safe to. Default: 2. Multiplies what a sick application
    /// is asked.
    pub retries: u32,
    /// Whether calls are too. Off by default: a call that got no answer may have been carried out. Applications that know
    /// a request's `id` again may set it.
    pub retry_calls: bool,
    /// What a slow or sick application may cost.
    pub bounds: Bounds,
}

/// What a slow or sick application may cost.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Bounds {
    /// Most requests on their way at a time. Default: 128. Each holds its question and a connection.
    pub requests_max: usize,
    /// Most questions that wait for a place among them; error `busy` above. Default: 10,000. Each holds its question.
    pub waiting_max: usize,
    /// Most bytes of an answer. Default: 128 KiB, for each request on its way.
    pub response_bytes_max: usize,
    /// Failures in a row after which nobody is asked for a while. Default: 10.
    pub failures_max: u32,
    /// How long. Default: 5,000 ms.
    pub pause_ms: u64,
}

impl Default for Options {
    /// Everything but where to ask, and what to sign with.
    fn default() -> Self {
        Self {
            url: String::new(),
            allow_http: false,
            secrets: Vec::new(),
            questions: Questions::all(),
            timeout_ms: 2_000,
            deadline_ms: 4_500,
            retries: 2,
            retry_calls: false,
            bounds: Bounds::default(),
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            requests_max: 128,
            waiting_max: 10_000,
            response_bytes_max: 128 * 1024,
            failures_max: 10,
            pause_ms: 5_000,
        }
    }
}

impl Options {
    /// Options for this address and secret.
    #[must_use]
    pub fn new(url: impl Into<String>, secret: Secret) -> Self {
        Self { url: url.into(), secrets: vec![secret], ..Self::default() }
    }

    /// The address, if everything is as it must be.
    pub(crate) fn check(&self) -> Result<Url, HookError> {
        let least = [
            ("timeout_ms", self.timeout_ms),
            ("deadline_ms", self.deadline_ms),
            ("requests_max", self.bounds.requests_max as u64),
            ("response_bytes_max", self.bounds.response_bytes_max as u64),
            ("failures_max", u64::from(self.bounds.failures_max)),
        ];
        if let Some((name, _)) = least.iter().find(|(_, value)| *value == 0) {
            return Err(HookError(format!("hook.{name} is 0; it must be at least 1")));
        }
        if self.secrets.is_empty() {
            return Err(HookError("hook.secret is not set; make one with `openssl rand -hex 32`".into()));
        }
        let refuse = |why: &str| HookError(format!("hook.url {why}"));
        // Neither the address nor the library's words are told: a query may hold a key.
        let url: Url = self.url.parse().map_err(|_| refuse("is no address such as https://app.example/tidings"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("names a user; requests are known by their signature"));
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if !self.allow_http => Err(refuse(
                "is http, so tokens and messages could be read on the way: use https, or allow http to this machine and \
                 private networks with hook.allow_http",
            )),
            "http" if is_private(&url) => Ok(url),
            "http" => Err(refuse("is http and no address of this machine or of a private network: use https")),
            _ => Err(refuse("is neither https nor http")),
        }
    }
}

/// Whether a host is surely not across the public network: by its address, or by a name that is none there.
fn is_private(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Err(_) => !host.contains('.') || PRIVATE_ENDINGS.iter().any(|ending| host.ends_with(ending)),
    }
}

#[cfg(test)]
mod tests {
    use super::Options;
    use crate::signature::Secret;

    fn check(url: &str, allow_http: bool) -> Result<(), String> {
        let mut options = Options::new(url, Secret::new(&"s".repeat(32)).unwrap());
        options.allow_http = allow_http;
        options.check().map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn https_is_taken_and_http_only_near_by() {
        assert_eq!(check("https://app.example/tidings?key=1", false), Ok(()));
        for near in [
            "http://127.0.0.1:3000/hook",
            "http://localhost/",
            "http://app:3000/",
            "http://10.1.2.3/",
            "http://192.168.0.1/",
            "http://[::1]:80/",
            "http://[fd00::1]/",
            "http://app.default.svc.cluster.local/",
        ] {
            assert_eq!(check(near, true), Ok(()), "{near}");
            assert!(check(near, false).unwrap_err().contains("hook.allow_http"), "{near}");
        }
        for far in ["http://app.example/", "http://8.8.8.8/", "http://[2001:db8::1]/", "http://127.0.0.1.example/"] {
            assert!(check(far, true).unwrap_err().contains("use https"), "{far}");
        }
        for bad in ["", "app.example", "ftp://app.example/", "https://", "https://user:pass@app.example/"] {
            let told = check(bad, true).unwrap_err();
            assert!(told.starts_with("hook.url") && !told.contains("pass"), "{told}");
        }
    }
}

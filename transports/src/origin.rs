//! Which web pages may connect: a browser sends the page's `Origin`, and this list decides.

use std::{fmt, str::FromStr, sync::Arc};

use hyper::{HeaderMap, header::ORIGIN};

/// The web origins that may connect.
///
/// Browsers let any page open a WebSocket to any server, with the user's cookies, and say only in the `Origin` header
/// which page it was. An origin is allowed when it is in the list, byte for byte: another host, another port, `null`,
/// a longer host that begins or ends alike, upper case are all others. Clients that aren't browsers send no
/// `Origin`; those are judged by their token alone.
///
/// The default allows no browser at all.
///
/// ```
/// use tidings_transports::Origins;
///
/// let origins: Origins = "https://app.example, http://localhost:3000".parse().unwrap();
/// assert!(origins.allows(Some(b"https://app.example")));
/// assert!(!origins.allows(Some(b"https://app.example.evil.example")));
/// assert!(origins.allows(None));
/// assert!("https://app.example/".parse::<Origins>().is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    any: bool,
    allowed: Arc<[Box<str>]>,
}

impl Origins {
    /// Allows every page. **Unsafe** wherever a cookie, a client certificate or the network itself is what lets
    /// somebody in: any page that a user visits can then act for them. With tokens that only the page itself knows it's sound.
    /// The same as the entry `*`.
    #[must_use]
    pub fn any() -> Self {
        Self { any: true, ..Self::default() }
    }

    /// Whether a request with this `Origin` header may go on; `None`: it has none.
    #[must_use]
    pub fn allows(&self, origin: Option<&[u8]>) -> bool {
        match origin {
            None => true,
            Some(_) if self.any => true,
            Some(origin) => self.allowed.iter().any(|allowed| allowed.as_bytes() == origin),
        }
    }

    /// Whether a request with these headers may go on. Two `Origin` headers are one too many.
    #[must_use]
    pub fn allows_request(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(ORIGIN).iter();
        let first = origins.next();
        let single = origins.next().is_none();
        self.any || (single && self.allows(first.map(|origin| origin.as_bytes())))
    }
}

impl FromStr for Origins {
    type Err = OriginError;

    /// Reads a comma-separated list, such as the setting `ALLOWED_ORIGIN`. Spaces round an entry don't count, nor do empty entries.
    /// The entry `*` is [`Origins::any`].
    ///
    /// # Errors
    /// Names the first entry that no browser would ever send, and what to write instead.
    fn from_str(list: &str) -> Result<Self, OriginError> {
        let mut any = false;
        let mut allowed = Vec::new();
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            if entry == "*" {
                any = true;
                continue;
            }
            check(entry).map_err(|problem| OriginError { entry: entry.to_owned(), problem })?;
            allowed.push(Box::from(entry));
        }
        Ok(Self { any, allowed: allowed.into() })
    }
}

/// An entry of an origin list that could never match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginError {
    entry: String,
    problem: &'static str,
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an origin: {} (an origin is scheme://host or scheme://host:port, such as https://app.example)",
            self.entry, self.problem
        )
    }
}

impl std::error::Error for OriginError {}

fn check(entry: &str) -> Result<(), &'static str> {
    if entry == "null" {
        return Err("pages without an origin of their own can't be told apart, so null can't be allowed");
    }
    if !entry.is_ascii() {
        return Err("browsers write such a host in its xn-- form");
    }
    if entry.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("browsers write it in lower case");
    }
    let Some((scheme, authority)) = entry.split_once("://") else {
        return Err("it has no scheme://");
    };
    check_scheme(scheme)?;
    if authority.contains(['/', '?', '#']) {
        return Err("it ends with the host or the port, without a path or a slash");
    }
    if authority.contains('@') {
        return Err("it has no user name");
    }
    let (host, port) = split_port(authority)?;
    check_host(host)?;
    port.map_or(Ok(()), |port| check_port(scheme, port))
}

fn check_scheme(scheme: &str) -> Result<(), &'static str> {
    if matches!(scheme, "ws" | "wss") {
        return Err("it names the page, so its scheme is http or https");
    }
    let mut bytes = scheme.bytes();
    let good = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte));
    if good { Ok(()) } else { Err("the scheme is malformed") }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    let host_end = match authority.strip_prefix('[') {
        Some(_) => 1 + authority.find(']').ok_or("the IPv6 address has no closing bracket")?,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(host_end);
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err("something follows the host"),
    }
}

fn check_host(host: &str) -> Result<(), &'static str> {
    if host.is_empty() {
        return Err("it has no host");
    }
    if host.contains('*') {
        return Err("a host is matched whole; list every host, or allow any origin with * alone");
    }
    let good = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte)),
    };
    if good { Ok(()) } else { Err("the host is malformed") }
}

fn check_port(scheme: &str, port: &str) -> Result<(), &'static str> {
    let good = !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    match (good, scheme, port) {
        (false, ..) => Err("the port is not a number from 1 to 65535"),
        (true, "http", "80") | (true, "https", "443") => Err("browsers leave the scheme's own port out"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;

//! Where a server is.

use super::trust::Trust;
use crate::cli::ServerArgs;
use anyhow::{Context as _, Result, bail, ensure};
use hyper::Uri;

/// The address of a server's WebSocket.
pub(crate) struct Address {
    /// The host, as a certificate names it.
    pub(crate) host: String,
    /// Host and port, to connect to.
    pub(crate) authority: String,
    /// The whole of it, for the handshake.
    pub(crate) url: String,
    /// Whom to believe, where TLS is spoken.
    pub(crate) trust: Option<Trust>,
}

impl Address {
    /// The server that the command line names.
    ///
    /// # Errors
    /// It is none, or there is nobody to believe.
    pub(crate) fn new(args: &ServerArgs) -> Result<Self> {
        let (mut address, is_secure) = Self::parse(&args.server)?;
        let ca = args.ca.as_deref();
        ensure!(is_secure || ca.is_none(), "--ca is for servers that speak TLS, at wss://HOST:PORT/ws");
        address.trust = is_secure.then(|| Trust::new(ca)).transpose()?;
        Ok(address)
    }

    /// Reads an address, and whether TLS is spoken there. What the server prints for HTTP will do as well.
    fn parse(text: &str) -> Result<(Self, bool)> {
        const FORM: &str = "a server's address is ws://HOST:PORT/ws, or wss:// where it speaks TLS";
        let uri: Uri = text.parse().with_context(|| format!("{text:?} is no address; {FORM}"))?;
        let is_secure = match uri.scheme_str() {
            Some("ws" | "http") => false,
            Some("wss" | "https") => true,
            _ => bail!("{text:?}: {FORM}"),
        };
        let authority = uri.authority().with_context(|| format!("{text:?} names no host; {FORM}"))?;
        ensure!(!authority.as_str().contains('@'), "{text:?}: {FORM}, without a user; use --token");
        let (scheme, port) = if is_secure { ("wss", 443) } else { ("ws", 80) };
        let port = authority.port_u16().unwrap_or(port);
        let path = if uri.path() == "/" { "/ws" } else { uri.path() };
        let host = authority.host();
        let authority = format!("{host}:{port}");
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let url = format!("{scheme}://{authority}{path}");
        Ok((Self { host: bare.to_owned(), authority, url, trust: None }, is_secure))
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn addresses_are_read_and_others_explained() {
        let url = |text: &str| Address::parse(text).map(|(address, _)| address.url).map_err(|error| error.to_string());
        assert_eq!(url("ws://127.0.0.1:8080/ws").unwrap(), "ws://127.0.0.1:8080/ws");
        assert_eq!(url("ws://example.org").unwrap(), "ws://example.org:80/ws");
        assert_eq!(url("ws://[::1]:9/a/b").unwrap(), "ws://[::1]:9/a/b");
        assert_eq!(url("wss://example.org/ws").unwrap(), "wss://example.org:443/ws");
        assert_eq!(url("https://127.0.0.1:8443").unwrap(), "wss://127.0.0.1:8443/ws");
        assert_eq!(url("http://127.0.0.1:8080/").unwrap(), "ws://127.0.0.1:8080/ws");
        assert_eq!(Address::parse("wss://[::1]:9/").unwrap().0.host, "::1");
        for text in ["", "example.org", "ftp://example.org/ws", "ws://", "ws:///ws", "ws://a@b/ws", "ws://a b/"] {
            assert!(url(text).unwrap_err().contains("ws://HOST:PORT/ws"), "{text}");
        }
    }
}

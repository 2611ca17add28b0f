//! Where a server is.

use anyhow::{Context as _, Result, bail, ensure};
use hyper::Uri;

/// The address of a server's WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Host and port, to connect to.
    pub(crate) authority: String,
    /// The whole of it, for the handshake.
    pub(crate) url: String,
}

impl Address {
    /// Reads a `ws://` address.
    ///
    /// # Errors
    /// It is none; says what would be.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        const FORM: &str = "a server's address is ws://HOST:PORT/ws";
        let uri: Uri = text.parse().with_context(|| format!("{text:?} is no address; {FORM}"))?;
        match uri.scheme_str() {
            Some("ws") => {}
            Some("wss") => {
                bail!("{text:?}: this tool does not speak TLS (wss); go behind the proxy that does, with ws://")
            }
            _ => bail!("{text:?}: {FORM}"),
        }
        let authority = uri.authority().with_context(|| format!("{text:?} names no host; {FORM}"))?;
        ensure!(!authority.as_str().contains('@'), "{text:?}: {FORM}, without a user; use --token");
        let port = authority.port_u16().unwrap_or(80);
        let path = if uri.path() == "/" { "/ws" } else { uri.path() };
        let authority = format!("{}:{port}", authority.host());
        Ok(Self { url: format!("ws://{authority}{path}"), authority })
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn addresses_are_read_and_others_explained() {
        let url = |text: &str| Address::parse(text).map(|address| address.url).map_err(|error| error.to_string());
        assert_eq!(url("ws://127.0.0.1:8080/ws").unwrap(), "ws://127.0.0.1:8080/ws");
        assert_eq!(url("ws://example.org").unwrap(), "ws://example.org:80/ws");
        assert_eq!(url("ws://[::1]:9/a/b").unwrap(), "ws://[::1]:9/a/b");
        assert!(url("wss://example.org/ws").unwrap_err().contains("TLS"));
        for text in ["", "example.org", "http://example.org/ws", "ws://", "ws:///ws", "ws://a@b/ws", "ws://a b/"] {
            assert!(url(text).unwrap_err().contains("ws://HOST:PORT/ws"), "{text}");
        }
    }
}

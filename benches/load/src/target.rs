//! The server under load: where it is, and what language it speaks.

use crate::codec::Codec;
use crate::token::Tokens;
use anyhow::{Context as _, Result, bail};
use std::net::{SocketAddr, ToSocketAddrs as _};

/// The path by which a floor server is known.
pub const FLOOR_PATH: &str = "/floor";

/// A server, and how to speak with it.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// What the `Host` header says.
    pub host: String,
    /// The path of the WebSocket.
    pub path: String,
    /// The form of the frames.
    pub codec: Codec,
    /// Who connects. A floor server asks nobody.
    pub tokens: Tokens,
    /// Whether those who receive do so by server-sent events. Who publishes has a WebSocket all the same.
    pub events: bool,
}

impl Target {
    /// Reads a `ws://` address.
    ///
    /// # Errors
    /// When it is not one, or its host has no address.
    pub fn new(url: &str, codec: Codec, tokens: Tokens) -> Result<Self> {
        let Some(rest) = url.strip_prefix("ws://").or_else(|| url.strip_prefix("http://")) else {
            bail!("{url} does not begin with ws:// (TLS is not measured here)");
        };
        let (host, path) = match rest.find('/') {
            Some(at) => (&rest[..at], &rest[at..]),
            None => (rest, "/ws"),
        };
        let with_port = if host.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok()) {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let address = with_port
            .to_socket_addrs()
            .with_context(|| format!("cannot find {host}"))?
            .next()
            .with_context(|| format!("{host} has no address"))?;
        Ok(Self { address, host: host.to_owned(), path: path.to_owned(), codec, tokens, events: false })
    }

    /// Whether this is a floor server rather than a Tidings server.
    #[must_use]
    pub fn is_floor(&self) -> bool {
        self.path == FLOOR_PATH
    }

    /// The same server in another form of frames.
    #[must_use]
    pub fn with_codec(&self, codec: Codec) -> Self {
        Self { codec, ..self.clone() }
    }

    /// The same server with receivers on server-sent events.
    #[must_use]
    pub fn with_events(&self) -> Self {
        Self { events: true, ..self.clone() }
    }

    /// The request for a stream of server-sent events, of a channel or of the inbox alone.
    #[must_use]
    pub fn events_request(&self, token: &str, channel: Option<&str>) -> Vec<u8> {
        let query = channel.map(|channel| format!("?channel={channel}")).unwrap_or_default();
        format!("GET /sse{query} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n", self.host).into_bytes()
    }

    /// The request that upgrades a connection. All connections use the same key, so its answer is known.
    #[must_use]
    pub fn upgrade_request(&self) -> Vec<u8> {
        format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {UPGRADE_KEY}\r\n\
             Sec-WebSocket-Protocol: {}\r\n\r\n",
            self.path,
            self.host,
            self.codec.subprotocol(),
        )
        .into_bytes()
    }
}

/// The `Sec-WebSocket-Key` of every connection.
pub const UPGRADE_KEY: &str = "dGlkaW5ncy1sb2FkLWtleQ==";

#[cfg(test)]
mod tests {
    use super::Target;
    use crate::codec::Codec;
    use crate::token::Tokens;

    #[test]
    fn addresses_are_read_and_wrong_ones_refused() {
        let target = |url| Target::new(url, Codec::Json, Tokens::One(String::new()));
        let daemon = target("ws://127.0.0.1:8080/ws").unwrap();
        assert_eq!((daemon.address.port(), &*daemon.path, daemon.is_floor()), (8080, "/ws", false));
        assert!(target("ws://127.0.0.1:1/floor").unwrap().is_floor());
        assert_eq!(target("http://127.0.0.1:7").unwrap().path, "/ws");
        assert!(target("wss://127.0.0.1:7").is_err());
        assert!(target("127.0.0.1:7").is_err());
    }
}

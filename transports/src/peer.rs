//! Where a request came from.

use std::net::{IpAddr, SocketAddr};

/// Where a request came from, among the extensions of every request that [`crate::serve`] hands on.
///
/// Behind proxies that are trusted ([`crate::Proxies`]) there are two ends: the socket's, which is the proxy's, and the
/// client's. Everything that is counted, limited or allowed by address goes by the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    socket: SocketAddr,
    client: Option<IpAddr>,
    secure: bool,
    /// It passed a proxy, and that proxy is none that is believed.
    relayed: bool,
}

impl Peer {
    /// A client at the other end of the socket, or of what the PROXY protocol said of it.
    #[must_use]
    pub const fn direct(socket: SocketAddr) -> Self {
        Self { socket, client: None, secure: false, relayed: false }.with_client(Some(socket.ip()))
    }

    /// The same socket, and this client.
    pub(crate) const fn with_client(mut self, client: Option<IpAddr>) -> Self {
        self.client = match client {
            Some(address) => Some(address.to_canonical()),
            None => None,
        };
        self
    }

    /// The same, and whether the client's own connection is encrypted.
    pub(crate) const fn with_security(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// The same, and whether somebody on the way who is not believed has left a trace.
    pub(crate) const fn with_relay(mut self, relayed: bool) -> Self {
        self.relayed = relayed;
        self
    }

    /// The other end of the connection's socket: the proxy, where there is one.
    #[must_use]
    pub const fn socket(&self) -> SocketAddr {
        self.socket
    }

    /// The client's address, IPv4 ones in their own form. `None`: a trusted proxy did not tell it.
    #[must_use]
    pub const fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// The address that the client is counted by: its own, or, where that is not known, the proxy's.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.client.unwrap_or_else(|| self.socket.ip().to_canonical())
    }

    /// Whether the client's own connection is encrypted, up to here or to a trusted proxy.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether the client is known to be on this machine. What passed a proxy that is not trusted is not: anybody may be
    /// behind it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        !self.relayed && self.client.is_some_and(|address| address.is_loopback())
    }
}

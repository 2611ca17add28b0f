//! Which proxies are believed, and what of what they say.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use hyper::HeaderMap;
use ipnet::IpNet;

use crate::{
    forwarded::{Hop, forwarded, has_trace, x_forwarded},
    peer::Peer,
};

/// The proxies in front of a server, by address, and how they tell whom they speak for.
///
/// The default trusts nobody: whatever a request says of where it came from is ignored, and the client is who holds the
/// other end of the socket.
///
/// ```
/// use tidings_transports::{ProxyHeader, Proxies};
///
/// let proxies: Proxies = "10.0.0.0/8, 192.0.2.7, ::1".parse().unwrap();
/// let proxies = proxies.told_by(ProxyHeader::Forwarded);
/// assert!(proxies.trusts("10.1.2.3".parse().unwrap()));
/// assert!(!proxies.trusts("192.0.2.8".parse().unwrap()));
/// assert!("10.0.0.0/33".parse::<Proxies>().is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    trusted: Arc<[IpNet]>,
    header: ProxyHeader,
    preface: ProxyProtocol,
}

/// In which header a trusted proxy tells the client's address. Only one is believed: a proxy lets through, as the client
/// wrote it, whichever it does not write itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyHeader {
    /// In none.
    None,
    /// `X-Forwarded-For`, and `X-Forwarded-Proto`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Whether trusted proxies speak the PROXY protocol, version 1 or 2, at the beginning of each connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// They do not.
    #[default]
    Off,
    /// They do: a connection from a trusted address that does not begin with it is closed. Connections from other addresses
    /// are served as they are, so what looks like it there is a bad request.
    Required,
}

impl Proxies {
    /// The same, told by this header.
    #[must_use]
    pub fn told_by(mut self, header: ProxyHeader) -> Self {
        self.header = header;
        self
    }

    /// The same, with or without the PROXY protocol.
    #[must_use]
    pub fn preceded_by(mut self, preface: ProxyProtocol) -> Self {
        self.preface = preface;
        self
    }

    /// Whether nobody is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trusted.is_empty()
    }

    /// Whether this is the address of a proxy.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|net| net.contains(&address))
    }

    /// Whether a connection from this address begins with the PROXY protocol.
    pub(crate) fn announces(&self, address: IpAddr) -> bool {
        self.preface == ProxyProtocol::Required && self.trusts(address)
    }

    /// Who sent a request with this header over a connection from this peer: the last one on its way who is no proxy of ours.
    pub(crate) fn judge(&self, peer: Peer, headers: &HeaderMap) -> Peer {
        if !peer.client().is_some_and(|address| self.trusts(address)) {
            return peer.with_relay(has_trace(headers));
        }
        let told = match self.header {
            ProxyHeader::None => None,
            ProxyHeader::XForwardedFor => self.follow(peer, x_forwarded(headers)),
            ProxyHeader::Forwarded => self.follow(peer, forwarded(headers)),
        };
        match told {
            Some(told) => told,
            // It came through a proxy that does not say for whom.
            None if has_trace(headers) => peer.with_client(None),
            None => peer,
        }
    }

    /// Goes back along the way of a request, as far as proxies are trusted. `None`: no way is told.
    fn follow(&self, peer: Peer, hops: impl Iterator<Item = Hop>) -> Option<Peer> {
        let mut found = None;
        for hop in hops {
            let peer = found.unwrap_or(peer);
            found = Some(peer.with_client(hop.from).with_security(hop.secure.unwrap_or(false)));
            if !hop.from.is_some_and(|address| self.trusts(address)) {
                break;
            }
        }
        found
    }
}

impl FromStr for Proxies {
    type Err = ProxiesError;

    /// Reads a comma-separated list of addresses and of networks in CIDR form. Spaces round an entry don't count, nor do
    /// empty entries.
    ///
    /// # Errors
    /// Names the first entry that is neither.
    fn from_str(list: &str) -> Result<Self, ProxiesError> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let trusted = entries
            .map(|entry| {
                let net = entry.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
                net.or_else(|_| entry.parse::<IpNet>()).map_err(|_| ProxiesError { entry: entry.to_owned() })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { trusted, ..Self::default() })
    }
}

/// An entry of a list of trusted proxies that is no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxiesError {
    entry: String,
}

impl fmt::Display for ProxiesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is neither an address such as 192.0.2.7 nor a network such as 10.0.0.0/8", self.entry)
    }
}

impl std::error::Error for ProxiesError {}

#[cfg(test)]
mod tests;

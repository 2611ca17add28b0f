//! What HTTP and WebSocket peers are held to before and below the protocol.

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use tidings_transports::{Limits, Proxies, ProxyHeader, ProxyProtocol, Visitors, Visits};

/// The settings of the section `http`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    /// Connections beyond `limits.connections_max`, for everything that is not a WebSocket.
    pub(crate) connections_spare: usize,
    /// Time for a request's header to arrive.
    pub(crate) handshake_timeout_ms: u64,
    /// Bytes of a request's header.
    pub(crate) header_bytes_max: usize,
    /// Fields of a request's header.
    pub(crate) headers_max: usize,
    /// Frames that one message may be cut into.
    pub(crate) fragments_max: u32,
    /// Time from a message's first byte to its last.
    pub(crate) message_timeout_ms: u64,
    /// Time in which nothing leaves of an answer that waits.
    pub(crate) write_timeout_ms: u64,
    /// Time for connections to end when the server stops.
    pub(crate) drain_timeout_ms: u64,
    /// Connections that one address may begin in a minute.
    pub(crate) connects_per_minute_per_address: u32,
    /// Connections of one address at once.
    pub(crate) connections_per_address_max: usize,
    /// How often one address may fail to prove who it is in a minute.
    pub(crate) failed_auths_per_minute_per_address: u32,
    /// Addresses whose pace is remembered.
    pub(crate) addresses_max: usize,
    /// Addresses and networks of proxies that are believed, separated by commas.
    pub(crate) trusted_proxies: String,
    /// Where they tell the client's address.
    pub(crate) proxy_header: TellsIn,
    /// Whether they speak the PROXY protocol.
    pub(crate) proxy_protocol: Preface,
}

/// The header in which proxies tell the client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TellsIn {
    /// In none.
    None,
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded`.
    Forwarded,
}

/// Whether proxies speak the PROXY protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Preface {
    /// They do not.
    Off,
    /// They must.
    Required,
}

impl Default for Http {
    fn default() -> Self {
        let (limits, visits) = (Limits::default(), Visits::default());
        Self {
            connections_spare: 1_000,
            handshake_timeout_ms: limits.handshake_timeout_ms,
            header_bytes_max: limits.header_bytes_max,
            headers_max: limits.headers_max,
            fragments_max: limits.fragments_max,
            message_timeout_ms: limits.message_timeout_ms,
            write_timeout_ms: limits.write_timeout_ms,
            drain_timeout_ms: 10_000,
            connects_per_minute_per_address: visits.connects_per_minute,
            connections_per_address_max: visits.connections_max,
            failed_auths_per_minute_per_address: visits.failed_auths_per_minute,
            addresses_max: visits.addresses_max,
            trusted_proxies: String::new(),
            proxy_header: TellsIn::XForwardedFor,
            proxy_protocol: Preface::Off,
        }
    }
}

impl Http {
    /// The book in which addresses are counted.
    pub(crate) fn visitors(&self) -> Visitors {
        let mut visits = Visits::default();
        visits.connects_per_minute = self.connects_per_minute_per_address;
        visits.connections_max = self.connections_per_address_max;
        visits.failed_auths_per_minute = self.failed_auths_per_minute_per_address;
        visits.addresses_max = self.addresses_max;
        Visitors::new(visits)
    }

    /// The proxies in front of this server.
    ///
    /// # Errors
    /// An entry is no address, or proxies shall speak and none is named.
    pub(crate) fn proxies(&self) -> Result<Proxies> {
        let proxies: Proxies = self.trusted_proxies.parse().context("http.trusted_proxies")?;
        if proxies.is_empty() && self.proxy_protocol == Preface::Required {
            bail!(
                "http.proxy_protocol is \"required\" and http.trusted_proxies names nobody who may speak it; name the \
                 addresses of your proxies there"
            );
        }
        let header = match self.proxy_header {
            TellsIn::None => ProxyHeader::None,
            TellsIn::XForwardedFor => ProxyHeader::XForwardedFor,
            TellsIn::Forwarded => ProxyHeader::Forwarded,
        };
        let preface = match self.proxy_protocol {
            Preface::Off => ProxyProtocol::Off,
            Preface::Required => ProxyProtocol::Required,
        };
        Ok(proxies.told_by(header).preceded_by(preface))
    }
}

//! What HTTP and WebSocket peers are held to before and below the protocol.

use serde::{Deserialize, Serialize};
use tidings::config::{Limits as EngineLimits, Times};
use tidings_transports::{Limits, Proxies, ProxyHeader, ProxyProtocol, Visitors, Visits};

/// The settings of the section `http`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    connections_spare: usize,
    handshake_timeout_ms: u64,
    header_bytes_max: usize,
    headers_max: usize,
    fragments_max: u32,
    message_timeout_ms: u64,
    write_timeout_ms: u64,
    drain_timeout_ms: u64,
    connects_per_minute_per_address: u32,
    connections_per_address_max: usize,
    failed_auths_per_minute_per_address: u32,
    addresses_max: usize,
    trusted_proxies: String,
    proxy_header: TellsIn,
    proxy_protocol: Preface,
}

/// The header in which proxies tell the client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TellsIn {
    None,
    XForwardedFor,
    Forwarded,
}

/// Whether proxies speak the PROXY protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Preface {
    Off,
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
    /// What peers are held to by the transports.
    pub(crate) fn limits(&self, engine: &EngineLimits, times: &Times) -> Limits {
        let mut limits = Limits::default();
        limits.connections_max = engine.connections_max.saturating_add(self.connections_spare);
        limits.handshake_timeout_ms = self.handshake_timeout_ms;
        limits.header_bytes_max = self.header_bytes_max;
        limits.headers_max = self.headers_max;
        limits.fragments_max = self.fragments_max;
        limits.message_timeout_ms = self.message_timeout_ms;
        limits.message_bytes_max = engine.message_bytes_max;
        limits.write_timeout_ms = self.write_timeout_ms;
        limits.close_timeout_ms = times.close_timeout_ms;
        limits.drain_timeout_ms = self.drain_timeout_ms;
        limits
    }

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
    pub(crate) fn proxies(&self) -> Result<Proxies, String> {
        let proxies: Proxies =
            self.trusted_proxies.parse().map_err(|error| format!("http.trusted_proxies: {error}"))?;
        if proxies.is_empty() && self.proxy_protocol == Preface::Required {
            return Err("http.proxy_protocol is \"required\" and http.trusted_proxies names nobody".into());
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

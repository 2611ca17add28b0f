//! What proxies say of the client in a request's header: `X-Forwarded-For`, `X-Forwarded-Proto`, and `Forwarded` (RFC 7239).
//!
//! A proxy adds to the right of what came in, so only the right is worth something: what stands left of the last proxy
//! that is trusted was written by the client. It is never looked at, be it well formed or not.

use std::net::{IpAddr, SocketAddr};

use hyper::{
    HeaderMap,
    header::{FORWARDED, HeaderName, VIA},
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// One step of a request's way, as a proxy tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    /// Who handed the request to that proxy. `None`: it does not say, or not in a way that can be read.
    pub(crate) from: Option<IpAddr>,
    /// Whether that was encrypted, if it says so.
    pub(crate) secure: Option<bool>,
}

/// The way that `X-Forwarded-For` tells, the last step first. `X-Forwarded-Proto` has one value that counts, its last.
pub(crate) fn x_forwarded(headers: &HeaderMap) -> impl Iterator<Item = Hop> {
    let secure = backwards(headers, X_FORWARDED_PROTO).next().map(is_https);
    backwards(headers, X_FORWARDED_FOR).map(move |value| Hop { from: text(value).and_then(address), secure })
}

/// The way that `Forwarded` tells, the last step first.
pub(crate) fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = Hop> {
    backwards(headers, FORWARDED).map(|value| {
        let mut hop = Hop { from: None, secure: None };
        for pair in value.split(|&byte| byte == b';') {
            let Some((name, value)) = text(pair).and_then(|pair| pair.split_once('=')) else { continue };
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
            match name.trim() {
                name if name.eq_ignore_ascii_case("for") => hop.from = address(value),
                name if name.eq_ignore_ascii_case("proto") => hop.secure = Some(is_https(value.as_bytes())),
                _ => {}
            }
        }
        hop
    })
}

/// Whether a proxy has left a trace in the header.
pub(crate) fn has_trace(headers: &HeaderMap) -> bool {
    [FORWARDED, X_FORWARDED_FOR, X_FORWARDED_PROTO, X_REAL_IP, VIA].iter().any(|name| headers.contains_key(name))
}

/// The members of a list, from the last of the last line on. Commas in quotes part nothing; counted from the right, a quote
/// that somebody left open further left changes nothing here.
fn backwards(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    let lines: Vec<&[u8]> = headers.get_all(name).iter().map(|line| line.as_bytes()).collect();
    lines.into_iter().rev().flat_map(|line| {
        let mut rest = Some(line);
        std::iter::from_fn(move || {
            let line = rest?;
            let mut quoted = false;
            let comma = line.iter().rposition(|&byte| {
                quoted ^= byte == b'"';
                byte == b',' && !quoted
            });
            let member = comma.map_or(line, |comma| &line[comma + 1..]);
            rest = comma.map(|comma| &line[..comma]);
            Some(member.trim_ascii())
        })
    })
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().map(str::trim)
}

fn is_https(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"https") || value.eq_ignore_ascii_case(b"wss")
}

/// An address with or without a port; IPv6 ones may stand in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests;

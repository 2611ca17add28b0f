use super::{Proxies, ProxyHeader, ProxyProtocol};
use crate::peer::Peer;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use proptest::prelude::*;
use std::net::IpAddr;

const TRUSTED: &str = "10.0.0.0/8, 127.0.0.1, fd00::/8";

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn judge(header: ProxyHeader, socket: &str, lines: &[(&str, &str)]) -> Peer {
    let proxies = TRUSTED.parse::<Proxies>().unwrap().told_by(header);
    proxies.judge(Peer::direct(socket.parse().unwrap()), &headers(lines))
}

fn client(socket: &str, forwarded_for: &str) -> Option<String> {
    let peer = judge(ProxyHeader::XForwardedFor, socket, &[("x-forwarded-for", forwarded_for)]);
    peer.client().map(|address| address.to_string())
}

#[test]
fn networks_and_addresses_are_told_apart_from_nonsense() {
    let proxies: Proxies = " 192.0.2.0/24 ,, ::1,2001:db8::/32 ".parse().unwrap();
    for address in ["192.0.2.255", "::ffff:192.0.2.9", "::1", "2001:db8::5"] {
        assert!(proxies.trusts(address.parse().unwrap()), "{address}");
    }
    for address in ["192.0.3.0", "127.0.0.1", "::2", "2001:db9::"] {
        assert!(!proxies.trusts(address.parse().unwrap()), "{address}");
    }
    for entry in ["*", "localhost", "10.0.0.0/33", "10.0.0", "10.0.0.1:80", "::/129", "10.0.0.0/-1"] {
        let error = entry.parse::<Proxies>().unwrap_err().to_string();
        assert!(error.contains(entry), "{error}");
    }
    assert!("".parse::<Proxies>().unwrap().is_empty());
}

#[test]
fn who_is_not_trusted_is_the_client_whatever_it_says() {
    for says in ["127.0.0.1", "10.0.0.1", "203.0.113.1", "nonsense"] {
        assert_eq!(client("198.51.100.1:5", says).unwrap(), "198.51.100.1");
    }
    let nobody = Proxies::default().judge(Peer::direct("127.0.0.1:5".parse().unwrap()), &headers(&[]));
    assert!(nobody.is_local());
}

#[test]
fn the_last_who_is_no_proxy_of_ours_is_the_client() {
    assert_eq!(client("10.0.0.1:5", "203.0.113.1").unwrap(), "203.0.113.1");
    assert_eq!(client("10.0.0.1:5", "127.0.0.1, 203.0.113.1").unwrap(), "203.0.113.1", "the left is the client's word");
    assert_eq!(client("[::ffff:10.0.0.1]:5", "203.0.113.1, 10.9.9.9").unwrap(), "203.0.113.1");
    assert_eq!(client("[fd00::1]:5", "1.1.1.1, 2001:db8::1, 10.1.1.1, 10.2.2.2").unwrap(), "2001:db8::1");
    assert_eq!(client("10.0.0.1:5", "10.3.3.3, 10.2.2.2").unwrap(), "10.3.3.3", "all of them are ours");
}

#[test]
fn what_a_proxy_does_not_tell_is_not_guessed() {
    for says in ["unknown", "", "127.0.0.1, unknown", "10.0.0.0/8"] {
        let peer = judge(ProxyHeader::XForwardedFor, "127.0.0.1:5", &[("x-forwarded-for", says)]);
        assert_eq!(peer.client(), None, "{says}");
        assert_eq!(peer.address(), "127.0.0.1".parse::<IpAddr>().unwrap());
        assert!(!peer.is_local(), "{says}");
    }
}

#[test]
fn one_header_alone_is_believed() {
    let both = [("x-forwarded-for", "203.0.113.1"), ("forwarded", "for=203.0.113.2;proto=https")];
    let by = |header| judge(header, "10.0.0.1:5", &both);
    assert_eq!(by(ProxyHeader::XForwardedFor).client().unwrap().to_string(), "203.0.113.1");
    assert!(!by(ProxyHeader::XForwardedFor).is_secure());
    assert_eq!(by(ProxyHeader::Forwarded).client().unwrap().to_string(), "203.0.113.2");
    assert!(by(ProxyHeader::Forwarded).is_secure());
    assert_eq!(by(ProxyHeader::None).client(), None);
    let other = judge(ProxyHeader::XForwardedFor, "127.0.0.1:5", &[("forwarded", "for=127.0.0.1")]);
    assert!(!other.is_local(), "a client's header that a proxy lets through");
}

#[test]
fn what_passed_a_proxy_on_this_machine_is_not_from_here() {
    for trace in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
        let peer = Peer::direct("127.0.0.1:5".parse().unwrap());
        let peer = Proxies::default().judge(peer, &headers(&[(trace, "127.0.0.1")]));
        assert!(!peer.is_local(), "{trace}");
    }
    let told = judge(ProxyHeader::XForwardedFor, "127.0.0.1:5", &[("x-forwarded-for", "203.0.113.1")]);
    assert!(!told.is_local());
    let told = judge(ProxyHeader::XForwardedFor, "127.0.0.1:5", &[("x-forwarded-for", "127.0.0.1")]);
    assert!(told.is_local(), "a trusted proxy says that its client is here");
    assert!(judge(ProxyHeader::XForwardedFor, "127.0.0.1:5", &[]).is_local(), "the proxy's machine, without the proxy");
}

#[test]
fn only_trusted_addresses_announce_themselves() {
    let proxies = TRUSTED.parse::<Proxies>().unwrap();
    assert!(!proxies.announces("10.0.0.1".parse().unwrap()));
    let proxies = proxies.preceded_by(ProxyProtocol::Required);
    assert!(proxies.announces("10.0.0.1".parse().unwrap()));
    assert!(!proxies.announces("192.0.2.1".parse().unwrap()));
}

proptest! {
    /// Whatever a client writes into the header, who it is stays what the proxy behind it wrote.
    #[test]
    fn no_word_of_a_client_changes_who_it_is(says in "[ -~]{0,60}", rfc in any::<bool>()) {
        let (header, name, own) = if rfc {
            (ProxyHeader::Forwarded, "forwarded", "for=203.0.113.7")
        } else {
            (ProxyHeader::XForwardedFor, "x-forwarded-for", "203.0.113.7")
        };
        for lines in [vec![(name, format!("{says}, {own}"))], vec![(name, says.clone()), (name, own.to_owned())]] {
            let lines: Vec<_> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let peer = judge(header, "10.0.0.1:5", &lines);
            prop_assert_eq!(peer.client().map(|client| client.to_string()), Some("203.0.113.7".to_owned()));
        }
    }
}

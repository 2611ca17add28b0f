use super::{forwarded, has_trace, x_forwarded};
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

fn headers(lines: &[(&'static str, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

fn way(hops: impl Iterator<Item = super::Hop>) -> Vec<String> {
    hops.map(|hop| hop.from.map_or_else(|| "?".into(), |from| from.to_string())).collect()
}

fn x(lines: &[&str]) -> Vec<String> {
    let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", line.as_bytes())).collect();
    way(x_forwarded(&headers(&lines)))
}

fn rfc(lines: &[&str]) -> Vec<String> {
    let lines: Vec<_> = lines.iter().map(|line| ("forwarded", line.as_bytes())).collect();
    way(forwarded(&headers(&lines)))
}

#[test]
fn the_way_is_told_from_its_end() {
    assert_eq!(x(&["203.0.113.1, 10.0.0.1", " 10.0.0.2 "]), ["10.0.0.2", "10.0.0.1", "203.0.113.1"]);
    assert_eq!(
        rfc(&["for=192.0.2.43, for=198.51.100.17;by=203.0.113.60;proto=http;host=example.com"]),
        ["198.51.100.17", "192.0.2.43"]
    );
    assert!(x(&[]).is_empty());
    assert!(rfc(&[]).is_empty());
}

#[test]
fn addresses_are_read_in_all_their_forms() {
    for (text, address) in [
        ("192.0.2.1:4711", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ] {
        assert_eq!(x(&[text]), [address], "{text}");
    }
    assert_eq!(rfc(&["For=\"[2001:db8:cafe::17]:4711\""]), ["2001:db8:cafe::17"]);
    assert_eq!(rfc(&["proto=https; FOR = 192.0.2.60"]), ["?"], "spaces round = are not of the form");
}

#[test]
fn what_is_no_address_is_told_as_unknown() {
    for text in
        ["unknown", "_hidden", "", "localhost", "1.2.3", "1.2.3.4.5", "192.0.2.1:99999", "[::1", "0x7f.1", "127.1"]
    {
        assert_eq!(x(&[text]), ["?"], "{text:?}");
        assert_eq!(rfc(&[&format!("for={text}")]), ["?"], "{text:?}");
    }
    assert_eq!(way(x_forwarded(&headers(&[("x-forwarded-for", b"\xff\xfe")]))), ["?"]);
}

#[test]
fn what_a_client_wrote_cannot_hide_what_stands_right_of_it() {
    for junk in ["for=\"", "\"", "for=\"a\\\"", ",,,", "for=\"x\"\"", ";;;=", "for=\"127.0.0.1"] {
        let line = format!("{junk}, for=203.0.113.9");
        assert_eq!(rfc(&[&line])[0], "203.0.113.9", "{line}");
        assert_eq!(rfc(&[junk, "for=203.0.113.9"])[0], "203.0.113.9", "{junk}");
        assert_eq!(x(&[&format!("{junk}, 203.0.113.9")])[0], "203.0.113.9", "{junk}");
    }
}

#[test]
fn security_is_what_the_last_proxy_says() {
    let secure = |lines: &[(&'static str, &[u8])]| x_forwarded(&headers(lines)).next().unwrap().secure;
    let from: (&'static str, &[u8]) = ("x-forwarded-for", b"192.0.2.1");
    assert_eq!(secure(&[from]), None);
    assert_eq!(secure(&[from, ("x-forwarded-proto", b"https")]), Some(true));
    assert_eq!(secure(&[from, ("x-forwarded-proto", b"https, http")]), Some(false));
    assert_eq!(secure(&[from, ("x-forwarded-proto", b"https"), ("x-forwarded-proto", b"HTTP")]), Some(false));
    let hops: Vec<_> = forwarded(&headers(&[("forwarded", b"for=a;proto=http,for=b;proto=\"https\"")])).collect();
    assert_eq!([hops[0].secure, hops[1].secure], [Some(true), Some(false)]);
}

#[test]
fn every_trace_of_a_proxy_is_seen() {
    for name in ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip", "via"] {
        assert!(has_trace(&headers(&[(name, b"")])), "{name}");
    }
    assert!(!has_trace(&headers(&[("host", b"localhost")])));
}

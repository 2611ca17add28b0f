use hyper::{HeaderMap, header::ORIGIN};

use super::Origins;

fn parsed(list: &str) -> Origins {
    list.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_default_denies_every_browser_and_allows_everyone_else() {
    let origins = Origins::default();
    assert!(!origins.allows(Some(b"https://app.example")));
    assert!(!origins.allows(Some(b"null")));
    assert!(!origins.allows(Some(b"")));
    assert!(origins.allows(None));
    assert_eq!(parsed(""), origins);
    assert_eq!(parsed(" , "), origins);
}

#[test]
fn an_origin_is_allowed_byte_for_byte() {
    let origins = parsed("https://app.example, http://localhost:3000,https://[::1]:8443");
    for good in ["https://app.example", "http://localhost:3000", "https://[::1]:8443"] {
        assert!(origins.allows(Some(good.as_bytes())), "{good}");
    }
    for bad in [
        "https://app.example.evil.example",
        "https://evil-app.example",
        "https://app.example:443",
        "https://app.example:8443",
        "https://app.example/",
        "https://app.example.",
        "http://app.example",
        "HTTPS://APP.EXAMPLE",
        "https://App.example",
        "https://app.example, http://localhost:3000",
        "http://localhost",
        "http://localhost:30000",
        "null",
        "*",
        "",
    ] {
        assert!(!origins.allows(Some(bad.as_bytes())), "{bad}");
    }
}

#[test]
fn a_star_allows_any() {
    for list in ["*", "https://app.example,*"] {
        assert!(parsed(list).allows(Some(b"https://whatever.example")));
        assert!(parsed(list).allows(Some(b"null")));
    }
    assert_eq!(parsed("*"), Origins::any());
}

#[test]
fn two_origin_headers_are_denied() {
    let origins = parsed("https://app.example");
    let mut headers = HeaderMap::new();
    assert!(origins.allows_request(&headers));
    headers.append(ORIGIN, "https://app.example".parse().unwrap());
    assert!(origins.allows_request(&headers));
    headers.append(ORIGIN, "https://app.example".parse().unwrap());
    assert!(!origins.allows_request(&headers));
}

#[test]
fn entries_that_could_never_match_are_refused_with_what_to_write() {
    for (entry, says) in [
        ("null", "null can't be allowed"),
        ("app.example", "no scheme"),
        ("https://", "no host"),
        ("https://app.example/", "without a path"),
        ("https://app.example/chat", "without a path"),
        ("https://app.example?x", "without a path"),
        ("https://App.example", "lower case"),
        ("HTTPS://app.example", "lower case"),
        ("https://münchen.example", "xn--"),
        ("https://*.app.example", "matched whole"),
        ("https://me@app.example", "user name"),
        ("wss://app.example", "http or https"),
        ("https://app.example:443", "own port"),
        ("http://app.example:80", "own port"),
        ("https://app.example:0", "1 to 65535"),
        ("https://app.example:65536", "1 to 65535"),
        ("https://app.example:+1", "1 to 65535"),
        ("https://app.example:", "1 to 65535"),
        ("https://app example", "host is malformed"),
        ("https://[::1", "closing bracket"),
        ("https://[::g]", "host is malformed"),
        ("https://[::1]x", "follows the host"),
        ("1http://app.example", "scheme is malformed"),
        ("://app.example", "scheme is malformed"),
    ] {
        let error = format!("https://good.example,{entry}").parse::<Origins>().unwrap_err().to_string();
        assert!(error.contains(says), "{entry}: {error}");
        assert!(error.contains(&format!("{entry:?}")), "{error}");
    }
    for good in ["capacitor://localhost", "chrome-extension://abcdef", "http://192.168.0.1:8080"] {
        parsed(good);
    }
}

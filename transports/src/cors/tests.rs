use super::Cors;
use hyper::{HeaderMap, StatusCode, header::HeaderValue};

fn cors(origins: &str) -> Cors {
    Cors::new(origins.parse().unwrap(), "GET, POST", "Authorization")
}

fn from(origins: &[&'static str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for origin in origins {
        headers.append("origin", HeaderValue::from_static(origin));
    }
    headers
}

#[test]
fn an_allowed_page_is_named_and_no_other() {
    let cors = cors("https://a.example, https://b.example");
    for page in ["https://a.example", "https://b.example"] {
        let answer = cors.preflight(&from(&[page]));
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(answer.headers()["access-control-allow-origin"], page);
        assert_eq!(answer.headers()["access-control-allow-methods"], "GET, POST");
        assert_eq!(answer.headers()["access-control-allow-headers"], "Authorization");
        assert_eq!(answer.headers()["vary"], "Origin");
    }
    for pages in [&["https://c.example"][..], &["null"], &["https://a.example", "https://b.example"]] {
        let answer = cors.preflight(&from(pages));
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{pages:?}");
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
        assert!(!answer.headers().contains_key("access-control-allow-methods"));
        assert_eq!(answer.headers()["vary"], "Origin");
    }
}

#[test]
fn every_page_is_named_where_every_page_is_allowed_and_no_cookie_ever() {
    let answer = cors("*").preflight(&from(&["https://any.example"]));
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://any.example");
    assert!(!answer.headers().contains_key("access-control-allow-credentials"));
}

#[test]
fn who_is_no_page_needs_no_word() {
    let cors = cors("https://a.example");
    let mut headers = HeaderMap::new();
    assert!(cors.allows(&HeaderMap::new()));
    cors.admit(&HeaderMap::new(), &mut headers);
    assert!(!headers.contains_key("access-control-allow-origin"));
}

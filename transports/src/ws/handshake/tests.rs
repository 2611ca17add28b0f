use http_body_util::BodyExt;
use hyper::{Request, StatusCode, header};

use super::{Accepted, Handshake, Rejection, is_key};
use crate::origin::Origins;

const SUBPROTOCOLS: &[&str] = &["tidings.v1.msgpack", "tidings.v1.json"];

/// A good request, except for these headers: an empty value takes one away, any other replaces it.
fn request(changes: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::get("/ws").body(()).unwrap();
    let good = [
        ("host", "server.example"),
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for (name, value) in good.iter().chain(changes) {
        let name: header::HeaderName = name.parse().unwrap();
        request.headers_mut().remove(&name);
        if !value.is_empty() {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    request
}

fn judge(mut request: Request<()>) -> Result<Accepted, Rejection> {
    Handshake::new("https://app.example".parse::<Origins>().unwrap())
        .with_subprotocols(SUBPROTOCOLS)
        .accept(&mut request)
}

fn rejection(changes: &[(&str, &str)]) -> Rejection {
    judge(request(changes)).expect_err("is refused")
}

#[test]
fn a_good_request_is_answered_as_the_rfc_says() {
    let response = judge(request(&[])).unwrap().response;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(response.headers()["upgrade"], "websocket");
    assert_eq!(response.headers()["connection"], "upgrade");
    assert!(!response.headers().contains_key("sec-websocket-protocol"));
    assert!(!response.headers().contains_key("sec-websocket-extensions"));
}

#[test]
fn tokens_count_wherever_they_stand_and_however_they_are_written() {
    for changes in [
        [("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")],
        [("connection", "UPGRADE ,close"), ("upgrade", "h2c, websocket")],
    ] {
        assert!(judge(request(&changes)).is_ok());
    }
    let mut lines = request(&[("connection", "keep-alive")]);
    lines.headers_mut().append("connection", "upgrade".parse().unwrap());
    assert!(judge(lines).is_ok());
}

#[test]
fn each_bad_request_has_its_rejection() {
    let mut post = request(&[]);
    *post.method_mut() = hyper::Method::POST;
    assert_eq!(judge(post).unwrap_err(), Rejection::Method);
    let mut old = request(&[]);
    *old.version_mut() = hyper::Version::HTTP_10;
    assert_eq!(judge(old).unwrap_err(), Rejection::HttpVersion);

    assert_eq!(rejection(&[("connection", "")]), Rejection::NoUpgrade);
    assert_eq!(rejection(&[("connection", "keep-alive")]), Rejection::NoUpgrade);
    assert_eq!(rejection(&[("upgrade", "")]), Rejection::NoUpgrade);
    assert_eq!(rejection(&[("upgrade", "websockets")]), Rejection::NoUpgrade);
    assert_eq!(rejection(&[("content-length", "5")]), Rejection::Body);
    assert_eq!(rejection(&[("transfer-encoding", "chunked")]), Rejection::Body);
    assert!(judge(request(&[("content-length", "0")])).is_ok());
    for version in ["", "12", "14", "13, 8", "013"] {
        assert_eq!(rejection(&[("sec-websocket-version", version)]), Rejection::WebSocketVersion);
    }
    for key in ["", "abc", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25j!Q=="] {
        assert_eq!(rejection(&[("sec-websocket-key", key)]), Rejection::Key);
    }
    let mut twice = request(&[]);
    twice.headers_mut().append("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==".parse().unwrap());
    assert_eq!(judge(twice).unwrap_err(), Rejection::Key);
    for origin in ["null", "https://app.example:8443", "https://app.example.evil.example", "HTTPS://APP.EXAMPLE"] {
        assert_eq!(rejection(&[("origin", origin)]), Rejection::Origin);
    }
    assert!(judge(request(&[("origin", "https://app.example")])).is_ok());
}

#[test]
fn the_first_known_subprotocol_that_is_offered_is_agreed_upon() {
    for (offer, agreed) in [
        ("tidings.v1.json", Some("tidings.v1.json")),
        ("tidings.v1.json, tidings.v1.msgpack", Some("tidings.v1.msgpack")),
        ("other,tidings.v1.json", Some("tidings.v1.json")),
        ("", None),
    ] {
        let accepted = judge(request(&[("sec-websocket-protocol", offer)])).unwrap();
        assert_eq!(accepted.subprotocol, agreed);
        let header = accepted.response.headers().get("sec-websocket-protocol");
        assert_eq!(header.map(|header| header.to_str().unwrap()), agreed);
    }
    assert_eq!(
        rejection(&[("sec-websocket-protocol", "TIDINGS.V1.JSON, other")]),
        Rejection::Subprotocol { known: SUBPROTOCOLS }
    );
    let mut unknown = request(&[("sec-websocket-protocol", "other")]);
    let accepted = Handshake::default().accept(&mut unknown).unwrap();
    assert_eq!(accepted.subprotocol, None, "who knows none refuses none");
}

#[test]
fn a_key_is_sixteen_bytes_in_base64() {
    assert!(is_key(b"AAAAAAAAAAAAAAAAAAAAAA=="));
    assert!(is_key(b"++++////abcdefghijklmn=="));
    assert!(!is_key(b"AAAAAAAAAAAAAAAAAAAAAAA="));
    assert!(!is_key(b"AAAAAAAAAAAAAAAAAAAAAAAA"));
    assert!(!is_key(b"=="));
}

#[tokio::test]
async fn a_rejection_says_what_to_do() {
    for (rejection, status, says) in [
        (Rejection::Method, 405, "GET"),
        (Rejection::HttpVersion, 400, "HTTP/1.1"),
        (Rejection::NoUpgrade, 400, "Upgrade: websocket"),
        (Rejection::Body, 400, "without a body"),
        (Rejection::WebSocketVersion, 426, "Sec-WebSocket-Version: 13"),
        (Rejection::Key, 400, "Sec-WebSocket-Key"),
        (Rejection::Origin, 403, "allowed origins"),
        (Rejection::Subprotocol { known: SUBPROTOCOLS }, 400, "tidings.v1.msgpack, tidings.v1.json"),
    ] {
        let response = rejection.response();
        assert_eq!(response.status().as_u16(), status);
        let headers = response.headers().clone();
        assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
        assert_eq!(headers.contains_key("allow"), status == 405);
        assert_eq!(headers.contains_key("sec-websocket-version"), status == 426);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains(says) && body.ends_with('\n'), "{body}");
    }
}

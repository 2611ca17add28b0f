//! Rows 11, 12 and 30 as far as HS256 goes: tokens that are not good.

use crate::support::SECRET;
use crate::support::daemon::Daemon;
use crate::support::session::Session;
use crate::support::tool::token;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims() -> Value {
    json!({"sub": "alice", "exp": now_s() + 60, "subscribe": ["*"]})
}

fn claims_but(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    signed(&Header::new(Algorithm::HS256), &claims, SECRET)
}

fn signed(header: &Header, claims: &Value, secret: &str) -> String {
    encode(header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn with_header(change: impl FnOnce(&mut Header)) -> String {
    let mut header = Header::new(Algorithm::HS256);
    change(&mut header);
    signed(&header, &claims(), SECRET)
}

/// What a token gets, from the first word to the last.
fn judged(daemon: &Daemon, token: &str) -> (Value, Value) {
    let mut session = Session::open(daemon);
    let answer = session.ask(&json!({"id": 1, "connect": {"token": token}}));
    (answer, session.expect_close(3500))
}

#[test]
fn every_bad_token_gets_the_same_answer() {
    let mut daemon = Daemon::start("log = \"info\"\n[limits]\nmessage_bytes_max = 1048576\n");
    // Nobody must come for a key.
    let keys = TcpListener::bind("127.0.0.1:0").unwrap();
    keys.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", keys.local_addr().unwrap());
    let good = token(&["--user", "alice"]);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let payload = message.split_once('.').unwrap().1;
    let other = "another-secret-of-thirty-two-bytes-and-more";
    let rows = [
        ("none", format!("{none}.{payload}.")),
        ("none with a signature", format!("{none}.{payload}.{signature}")),
        ("another algorithm", signed(&Header::new(Algorithm::HS512), &claims(), SECRET)),
        ("another secret", signed(&Header::new(Algorithm::HS256), &claims(), other)),
        ("tampered", format!("{}x.{signature}", message)),
        ("expired", claims_but("exp", json!(now_s() - 60))),
        ("not yet", claims_but("nbf", json!(now_s() + 60))),
        ("exp as text", claims_but("exp", json!("9999999999"))),
        ("exp as a fraction", claims_but("exp", json!(9_999_999_999.5))),
        ("exp negative", claims_but("exp", json!(-1))),
        ("exp of 2^63", claims_but("exp", json!(1_u64 << 63))),
        ("another audience", claims_but("aud", json!("other"))),
        ("audiences", claims_but("aud", json!(["other"]))),
        ("no user", claims_but("sub", json!(null))),
        ("a user of two lines", claims_but("sub", json!("a\nb"))),
        ("crit", with_header(|header| header.crit = Some(vec!["exp".into()]))),
        ("jku", with_header(|header| header.jku = Some(url.clone()))),
        ("x5u", with_header(|header| header.x5u = Some(url.clone()))),
        ("kid as an address", with_header(|header| header.kid = Some(url.clone()))),
        ("kid as a path", with_header(|header| header.kid = Some("../../dev/null".into()))),
        ("100 KiB", claims_but("padding", json!("x".repeat(100 * 1024)))),
        ("nothing", String::new()),
        ("nonsense", "a.b.c".into()),
    ];
    let count = rows.len() as u64;
    let expected = judged(&daemon, "x");
    assert_eq!(expected.0["error"]["name"], "unauthorized", "{expected:?}");
    for (what, token) in rows {
        assert_eq!(judged(&daemon, &token), expected, "{what}");
    }
    daemon.wait_for_figure("tidings_sessions_denied_total", |denied| denied == count + 1);
    assert!(keys.accept().is_err(), "somebody came for a key");
    Session::connect_with(&daemon, &good).assert_alive();
    daemon.signal(rustix::process::Signal::TERM);
    assert!(daemon.tool.wait().success());
    let printed = daemon.tool.printed().join("\n");
    assert!(!printed.contains(signature) && !printed.contains("eyJ"), "{printed}");
}

#[test]
fn a_session_ends_with_its_token() {
    let daemon = Daemon::start("");
    // Half a minute of leeway is given to clocks that differ.
    let mut session = Session::connect_with(&daemon, &claims_but("exp", json!(now_s() - 28)));
    session.assert_alive();
    let close = session.expect_close(3503);
    assert_eq!(close["reason"], "token_expired");
}

#[test]
fn a_named_audience_and_issuer_are_asked_for() {
    let daemon = Daemon::start("jwt_audience = \"tidings\"\njwt_issuer = \"https://id.example\"\n");
    judged(&daemon, &claims_but("aud", json!("tidings")));
    let mut claims = claims();
    claims["aud"] = json!(["other", "tidings"]);
    claims["iss"] = json!("https://id.example");
    let token = signed(&Header::new(Algorithm::HS256), &claims, SECRET);
    Session::connect_with(&daemon, &token).assert_alive();
}

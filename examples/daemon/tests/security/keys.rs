//! Rows 11, 13, 24, 30 and 31 beyond HS256: many algorithms, keys by name and issuer, published keys, tickets.

use crate::support::SECRET;
use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::session::Session;
use crate::support::tool::token;
use crate::support::{PATIENCE, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Tokens and keys that another library made.
fn known() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../engine/auth/tests/known_answers/tokens.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn rows() -> Vec<Value> {
    known()["tokens"].as_array().unwrap().clone()
}

fn row(algorithm: &str) -> Value {
    rows().into_iter().find(|row| row["algorithm"] == algorithm).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// An issuer's server of this test's own: what it publishes, and how often it was asked.
struct Issuer {
    address: SocketAddr,
    document: Arc<Mutex<Option<String>>>,
    requests: Arc<AtomicUsize>,
}

impl Issuer {
    fn start(rows: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (document, requests) = (Arc::new(Mutex::new(None)), Arc::new(AtomicUsize::new(0)));
        let issuer = Self { address, document: Arc::clone(&document), requests: Arc::clone(&requests) };
        issuer.publish(rows);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    match stream.read(&mut byte) {
                        Ok(1) => request.push(byte[0]),
                        _ => break,
                    }
                }
                requests.fetch_add(1, Ordering::SeqCst);
                let (status, body) = match document.lock().unwrap().clone() {
                    Some(body) => (200, body),
                    None => (503, String::new()),
                };
                let head =
                    format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        issuer
    }

    fn publish(&self, rows: &[Value]) {
        let keys: Vec<_> = rows.iter().filter_map(|row| row.get("jwk")).collect();
        *self.document.lock().unwrap() = Some(json!({ "keys": keys }).to_string());
    }

    fn fail(&self) {
        *self.document.lock().unwrap() = None;
    }

    fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// A daemon that has no secret of its own.
fn daemon_without_secret(settings: &str) -> Daemon {
    Daemon::start_with(&["--listen", "127.0.0.1:0"], &[], settings)
}

/// What a token gets from the first word to the last, when it is not taken.
fn judged(daemon: &Daemon, token: &str, close: u16) -> (Value, Value) {
    let mut session = Session::open(daemon);
    let answer = session.ask(&json!({"id": 1, "connect": {"token": token}}));
    (answer, session.expect_close(close))
}

#[test]
fn keys_in_the_settings_check_every_algorithm_and_confuse_none() {
    let rows = rows();
    let mut settings = "[jwt]\naudience = \"tidings\"\nissuer = \"https://id.example\"\n".to_owned();
    for row in &rows {
        let (name, value) = match row.get("secret") {
            Some(secret) => ("secret", text(secret)),
            None => ("public_key", text(&row["pem"])),
        };
        settings += &format!("[[jwt.keys]]\nalgorithm = {}\n{name} = '''{value}'''\n", row["algorithm"]);
    }
    let daemon = daemon_without_secret(&settings);
    for row in &rows {
        Session::connect_with(&daemon, text(&row["token"])).assert_alive();
    }
    // The algorithm of another key, signed with what everybody may know.
    let expected = judged(&daemon, "x", 3500);
    assert_eq!(expected.0["error"]["name"], "unauthorized");
    for confused in known()["confused"]["tokens"].as_array().unwrap() {
        assert_eq!(judged(&daemon, text(confused), 3500), expected);
    }
    for (one, other) in [("ES256", "RS256"), ("RS256", "ES256"), ("EdDSA", "HS256"), ("PS256", "HS512")] {
        let (one, other) = (row(one), row(other));
        let header = text(&one["token"]).split_once('.').unwrap().0;
        let rest = text(&other["token"]).split_once('.').unwrap().1;
        assert_eq!(
            judged(&daemon, &format!("{header}.{rest}"), 3500),
            expected,
            "{} {}",
            one["algorithm"],
            other["algorithm"]
        );
    }
}

#[test]
fn published_keys_are_fetched_rotated_and_outlive_an_outage() {
    let (old, new) = (row("RS256"), row("ES256"));
    let issuer = Issuer::start(std::slice::from_ref(&old));
    let settings = format!(
        "[jwt]\naudience = \"tidings\"\nissuer = \"https://id.example\"\njwks_url = \"{}\"\n[jwt.jwks]\nunknown_pause_ms = 1\n",
        issuer.url()
    );
    let daemon = daemon_without_secret(&settings);
    Session::connect_with(&daemon, text(&old["token"])).assert_alive();
    let expected = judged(&daemon, "x", 3500);
    assert_eq!(judged(&daemon, text(&new["token"]), 3500), expected, "not published yet");
    issuer.publish(&[old.clone(), new.clone()]);
    Session::connect_with(&daemon, text(&new["token"])).assert_alive();
    issuer.fail();
    Session::connect_with(&daemon, text(&old["token"])).assert_alive();
    assert_eq!(judged(&daemon, text(&row("EdDSA")["token"]), 3500), expected);
    assert!(issuer.requests() >= 3);
}

#[test]
fn unknown_keys_cause_one_request_a_minute() {
    let issuer = Issuer::start(&rows());
    let settings = format!("[jwt]\naudience = \"tidings\"\njwks_url = \"{}\"\n", issuer.url());
    let daemon = daemon_without_secret(&settings);
    Session::connect_with(&daemon, text(&row("RS256")["token"])).assert_alive();
    let expected = judged(&daemon, "x", 3500);
    let (_, rest) = text(&row("RS256")["token"]).split_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    for n in 0..200 {
        let header = base64url(json!({"alg": "RS256", "kid": format!("nobody-{n}")}).to_string().as_bytes());
        assert_eq!(judged(&daemon, &format!("{header}.{rest}"), 3500), expected);
    }
    assert_eq!(issuer.requests(), 1);
}

#[test]
fn who_cannot_be_judged_comes_back() {
    let issuer = Issuer::start(&rows());
    issuer.fail();
    let settings = format!("[jwt]\naudience = \"tidings\"\njwks_url = \"{}\"\n", issuer.url());
    let daemon = daemon_without_secret(&settings);
    wait_until("a request has failed", || issuer.requests() >= 1);
    let (answer, _) = judged(&daemon, text(&row("RS256")["token"]), 3005);
    assert_eq!(answer["error"]["name"], "unavailable");
    issuer.publish(&rows());
    wait_until("the keys come", || {
        let mut session = Session::open(&daemon);
        session.ask(&json!({"id": 1, "connect": {"token": row("RS256")["token"]}}))["connected"].is_object()
    });
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        text.extend((0..=chunk.len()).map(|digit| char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize])));
    }
    text
}

/// One HTTP request: its status, its header and its body.
pub(crate) fn post(daemon: &Daemon, path: &str, bearer: &str, more: &str, body: &str) -> (u16, String, Value) {
    let mut client = Client::connect(daemon.address);
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {bearer}\r\n");
    client.send(format!("{head}{more}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    let response = client.response();
    let body = serde_json::from_str(&response.body).unwrap_or(Value::Null);
    (response.status, response.head, body)
}

/// The status of a request to `/sse`, whose answer has no end when it is a good one.
fn status_of_events(daemon: &Daemon, token: &str) -> String {
    let mut client = Client::connect(daemon.address);
    client
        .send(format!("GET /sse?channel=messaging:lobby&token={token} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes());
    let mut head = [0; 12];
    client.socket.read_exact(&mut head).unwrap();
    String::from_utf8_lossy(&head).into_owned()
}

#[test]
fn a_ticket_opens_one_event_source() {
    let daemon = Daemon::start("");
    let alice = token(&["--user", "alice", "--sub", "messaging:lobby"]);
    let ticket = post(&daemon, "/api/v1/tickets", &alice, "", "").2["ticket"].clone();
    assert_eq!(status_of_events(&daemon, text(&ticket)), "HTTP/1.1 200");
    assert_eq!(status_of_events(&daemon, text(&ticket)), "HTTP/1.1 401");
}

#[test]
fn a_ticket_is_good_once_and_stands_in_no_log() {
    let mut daemon = Daemon::start("allowed_origin = \"https://app.example\"\nlog = \"debug\"\n");
    let alice = token(&["--user", "alice", "--sub", "messaging:lobby"]);
    let (status, head, body) = post(&daemon, "/api/v1/tickets", &alice, "", "");
    assert_eq!(status, 201, "{body}");
    assert!(head.to_lowercase().contains("cache-control: no-store"), "{head}");
    assert_eq!(body["expires_in_ms"], 30_000);
    let ticket = text(&body["ticket"]).to_owned();
    let mut session = Session::connect_with(&daemon, &ticket);
    let answer = session.ask(&json!({"id": 2, "subscribe": {"channel": "messaging:lobby"}}));
    assert!(answer["subscribed"].is_object(), "{answer}");
    let answer = session.ask(&json!({"id": 3, "subscribe": {"channel": "messaging:other"}}));
    assert_eq!(answer["error"]["name"], "forbidden", "the rights are the token's");
    let expected = judged(&daemon, "x", 3500);
    assert_eq!(judged(&daemon, &ticket, 3500), expected, "a second time");
    // No ticket for what is no token: another ticket, a bad token, nothing.
    for bad in [ticket.as_str(), "x", ""] {
        let (status, head, body) = post(&daemon, "/api/v1/tickets", bad, "", "");
        assert_eq!((status, &body["error"]["name"]), (401, &json!("unauthorized")), "{bad}");
        assert!(head.to_lowercase().contains("www-authenticate: bearer"));
    }
    // Pages of one origin may ask, and hear it; those of another may not.
    let (status, head, _) = post(&daemon, "/api/v1/tickets", &alice, "Origin: https://app.example\r\n", "");
    assert!(
        status == 201 && head.to_lowercase().contains("access-control-allow-origin: https://app.example"),
        "{head}"
    );
    let (status, ..) = post(&daemon, "/api/v1/tickets", &alice, "Origin: https://evil.example\r\n", "");
    assert_eq!(status, 403);
    let given = (0..20).filter(|_| post(&daemon, "/api/v1/tickets", &alice, "", "").0 == 201).count();
    assert_eq!(given, 15, "16 that are not used, with the one before");
    daemon.signal(Signal::TERM);
    assert!(daemon.tool.wait().success());
    let printed = daemon.tool.printed().join("\n");
    assert!(!printed.contains(&ticket) && !printed.contains("eyJ") && !printed.contains(SECRET), "{printed}");
}

#[test]
fn keys_that_cannot_be_stop_the_start_and_say_what_to_do() {
    let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n-----END PRIVATE KEY-----\n";
    let weak = text(&known()["weak"][0]["pem"]).to_owned();
    for (settings, told) in [
        (format!("[[jwt.keys]]\nkid = \"a\"\nalgorithm = \"EdDSA\"\npublic_key = '''{private}'''"), "private key"),
        (format!("[[jwt.keys]]\nalgorithm = \"RS256\"\npublic_key = '''{weak}'''"), "2,048"),
        (format!("[[jwt.keys]]\nalgorithm = \"HS256\"\npublic_key = '''{weak}'''"), "never a public key"),
        ("[[jwt.keys]]\nalgorithm = \"HS512\"\nsecret = \"short\"".into(), "64 bytes"),
        ("[[jwt.keys]]\nalgorithm = \"HS256\"".into(), "public_key_file"),
        ("[[jwt.keys]]\nalgorithm = \"none\"\nsecret = \"x\"".into(), "HS256"),
        ("[[jwt.keys]]\nalgorithm = \"EdDSA\"\npublic_key_file = \"/no/such.pem\"".into(), "/no/such.pem"),
        ("[jwt]\njwks_url = \"http://id.example/keys\"".into(), "https"),
        ("[jwt]\nalgorithms = \"RS256\"".into(), "jwt.algorithms"),
        ("[jwt]\nleeway_s = 301".into(), "300"),
    ] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(settings.as_bytes()).unwrap();
        let args = ["--listen", "127.0.0.1:0", "--config", file.path().to_str().unwrap()];
        let refusal = crate::support::tool::refusal(&args, &[("JWT_SECRET", SECRET)]);
        assert!(refusal.contains(told), "{settings}: {refusal}");
    }
}

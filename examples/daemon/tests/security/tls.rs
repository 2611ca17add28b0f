//! TLS at the door: with rustls, with OpenSSL, with a WebSocket over it, and certificates that change under connections.

use crate::support::PATIENCE;
use crate::support::SECRET;
use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::tool::{refusal, token};
use crate::support::wait_until;
use rustix::process::Signal;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

type Line = StreamOwned<ClientConnection, TcpStream>;

/// A certificate of `localhost` that is its own authority, on disk with its key.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        files.renew();
        files
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Replaces both, each at one moment, and returns the certificate in DER.
    fn renew(&self) -> Vec<u8> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        self.put("key.pem", &made.signing_key.serialize_pem());
        self.put("cert.pem", &made.cert.pem());
        made.cert.der().to_vec()
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    fn der(&self) -> Vec<u8> {
        CertificateDer::from_pem_file(self.path("cert.pem")).unwrap().to_vec()
    }

    fn settings(&self, more: &str) -> String {
        let (certificate, key) = (self.path("cert.pem"), self.path("key.pem"));
        format!("{more}\n[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\nreload_interval_ms = 50\n")
    }
}

/// A connection that trusts this certificate alone.
fn dial(address: SocketAddr, trusted: &[u8], alpn: &[&[u8]]) -> Result<Line, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(trusted.to_vec())).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let session = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut line = StreamOwned::new(session, socket);
    while line.conn.is_handshaking() {
        line.conn.complete_io(&mut line.sock)?;
    }
    Ok(line)
}

fn get(line: &mut Line, path: &str) -> String {
    write!(line, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    line.read_to_string(&mut text).unwrap();
    text
}

/// Reads until this has come.
fn read_until(line: &mut Line, end: &str) -> String {
    let (mut told, mut piece) = (String::new(), [0; 16 * 1024]);
    while !told.contains(end) {
        let read = line.read(&mut piece).unwrap();
        assert!(read > 0, "it ends after {told}");
        told += std::str::from_utf8(&piece[..read]).unwrap();
    }
    told
}

/// A session over TLS, by a WebSocket client that is not ours.
struct Secure(WebSocket<Line>);

impl Secure {
    fn connect(daemon: &Daemon, files: &Files, user: &str) -> Self {
        let line = dial(daemon.address, &files.der(), &[b"http/1.1"]).unwrap();
        let url = format!("wss://localhost:{}/ws", daemon.address.port());
        let (socket, _) = tungstenite::client(url, line).unwrap();
        let mut secure = Self(socket);
        let answer = secure.ask(&json!({"id": 1, "connect": {"token": token(&["--user", user])}}));
        assert_eq!(answer["connected"]["user"], user, "{answer}");
        secure
    }

    fn ask(&mut self, command: &Value) -> Value {
        self.0.send(Message::text(command.to_string())).unwrap();
        self.next()
    }

    fn next(&mut self) -> Value {
        let text = self.0.read().unwrap().into_text().unwrap();
        serde_json::from_str(text.lines().next().unwrap()).unwrap()
    }

    /// Says something to itself.
    fn is_well(&mut self) {
        let answer = self.ask(&json!({"id": 9, "ping": {}}));
        assert_eq!(answer["id"], 9, "{}", answer.to_string().chars().take(200).collect::<String>());
    }
}

#[test]
fn everything_is_served_over_tls_and_nothing_without() {
    let files = Files::new();
    let daemon = Daemon::start(&files.settings(""));
    let printed = daemon.tool.printed().join("\n");
    assert!(printed.contains("wss://127.0.0.1:") && printed.contains("https://"), "{printed}");
    let mut line = dial(daemon.address, &files.der(), &[b"h2", b"http/1.1"]).unwrap();
    assert_eq!(line.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(get(&mut line, "/healthz").starts_with("HTTP/1.1 200"));
    let page = get(&mut dial(daemon.address, &files.der(), &[]).unwrap(), "/");
    assert!(page.contains("<title>Tidings</title>"), "{page}");

    let error = dial(daemon.address, &files.der(), &[b"h2"]).unwrap_err().to_string();
    assert!(error.contains("NoApplicationProtocol"), "HTTP/2 is not spoken: {error}");
    let mut plain = Client::connect(daemon.address);
    plain.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut answer = Vec::new();
    let _ = plain.socket.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    // A message of several TLS records each way, and one to somebody else.
    let (mut alice, mut bob) = (Secure::connect(&daemon, &files, "alice"), Secure::connect(&daemon, &files, "bob"));
    bob.ask(&json!({"id": 2, "subscribe": {"channel": "realtime:a"}}));
    let text = "x".repeat(30_000);
    for at in 0..20 {
        let command =
            json!({"id": 3, "publish": {"channel": "realtime:a", "event": "e", "data": {"at": at, "text": text}}});
        assert!(alice.ask(&command)["published"].is_object());
        let entry = bob.next();
        assert_eq!((&entry["entry"]["data"]["at"], &entry["entry"]["data"]["text"]), (&json!(at), &json!(text)));
    }
    // Server-sent events take the socket over from the HTTP server, TLS and all.
    let mut events = dial(daemon.address, &files.der(), &[]).unwrap();
    let carol = token(&["--user", "carol"]);
    let request =
        format!("GET /sse?channel=realtime:a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {carol}\r\n\r\n");
    events.write_all(request.as_bytes()).unwrap();
    let mut told = read_until(&mut events, "\n\n");
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    wait_until("carol is subscribed", || {
        alice.ask(&json!({"id": 4, "publish": {"channel": "realtime:a", "event": "sse", "data": "carol hears"}}));
        told += &read_until(&mut events, "\n");
        told.contains("carol hears")
    });
    alice.0.close(None).unwrap();
    while alice.0.read().is_ok() {}
    Secure::connect(&daemon, &files, "dave").is_well();
    assert!(daemon.stop().success());
}

/// What OpenSSL's own client makes of it.
fn openssl(daemon: &Daemon, files: &Files, more: &[&str]) -> (bool, String) {
    let mut child = Command::new("openssl")
        .args(["s_client", "-connect", &daemon.address.to_string(), "-servername", "localhost"])
        .args(["-verify_return_error", "-CAfile", &files.path("cert.pem"), "-ign_eof"])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is installed");
    // It fails where the handshake does.
    let _ =
        child.stdin.take().unwrap().write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn openssl_gets_tls_1_2_and_1_3_and_nothing_older() {
    let files = Files::new();
    let daemon = Daemon::start(&files.settings(""));
    for version in ["-tls1_2", "-tls1_3"] {
        let (is_good, said) = openssl(&daemon, &files, &[version]);
        assert!(is_good && said.contains("HTTP/1.1 200 OK") && said.contains("Verify return code: 0 (ok)"), "{said}");
    }
    let (is_good, said) = openssl(&daemon, &files, &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]);
    assert!(!is_good && !said.contains("HTTP/1.1 200"), "{said}");
}

#[test]
fn a_certificate_changes_under_connections_that_go_on() {
    let files = Files::new();
    let mut daemon = Daemon::start(&files.settings(""));
    let mut old = Secure::connect(&daemon, &files, "alice");
    let first = files.der();
    let second = files.renew();
    wait_until("the new certificate is shown", || dial(daemon.address, &second, &[]).is_ok());
    assert!(dial(daemon.address, &first, &[]).is_err(), "the old one no more");
    old.is_well();
    Secure::connect(&daemon, &files, "bob").is_well();

    // A file that can't be used is told, and changes nothing.
    let good = fs::read_to_string(files.path("cert.pem")).unwrap();
    files.put("cert.pem", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
    daemon.tool.wait_for_line("the TLS certificate from before stays in use");
    assert!(dial(daemon.address, &second, &[]).is_ok());
    // One of another key: the moment between the two renames of a renewal.
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    files.put("cert.pem", &other.cert.pem());
    daemon.tool.wait_for_line("can't be used together");
    assert!(dial(daemon.address, &second, &[]).is_ok());
    files.put("cert.pem", &good);
    daemon.tool.wait_for_lines("was read anew", 2);
    // Gone for a while: nothing is told, nothing changes.
    fs::remove_file(files.path("cert.pem")).unwrap();
    assert!(dial(daemon.address, &second, &[]).is_ok());
    old.is_well();
    assert!(!daemon.tool.printed().join("\n").contains("PRIVATE KEY"));
}

/// How long the certificate is good, as the figures tell it.
fn ends_in_seconds(daemon: &Daemon, trusted: &[u8]) -> i64 {
    let figures = get(&mut dial(daemon.address, trusted, &[]).unwrap(), "/metrics");
    let line = figures.lines().find_map(|line| line.strip_prefix("tidings_tls_certificate_ends_in_seconds "));
    line.unwrap_or_else(|| panic!("{figures}")).parse::<f64>().unwrap() as i64
}

#[test]
fn the_figures_tell_how_long_the_certificate_is_good() {
    let files = Files::new();
    let made = |days: i64| {
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        // What the type adds to is a time of a crate that is not ours.
        params.not_after = params.not_before;
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
        params.not_after += Duration::from_secs((unix - params.not_before.unix_timestamp() + days * 86_400) as u64);
        let key = rcgen::KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap(), key)
    };
    let (first, key) = made(10);
    files.put("key.pem", &key.serialize_pem());
    files.put("cert.pem", &first.pem());
    let mut daemon = Daemon::start(&files.settings(""));
    let days = |left: i64| (left * 86_400 - 60..=left * 86_400).contains(&ends_in_seconds(&daemon, first.der()));
    assert!(days(10), "{}", ends_in_seconds(&daemon, first.der()));
    // The key first: the daemon passes over a pair that does not belong together.
    let (second, key) = made(90);
    files.put("key.pem", &key.serialize_pem());
    files.put("cert.pem", &second.pem());
    wait_until("the new certificate is shown", || dial(daemon.address, second.der(), &[]).is_ok());
    let left = ends_in_seconds(&daemon, second.der());
    assert!((90 * 86_400 - 60..=90 * 86_400).contains(&left), "{left}");
    assert!(!daemon.tool.printed().join("\n").contains("has ended"));
    let (third, key) = made(-1);
    files.put("key.pem", &key.serialize_pem());
    files.put("cert.pem", &third.pem());
    daemon.tool.wait_for_line("has ended: clients will not believe it");
}

#[test]
fn a_hangup_reads_the_certificate_at_once() {
    let files = Files::new();
    let settings = files.settings("").replace("reload_interval_ms = 50", "reload_interval_ms = 86400000");
    let mut daemon = Daemon::start(&settings);
    let second = files.renew();
    assert!(dial(daemon.address, &second, &[]).is_err());
    daemon.signal(Signal::HUP);
    daemon.tool.wait_for_line("was read anew");
    assert!(dial(daemon.address, &second, &[]).is_ok());
}

#[test]
fn handshakes_are_bounded_in_time_and_number() {
    let files = Files::new();
    let more = "[http]\nhandshake_timeout_ms = 500\nconnections_spare = 2\n[limits]\nconnections_max = 1\n";
    let daemon = Daemon::start(&files.settings(more));
    let mut silent: Vec<_> = (0..3).map(|_| Client::connect(daemon.address)).collect();
    silent[1].send(b"\x16\x03\x01");
    let mut fourth = Client::connect(daemon.address);
    assert!(fourth.expect_end() < Duration::from_millis(400), "closed without a handshake");
    for client in &mut silent {
        assert!(client.expect_end() < Duration::from_secs(3));
    }
    let began = Instant::now();
    while dial(daemon.address, &files.der(), &[]).is_err() {
        assert!(began.elapsed() < PATIENCE, "the places are free again");
    }
    let figures = get(&mut dial(daemon.address, &files.der(), &[]).unwrap(), "/metrics");
    assert!(figures.contains("tidings_tls_handshakes_failed_total{reason=\"late\"} 3"), "{figures}");
    for junk in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x16; 4096], b"\x16\x03\x01\xff\xff\x01", &[0; 64]] {
        let mut client = Client::connect(daemon.address);
        client.send_while_taken(junk);
        let mut rest = Vec::new();
        let _ = client.socket.read_to_end(&mut rest);
    }
    assert!(dial(daemon.address, &files.der(), &[]).is_ok());
}

#[test]
fn a_receiver_that_does_not_read_gets_all_of_it_later() {
    let files = Files::new();
    let daemon = Daemon::start(&files.settings("[limits]\nmessages_per_minute = 0\noutbox_bytes_max = 8388608\n"));
    let (mut alice, mut bob) = (Secure::connect(&daemon, &files, "alice"), Secure::connect(&daemon, &files, "bob"));
    bob.ask(&json!({"id": 2, "subscribe": {"channel": "messaging:a"}}));
    let text = "y".repeat(30_000);
    // More than both kernels hold for one connection, so encrypted bytes wait in the server.
    for at in 0..200 {
        let data = json!({"at": at, "text": text});
        alice.ask(&json!({"id": 3, "publish": {"channel": "messaging:a", "event": "e", "data": data}}));
    }
    for at in 0..200 {
        let entry = bob.next();
        assert_eq!(entry["entry"]["data"]["at"], at, "{}", &entry.to_string()[..200]);
    }
    bob.is_well();
}

#[test]
fn the_proxy_protocol_comes_before_tls() {
    let files = Files::new();
    let more = "[http]\ntrusted_proxies = \"127.0.0.1\"\nproxy_protocol = \"required\"\n";
    let daemon = Daemon::start(&files.settings(more));
    assert!(dial(daemon.address, &files.der(), &[]).is_err(), "without it");
    for (client, status) in [("203.0.113.1", "HTTP/1.1 403"), ("127.0.0.1", "HTTP/1.1 200")] {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(files.der())).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let session = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
        let mut socket = TcpStream::connect(daemon.address).unwrap();
        write!(socket, "PROXY TCP4 {client} 198.51.100.1 4711 443\r\n").unwrap();
        assert!(get(&mut StreamOwned::new(session, socket), "/metrics").starts_with(status), "{client}");
    }
}

#[test]
fn files_that_cannot_be_used_are_refused_at_the_start() {
    let files = Files::new();
    let (certificate, key) = (files.path("cert.pem"), files.path("key.pem"));
    let refused = |certificate: &str, key: &str| {
        let environment =
            [("JWT_SECRET", SECRET), ("TIDINGS_TLS__CERTIFICATE", certificate), ("TIDINGS_TLS__KEY", key)];
        refusal(&["--listen", "127.0.0.1:0"], &environment)
    };
    let missing = files.path("missing.pem");
    files.put("other.pem", &rcgen::KeyPair::generate().unwrap().serialize_pem());
    for (certificate, key, says) in [
        (certificate.as_str(), "", "tls.key is not"),
        ("", &key, "tls.certificate is not"),
        (&missing, &key, "there is no file"),
        (&certificate, &missing, "there is no file"),
        (&key, &key, "has no certificate"),
        (&certificate, &certificate, "has no private key"),
        (&certificate, &files.path("other.pem"), "can't be used together"),
    ] {
        let said = refused(certificate, key);
        assert!(said.contains(says), "{said}");
    }
}

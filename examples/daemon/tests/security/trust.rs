//! Whom the daemon and its tools believe over TLS: published keys, the application of the hook, and the daemon itself.

use crate::support::daemon::Daemon;
use crate::support::session::Session;
use crate::support::tool::{Tool, call, token};
use crate::support::{PATIENCE, SECRET};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use tempfile::TempDir;

/// A certificate of `localhost` that is its own authority, on disk with its key.
struct Certificate {
    folder: TempDir,
}

impl Certificate {
    fn new() -> Self {
        let certificate = Self { folder: tempfile::tempdir().unwrap() };
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(certificate.path("cert.pem"), made.cert.pem()).unwrap();
        fs::write(certificate.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
        certificate
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// A server at `localhost` that gives this answer to everything, and its port.
    fn serve(&self, answer: &Value) -> u16 {
        let chain = vec![CertificateDer::from_pem_file(self.path("cert.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_file(self.path("key.pem")).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
        let (config, body) = (Arc::new(config), answer.to_string());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                // Who does not believe the certificate goes.
                let _ = respond(&config, socket, &body);
            }
        });
        port
    }
}

fn respond(config: &Arc<ServerConfig>, socket: TcpStream, body: &str) -> std::io::Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut line = StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), socket);
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") {
        line.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    line.read_exact(&mut vec![0; length.unwrap_or(0)])?;
    let (kind, length) = ("Content-Type: application/json", body.len());
    write!(line, "HTTP/1.1 200 OK\r\nConnection: close\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{body}")?;
    line.conn.send_close_notify();
    line.flush()
}

/// A token and the document with its key, both made by another library.
fn published() -> (String, Value) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../engine/auth/tests/known_answers/tokens.json");
    let known: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let rows = known["tokens"].as_array().unwrap();
    let row = rows.iter().find(|row| row["algorithm"] == "ES256").unwrap();
    (row["token"].as_str().unwrap().to_owned(), json!({ "keys": [row["jwk"]] }))
}

#[test]
fn published_keys_are_taken_from_who_is_believed_alone() {
    let (certificate, other) = (Certificate::new(), Certificate::new());
    let (token, document) = published();
    let port = certificate.serve(&document);
    let settings = format!("[jwt]\naudience = \"tidings\"\njwks_url = \"https://localhost:{port}/keys\"\n");
    for (authority, is_believed) in [(&certificate, true), (&other, false)] {
        let file = authority.path("cert.pem");
        let daemon = Daemon::start_with(&["--listen", "127.0.0.1:0"], &[("SSL_CERT_FILE", &file)], &settings);
        let mut session = Session::open(&daemon);
        let answer = session.ask(&json!({"id": 1, "connect": {"token": token}}));
        if is_believed {
            assert!(answer["connected"].is_object(), "{answer}");
        } else {
            assert_eq!(answer["error"]["code"], 2008, "{answer}");
            session.expect_close(3005);
        }
    }
}

#[test]
fn the_application_is_asked_where_it_is_believed_alone() {
    let (certificate, other) = (Certificate::new(), Certificate::new());
    let port = certificate.serve(&json!({ "allow": true }));
    let settings = format!(
        "[hook]\nurl = \"https://localhost:{port}/\"\nquestions = \"subscribe\"\nsecret = \"{SECRET}\"\nretries = 0\n"
    );
    for (authority, is_believed) in [(&certificate, true), (&other, false)] {
        let environment = [("JWT_SECRET", SECRET), ("SSL_CERT_FILE", &authority.path("cert.pem"))];
        let daemon = Daemon::start_with(&["--listen", "127.0.0.1:0"], &environment, &settings);
        let mut session = Session::connect_with(&daemon, &token(&["--user", "alice", "--sub", "realtime:none"]));
        let answer = session.ask(&json!({"id": 2, "subscribe": {"channel": "realtime:a"}}));
        if is_believed {
            assert!(answer["subscribed"].is_object(), "{answer}");
        } else {
            assert_eq!(answer["error"]["code"], 2008, "{answer}");
        }
    }
}

#[test]
fn the_tools_speak_tls_with_who_is_believed_alone() {
    let (certificate, other) = (Certificate::new(), Certificate::new());
    let (cert, key, others) = (certificate.path("cert.pem"), certificate.path("key.pem"), other.path("cert.pem"));
    let daemon = Daemon::start(&format!("[tls]\ncertificate = \"{cert}\"\nkey = \"{key}\"\n"));
    let port = daemon.address.port();
    let (url, page) = (format!("wss://localhost:{port}/ws"), format!("https://localhost:{port}"));
    let environment = [("JWT_SECRET", SECRET), ("SSL_CERT_FILE", others.as_str())];
    let start = |words: &[&str]| {
        let mut tool = Tool::start(words, &environment);
        tool.wait_for_line("connected to wss://localhost:");
        tool
    };
    let mut sub = start(&["sub", "--server", &url, "--ca", &cert, "--user", "bob", "messaging:a"]);
    let mut watch = start(&["watch", "--server", &page, "--ca", &cert, "--user", "carol", "bob"]);
    watch.wait_for_line("online");
    let publish = |server: &str, more: &[&str]| {
        let words = [&["pub", "--server", server, "--user", "alice"], more, &["messaging:a", "\"over TLS\""]].concat();
        call(&words, &environment)
    };
    let done = publish(&page, &["--ca", &cert]);
    assert_eq!((done.code, &*done.printed), (Some(0), "accepted: published at offset 1"));
    sub.wait_for_line("over TLS");

    let by_address = format!("wss://127.0.0.1:{port}/ws");
    for (server, more) in [(&url, &[][..]), (&url, &["--ca", &others]), (&by_address, &["--ca", &cert])] {
        let refused = publish(server, more);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.printed.contains("is not believed") && refused.printed.contains("--ca FILE"), "{refused:?}");
    }
    let plain = Daemon::start("");
    let refused = publish(&format!("wss://localhost:{}/ws", plain.address.port()), &["--ca", &cert]);
    assert!(refused.printed.contains("does not speak TLS there"), "{refused:?}");
}

//! HTTP requests, through the server's own HTTP: whatever comes is answered or closed, and only a good upgrade from a good
//! origin is accepted.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::cell::RefCell;
use std::convert::Infallible;
use tidings_transports::{Handshake, Origins};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};

const ORIGIN: &str = "https://app.example";
const HEADER_BYTES_MAX: usize = 8 * 1024;

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().build().expect("a runtime without a driver");
}

/// The bytes of a connection.
pub fn run(bytes: &[u8]) {
    RUNTIME.with(|runtime| runtime.block_on(serve(bytes)));
}

async fn serve(bytes: &[u8]) {
    let (mut near, far) = tokio::io::duplex(bytes.len().max(1));
    let handshake = Handshake::new(ORIGIN.parse::<Origins>().expect("an origin")).with_subprotocols(&["a", "b"]);
    let accepted = RefCell::new(0_usize);
    let service = service_fn(|mut request: Request<Incoming>| {
        let response = answer(&handshake, &mut request);
        *accepted.borrow_mut() += usize::from(response.status() == StatusCode::SWITCHING_PROTOCOLS);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut http = http1::Builder::new();
    http.max_headers(64).max_buf_size(HEADER_BYTES_MAX).half_close(false);
    let client = async {
        // It fails when the server has closed before.
        let _ = near.write_all(bytes).await;
        let _ = near.shutdown().await;
        let mut answers = Vec::new();
        let _ = near.read_to_end(&mut answers).await;
        answers
    };
    let (_, answers) = tokio::join!(http.serve_connection(TokioIo::new(far), service), client);
    assert!(answers.is_empty() || answers.starts_with(b"HTTP/1."), "an answer is one of HTTP");
    let upgrades = answers.windows(13).filter(|part| part == b"HTTP/1.1 101 ").count();
    assert!(upgrades <= *accepted.borrow());
}

fn answer(handshake: &Handshake, request: &mut Request<Incoming>) -> Response<Full<Bytes>> {
    let headers = request.headers().clone();
    let method = request.method().clone();
    match handshake.accept(request) {
        Ok(accepted) => {
            assert_eq!(method, "GET");
            assert!(headers.get_all("origin").iter().all(|origin| origin == ORIGIN));
            assert_eq!(headers.get_all("sec-websocket-key").iter().count(), 1);
            assert_eq!(
                headers.get("sec-websocket-version").map(|version| version.as_bytes().trim_ascii()),
                Some(&b"13"[..])
            );
            assert!(accepted.response.headers().contains_key("sec-websocket-accept"));
            accepted.response
        }
        Err(rejection) => {
            let response = rejection.response();
            assert!(response.status().is_client_error());
            response
        }
    }
}

//! Hosts with a server of their own, over whatever lies under their HTTP.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming as Body},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tidings_transports::{Handshake, Limits, WebSocket};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpListener, TcpStream, UnixStream},
    sync::mpsc,
};

use crate::support::{client_frame, echo, upgrade_request};

/// Tells the address of the peer, which only a plain TCP socket knows, and when the echoing was over.
type Told = mpsc::UnboundedSender<Option<Option<SocketAddr>>>;

async fn answer(mut request: Request<Body>, told: Told) -> Result<Response<Full<Bytes>>, Infallible> {
    let accepted = match Handshake::default().accept(&mut request) {
        Ok(accepted) => accepted,
        Err(rejection) => return Ok(rejection.response()),
    };
    tokio::spawn(async move {
        let connection = accepted.upgrade.await.expect("the connection is upgraded");
        told.send(Some(connection.stream.peer_addr())).unwrap();
        let mut socket = WebSocket::new(connection, Arc::new(Limits::default()));
        let _ = socket.for_each(echo).await;
        told.send(None).unwrap();
    });
    Ok(accepted.response)
}

/// Upgrades, has a short and a long message echoed, and closes.
async fn talk(mut client: impl AsyncRead + AsyncWrite + Unpin) {
    client.write_all(upgrade_request("/", "").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    for payload in [vec![b'a'; 5], vec![b'b'; 500_000]] {
        client.write_all(&client_frame(0x82, &payload)).await.unwrap();
        let head_bytes = if payload.len() < 126 { 2 } else { 10 };
        let mut echo = vec![0; head_bytes + payload.len()];
        client.read_exact(&mut echo).await.unwrap();
        assert_eq!(echo[head_bytes..], payload);
    }
    client.write_all(&client_frame(0x88, b"")).await.unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, [0x88, 0]);
}

async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (client, listener.accept().await.unwrap().0)
}

#[tokio::test]
async fn the_socket_comes_out_of_an_automatic_server() {
    let (client, server) = tcp_pair().await;
    let address = client.local_addr().unwrap();
    let (told, mut heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let service = service_fn(move |request| answer(request, told.clone()));
        let http = auto::Builder::new(TokioExecutor::new());
        http.serve_connection_with_upgrades(TokioIo::new(server), service).await.unwrap();
    });
    talk(client).await;
    assert_eq!(heard.recv().await, Some(Some(Some(address))), "it is the plain socket");
    assert_eq!(heard.recv().await, Some(None));
}

#[tokio::test]
async fn unix_sockets_work_as_they_are() {
    let (client, server) = UnixStream::pair().unwrap();
    let (told, mut heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let service = service_fn(move |request| answer(request, told.clone()));
        http1::Builder::new().serve_connection(TokioIo::new(server), service).with_upgrades().await.unwrap();
    });
    talk(client).await;
    assert_eq!(heard.recv().await, Some(Some(None)));
    assert_eq!(heard.recv().await, Some(None));
}

/// What a host might put round its sockets.
struct Wrapped(TcpStream);

impl AsyncRead for Wrapped {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wrapped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn anything_else_is_bridged() {
    let (client, server) = tcp_pair().await;
    let (told, mut heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let service = service_fn(move |request| answer(request, told.clone()));
        http1::Builder::new().serve_connection(TokioIo::new(Wrapped(server)), service).with_upgrades().await.unwrap();
    });
    talk(client).await;
    assert_eq!(heard.recv().await, Some(Some(None)));
    assert_eq!(heard.recv().await, Some(None));
}

#[tokio::test]
async fn a_bridge_ends_with_either_of_its_ends() {
    let (mut client, server) = tcp_pair().await;
    let (told, mut heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let service = service_fn(move |request| answer(request, told.clone()));
        http1::Builder::new().serve_connection(TokioIo::new(Wrapped(server)), service).with_upgrades().await.unwrap();
    });
    client.write_all(upgrade_request("/", "").as_bytes()).await.unwrap();
    assert_eq!(heard.recv().await, Some(Some(None)));
    drop(client);
    assert_eq!(heard.recv().await, Some(None));
}

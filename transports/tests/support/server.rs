//! A server that echoes, on a port and threads of its own.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, thread};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming as Body},
    service::service_fn,
};
use tidings_transports::{Connection, Handshake, Incoming, Limits, Message, Origins, Outgoing, WebSocket, serve};
use tokio::{net::TcpListener, runtime, sync::watch};

/// Runs until it's dropped. `/` echoes with `for_each`, `/recv` with `recv` and `send`, `/close` closes with 4000 at the first message.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(limits: Limits) -> Self {
        Self::start_for(limits, Origins::any())
    }

    pub(crate) fn start_for(limits: Limits, origins: Origins) -> Self {
        super::counters::install();
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = watch::channel(false);
        let limits = Arc::new(limits);
        let handshake = Handshake::new(origins);
        let thread = thread::spawn(move || {
            let for_service = Arc::clone(&limits);
            let service = service_fn(move |request| answer(request, handshake.clone(), Arc::clone(&for_service)));
            runtime.block_on(serve(listener, limits, service, stopped)).expect("good limits");
        });
        Self { address, stop, thread: Some(thread) }
    }

    /// Shuts down, and returns when `serve` has.
    pub(crate) fn stop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server did not panic");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn answer(
    mut request: Request<Body>,
    handshake: Handshake,
    limits: Arc<Limits>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let accepted = match handshake.accept(&mut request) {
        Ok(accepted) => accepted,
        Err(rejection) => {
            rejection.count();
            return Ok(rejection.response());
        }
    };
    let path = request.uri().path().to_owned();
    tokio::spawn(async move {
        let Ok(connection) = accepted.upgrade.await else { return };
        match path.as_str() {
            "/recv" => recv_and_send(connection, limits).await,
            "/close" => close_at_once(connection, limits).await,
            _ => {
                let _ = WebSocket::new(connection, limits).for_each(echo).await;
            }
        }
    });
    Ok(accepted.response)
}

pub(crate) fn echo(incoming: Incoming<'_>, outgoing: &mut Outgoing) {
    match incoming {
        Incoming::Text(text) => outgoing.text(text),
        Incoming::Binary(bytes) => outgoing.binary(bytes),
        _ => {}
    }
}

async fn recv_and_send(connection: Connection, limits: Arc<Limits>) {
    let mut socket = WebSocket::new(connection, limits);
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err() {
            return;
        }
    }
}

async fn close_at_once(connection: Connection, limits: Arc<Limits>) {
    let mut socket = WebSocket::new(connection, limits);
    let _ = socket.recv().await;
    let _ = socket.close(4000, "as you wish").await;
    assert!(socket.recv().await.is_none());
}

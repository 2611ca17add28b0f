//! Echoes WebSocket messages, with nothing on top: for protocol suites, and to see what the layer alone can do.
//!
//! ```text
//! cargo run --release -p echo -- --listen 127.0.0.1:9001
//! ```

use std::{convert::Infallible, error::Error, io::Write, net::SocketAddr, sync::Arc};

use clap::Parser;
use hyper::{Request, Response, body::Incoming as Body, service::service_fn};
use tidings_transports::{Handshake, Incoming, Limits, Origins, Outgoing, WebSocket, serve};
use tokio::{net::TcpListener, sync::watch};

/// Echo WebSocket messages of up to 16 MiB, text and binary, at any path and for any origin.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The address to listen at; port 0 takes any free one. The first line printed tells which.
    #[arg(long, default_value = "127.0.0.1:9001")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| format!("can't listen at {}: {error}", options.listen))?;
    println!("listening on ws://{}/", listener.local_addr()?);
    std::io::stdout().flush()?;

    let limits = Arc::new(limits());
    let (stop, stopped) = watch::channel(false);
    let server = tokio::spawn(serve(
        listener,
        Arc::clone(&limits),
        service_fn(move |request| answer(request, Arc::clone(&limits))),
        stopped,
    ));
    tokio::signal::ctrl_c().await?;
    stop.send_replace(true);
    server.await??;
    Ok(())
}

/// Wide enough for the longest cases of the suites: 16 MiB, cut into frames of a few bytes, sent slowly.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.message_bytes_max = 16 * 1024 * 1024;
    limits.fragments_max = 1024 * 1024;
    limits.message_timeout_ms = 120_000;
    limits
}

async fn answer(
    mut request: Request<Body>,
    limits: Arc<Limits>,
) -> Result<Response<impl hyper::body::Body<Data: Send, Error = Infallible>>, Infallible> {
    let accepted = match Handshake::new(Origins::any()).accept(&mut request) {
        Ok(accepted) => accepted,
        Err(rejection) => return Ok(rejection.response()),
    };
    tokio::spawn(async move {
        // A peer that is gone before its WebSocket began, or that broke the protocol, is no matter of ours.
        if let Ok(connection) = accepted.upgrade.await {
            let _ = WebSocket::new(connection, limits).for_each(echo).await;
        }
    });
    Ok(accepted.response)
}

fn echo(incoming: Incoming<'_>, outgoing: &mut Outgoing) {
    match incoming {
        Incoming::Text(text) => outgoing.text(text),
        Incoming::Binary(bytes) => outgoing.binary(bytes),
        _ => {}
    }
}

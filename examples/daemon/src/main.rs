//! The standalone daemon.

use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, service::service_fn};
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use tidings::Engine;
use tidings::config::Config;
use tidings::host::{Admission, ConnectAsk, Denial, Host};
use tidings_auth::Verifier;
use tidings_transports::{Gateway, Limits, Origins, serve};
use tokio::net::TcpListener;
use tokio::sync::watch;

struct Tokens(Verifier);

impl Host for Tokens {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        self.0.verify(&ask.token)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = std::env::var("JWT_SECRET")?;
    let mut config = Config::default();
    if let Ok(rate) = std::env::var("RATE_LIMIT_MESSAGES_PER_MINUTE") {
        config.limits.messages_per_minute = rate.parse()?;
    }
    let args: Vec<_> = std::env::args().collect();
    let at = args.iter().position(|arg| arg == "--listen").map_or("127.0.0.1:8080", |at| &args[at + 1]);
    let engine = Engine::start(config, Tokens(Verifier::hs256(secret.as_bytes())?))?;
    let listener = TcpListener::bind(at).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let gateway = Gateway::new(engine.clone(), Origins::default(), Limits::default());
    let (stop, stopped) = watch::channel(false);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let response: Response<Full<bytes::Bytes>> = gateway.handle(&mut request);
        async move { Ok::<_, Infallible>(response) }
    });
    let server = tokio::spawn(serve(listener, Arc::new(Limits::default()), service, stopped));
    tokio::signal::ctrl_c().await?;
    stop.send_replace(true);
    engine.shutdown(std::time::Duration::from_secs(5)).await;
    server.await??;
    Ok(())
}

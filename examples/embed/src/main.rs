//! Serves the application. See the library for how it is made.

use embed::{Clubs, router};
use std::error::Error;
use std::time::Duration;
use tidings::Engine;
use tidings::config::Config;
use tidings_transports::Origins;
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8090".into());
    let engine = Engine::start(Config::default(), Clubs::default())?;
    let listener = TcpListener::bind(&address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let stopping = engine.clone();
    let stop = async move {
        // Without signals the server can only be killed; it serves all the same.
        if ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        stopping.shutdown(Duration::from_secs(5)).await;
    };
    axum::serve(listener, router(engine, Origins::default())).with_graceful_shutdown(stop).await?;
    Ok(())
}
